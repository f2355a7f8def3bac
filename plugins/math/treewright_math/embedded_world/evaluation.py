"""Figures of an embedded model: greedy and sampled accuracy by difficulty, phrasing and facts."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from treewright.run.intervals import mean_interval, wilson
from treewright_math.embedded_world.generation import generate
from treewright_math.embedded_world.problem import Problem
from treewright_math.embedded_world.prompts import fact_record, prompt
from treewright_math.embedded_world.recipe import DIFFICULTIES, Difficulty
from treewright_math.embedded_world.step_check import check
from treewright_math.embedded_world.task import answer_in, draw_set
from treewright_registry import Key

Row = dict[str, Any]


class Kind(NamedTuple):
    """A kind of problems: as the options of the task."""

    difficulty: Difficulty
    held_out: bool = False
    facts: str = "none"


def draw_kind(kind: Kind, count: int, seed: int, split: Any = "test") -> list[Problem]:
    """Exactly the problems of the task with these options."""
    settings = f"{kind.difficulty}-{'held-out' if kind.held_out else 'seen'}"
    facts = kind.facts != "none"
    key = Key.root(seed, "math/embedded", settings, int(facts), split)
    return draw_set(key, count, kind.difficulty, kind.held_out, facts, split)


def prompts_of(kind: Kind, problems: Sequence[Problem]) -> list[str]:
    """What the model reads: with the needed facts if they are given."""
    given = kind.facts == "given"
    return [prompt(p.text, [fact_record(fact.text) for fact in p.facts] if given else []) for p in problems]


def greedy_row(model: Any, tokenizer: Any, kind: Kind, count: int, seed: int) -> Row:
    """Greedy accuracy: the number right, all steps right."""
    problems = draw_kind(kind, count, seed)
    made = [texts[0] for texts in generate(model, tokenizer, prompts_of(kind, problems))]
    right = [answer_in(text) == str(p.answer) for p, text in zip(problems, made, strict=True)]
    exact = [check(p, text).right for p, text in zip(problems, made, strict=True)]
    return _kind(kind, count, seed) | {
        "greedy": _share(right),
        "steps_right": _share(exact),
    }


def sampled_row(
    model: Any, tokenizer: Any, kind: Kind, count: int, seed: int, *, samples: int = 16, temperature: float = 0.8
) -> Row:
    """Accuracy of single samples, of the majority, and whether any of them is right."""
    problems = draw_kind(kind, count, seed)
    made = generate(
        model, tokenizer, prompts_of(kind, problems), temperature=temperature, samples=samples, seed=seed, batch=128
    )
    numbers = [[answer_in(text) for text in texts] for texts in made]
    answers = [str(problem.answer) for problem in problems]
    shares = [row.count(answer) / samples for row, answer in zip(numbers, answers, strict=True)]
    votes = [_most_common(row) == answer for row, answer in zip(numbers, answers, strict=True)]
    return _kind(kind, count, seed) | {
        "samples": samples,
        "temperature": temperature,
        "single": list(mean_interval(shares)),
        "majority": _share(votes),
        "any": _share([share > 0 for share in shares]),
    }


def all_rows(model: Any, tokenizer: Any, *, count: int, sampled: int, seed: int = 0) -> Iterator[Row]:
    """The card's figures: every difficulty, both phrasings; facts known and not; then samples."""
    model.eval()
    for difficulty in DIFFICULTIES:
        for held_out in (False, True):
            yield greedy_row(model, tokenizer, Kind(difficulty, held_out), count, seed)
    for facts in ("given", "unknown"):
        yield greedy_row(model, tokenizer, Kind("easy", False, facts), count, seed)
    for difficulty in DIFFICULTIES if sampled else ():
        yield sampled_row(model, tokenizer, Kind(difficulty), sampled, seed)


def _kind(kind: Kind, count: int, seed: int) -> Row:
    phrasing = "held-out" if kind.held_out else "seen"
    return {"difficulty": kind.difficulty, "phrasing": phrasing, "facts": kind.facts, "n": count, "seed": seed}


def _share(hits: Sequence[bool]) -> list[float]:
    """Share, and its 95 % interval."""
    return [sum(hits) / len(hits), *wilson(sum(hits), len(hits))]


def _most_common(row: Sequence[str | None]) -> str | None:
    said = [number for number in row if number is not None]
    return max(said, key=said.count) if said else None  # the first of equals
