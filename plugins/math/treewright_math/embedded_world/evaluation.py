"""Figures of an embedded model: greedy and sampled accuracy by difficulty, phrasing and facts."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from treewright.run.intervals import mean_interval, wilson
from treewright_math.embedded_world.generation import generate
from treewright_math.embedded_world.problem import Problem, draw_problem
from treewright_math.embedded_world.prompts import fact_record, prompt, worked_record
from treewright_math.embedded_world.recipe import DIFFICULTIES, Difficulty
from treewright_math.embedded_world.solutions import solution
from treewright_math.embedded_world.step_check import check
from treewright_math.embedded_world.task import answer_in, draw_set
from treewright_registry import Key

Row = dict[str, Any]


class Kind(NamedTuple):
    """A kind of problems: as the options of the task, and how many worked problems stand before each."""

    difficulty: Difficulty
    held_out: bool = False
    facts: str = "none"
    worked: int = 0


def draw_kind(kind: Kind, count: int, seed: int, split: Any = "test") -> list[Problem]:
    """Exactly the problems of the task with these options."""
    settings = f"{kind.difficulty}-{'held-out' if kind.held_out else 'seen'}"
    facts = kind.facts != "none"
    key = Key.root(seed, "math/embedded", settings, int(facts), split)
    return draw_set(key, count, DIFFICULTIES[kind.difficulty]._replace(facts=float(facts)), kind.held_out, split)


def prompts_of(kind: Kind, problems: Sequence[Problem]) -> list[str]:
    """What the model reads: the needed facts if they are given, worked training problems, the problem."""
    return [prompt(problem.text, [*_facts(kind, problem), *_worked(kind, problem)]) for problem in problems]


def _facts(kind: Kind, problem: Problem) -> list[str]:
    return [fact_record(fact.text) for fact in problem.facts] if kind.facts == "given" else []


def _worked(kind: Kind, problem: Problem) -> list[str]:
    draw = Key.root(0, "worked problems", problem.identity).generator()
    others = [draw_problem(DIFFICULTIES[kind.difficulty], draw, "train") for _ in range(kind.worked)]
    return [worked_record(other.text, solution(other)) for other in others]


def greedy_row(model: Any, tokenizer: Any, kind: Kind, count: int, seed: int) -> Row:
    """Greedy accuracy: the number right, all steps right; how many of the first 50 have the right number."""
    problems = draw_kind(kind, count, seed)
    made = [texts[0] for texts in generate(model, tokenizer, prompts_of(kind, problems))]
    right = [answer_in(text) == str(p.answer) for p, text in zip(problems, made, strict=True)]
    exact = [check(p, text).right for p, text in zip(problems, made, strict=True)]
    return _kind(kind, count, seed) | {
        "greedy": _share(right),
        "steps_right": _share(exact),
        "first_50": sum(right[:50]),
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
    for worked in (2, 10):
        yield greedy_row(model, tokenizer, Kind("easy", worked=worked), count, seed)
    for difficulty in DIFFICULTIES if sampled else ():
        yield sampled_row(model, tokenizer, Kind(difficulty), sampled, seed)


def _kind(kind: Kind, count: int, seed: int) -> Row:
    phrasing = "held-out" if kind.held_out else "seen"
    front = {"difficulty": kind.difficulty, "phrasing": phrasing, "facts": kind.facts, "worked": kind.worked}
    return front | {"n": count, "seed": seed}


def _share(hits: Sequence[bool]) -> list[float]:
    """Share, and its 95 % interval."""
    return [sum(hits) / len(hits), *wilson(sum(hits), len(hits))]


def _most_common(row: Sequence[str | None]) -> str | None:
    said = [number for number in row if number is not None]
    return max(said, key=said.count) if said else None  # the first of equals
