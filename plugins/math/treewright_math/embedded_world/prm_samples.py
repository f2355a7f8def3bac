"""Solutions with exact step labels: what the embedded process reward model learns from and is measured on."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from treewright_math.embedded_world.corruption import corrupted
from treewright_math.embedded_world.generation import generate
from treewright_math.embedded_world.problem import Problem, draw_problem
from treewright_math.embedded_world.prompts import fact_record, prompt, user_message
from treewright_math.embedded_world.recipe import Recipe
from treewright_math.embedded_world.solutions import solution_lines
from treewright_math.embedded_world.step_check import check, split_lines
from treewright_math.embedded_world.tokenizer import SPECIAL
from treewright_registry import Key

TEMPERATURES = (0.6, 0.8, 1.0)


class Labelled(NamedTuple):
    """A solution and what is right of it.

    Attributes:
        problem: the text before the reward model (with facts, if there are any).
        lines: the solution's steps.
        right: for each step whether the solution is right up to and including it.
    """

    problem: str
    lines: tuple[str, ...]
    right: tuple[bool, ...]


def label(problem: Problem, lines: Sequence[str]) -> Labelled:
    """Label a solution by the exact step check; after the first fault nothing is right any more."""
    found = check(problem, "\n".join(lines))
    good = len(found.faults) if found.first_error < 0 else found.first_error
    marks = tuple(place < good for place in range(len(lines)))
    return Labelled(user_message(problem.text, facts_of(problem)), tuple(lines), marks)


def facts_of(problem: Problem) -> list[str]:
    """The records that tell what a problem needs."""
    return [fact_record(fact.text) for fact in problem.facts]


def draw_training_problem(key: Key) -> Problem:
    """A training problem of any depth and size, one in five with a fact."""
    draw = key.generator()
    depth = draw.choices((1, 2, 3, 4, 5, 6), (1, 2, 3, 3, 2, 2))[0]
    recipe = Recipe((depth, depth), draw.choice((20, 60, 60, 200)), distractors=2, facts=float(draw.random() < 0.2))
    return draw_problem(recipe, draw, "train")


def sampled(model: Any, tokenizer: Any, key: Key, count: int) -> Iterator[Labelled]:
    """One solution of each of ``count`` training problems, written by a language model."""
    for number, temperature in enumerate(TEMPERATURES):
        problems = [draw_training_problem(key.child(number, i)) for i in range(count // len(TEMPERATURES))]
        prompts = [prompt(problem.text, facts_of(problem)) for problem in problems]
        seed = key.child("sampling", number).seed % 2**31
        made = generate(model, tokenizer, prompts, temperature=temperature, seed=seed, batch=256, most=176)
        for problem, texts in zip(problems, made, strict=True):
            if not any(mark in texts[0] for mark in SPECIAL):  # no reward model reads control tokens
                yield label(problem, written(texts[0]))


def written(text: str) -> list[str]:
    """The lines of a solution as a reward model sees them: at least one, none blank."""
    return [line for line in split_lines(text) if line.strip()] or ["."]


def made_up(key: Key) -> Labelled:
    """A right solution in any valid order (one in four), or a corrupted one."""
    problem, draw = draw_training_problem(key), key.child("fault").generator()
    right = draw.random() < 0.25
    return label(problem, solution_lines(problem, draw) if right else corrupted(problem, draw))


def write(samples: Sequence[Labelled], file: Path) -> None:
    """One JSON object a line; the file appears only when it is complete."""
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text("".join(json.dumps(sample._asdict()) + "\n" for sample in samples), encoding="utf-8")
    partial.replace(file)


def read(file: Path) -> list[Labelled]:
    """What ``write`` wrote."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [Labelled(row["problem"], tuple(row["lines"]), tuple(row["right"])) for row in rows]
