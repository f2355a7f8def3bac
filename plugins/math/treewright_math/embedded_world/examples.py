"""Training examples: problem, 0–3 retrieved records (sometimes up to 10), solution; and what is learnt of them.

Learnt are the tokens of solutions: the answer's own, and those of worked problems among the records,
which follow from the text before them just as well. Example number i of a seed is always the same.
"""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from treewright_math.embedded_world.facts import Fact, draw_fact
from treewright_math.embedded_world.problem import Problem, draw_problem
from treewright_math.embedded_world.prompts import (
    IM_END,
    IM_START,
    fact_record,
    step_record,
    worked_head,
)
from treewright_math.embedded_world.recipe import Recipe
from treewright_math.embedded_world.solutions import solution, solution_lines
from treewright_registry import Key

Encode = Callable[[str], list[int]]


class Span(NamedTuple):
    """A piece of an example, and whether it is learnt."""

    text: str
    learnt: bool = False


class Mixture(NamedTuple):
    """What the examples of training are.

    Attributes:
        deepest: steps of the deepest problems; the curriculum raises it, and the two that follow.
        largest: the largest number in a text.
        distractors: most sentences that the answer does not need.
        facts: probability that a problem needs an invented unit or operation.
        records: probabilities of 0, 1, 2 and 3 records.
        long: probability of 4 to 10 records.
        shuffled: probability that the solution's steps stand in another valid order than the usual.
        crossed: probability that a comparison's words suggest the opposite of what its step has to do.
    """

    deepest: int = 6
    largest: int = 200
    distractors: int = 2
    facts: float = 0.25
    records: tuple[float, ...] = (0.58, 0.2, 0.12, 0.085)
    long: float = 0.015
    shuffled: float = 0.0
    crossed: float = Recipe().crossed


DEPTHS = (0.2, 0.24, 0.22, 0.18, 0.09, 0.07)
SIZES = ((20, 0.35), (60, 0.5), (200, 0.15))


def draw_spans(key: Key, mixture: Mixture) -> list[Span]:
    """One example as it stands before the model."""
    draw = key.generator()
    problem = draw_problem(_recipe(draw, mixture, draw.random() < mixture.facts), draw, "train")
    records = _records(problem, draw, mixture)
    spans = [Span(f"{IM_START}user\n")]
    if records:
        spans.append(Span("Retrieved records, best first:\n\n"))
        for number, record in enumerate(records, 1):
            spans.extend([Span(f"[{number}] "), *record, Span("\n\n")])
        spans.append(Span("Problem:\n\n"))
    lines = solution_lines(problem, draw if draw.random() < mixture.shuffled else None)
    return [*spans, Span(f"{problem.text}{IM_END}\n{IM_START}assistant\n"), Span("\n".join(lines) + IM_END, True)]


def encode_spans(spans: list[Span], encode: Encode) -> tuple[list[int], list[bool]]:
    """Token ids, and for each whether it is learnt; neighbours are joined so that words stay whole."""
    ids, learnt = list[int](), list[bool]()
    for span in _joined(spans):
        piece = encode(span.text)
        ids += piece
        learnt += [span.learnt] * len(piece)
    return ids, learnt


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].learnt == span.learnt:
            joined[-1] = Span(joined[-1].text + span.text, span.learnt)
        else:
            joined.append(span)
    return joined


def _recipe(draw: Random, mixture: Mixture, needs_fact: bool) -> Recipe:
    depth = draw.choices(range(1, mixture.deepest + 1), DEPTHS[: mixture.deepest])[0]
    sizes = [(size, weight) for size, weight in SIZES if size <= mixture.largest]
    largest = draw.choices([size for size, _ in sizes], [weight for _, weight in sizes])[0]
    recipe = Recipe((depth, depth), largest, distractors=mixture.distractors, facts=float(needs_fact))
    return recipe._replace(crossed=mixture.crossed)


def _records(problem: Problem, draw: Random, mixture: Mixture) -> list[list[Span]]:
    """In any order: the facts that are needed, worked problems, a step, facts that are not needed."""
    if draw.random() < mixture.long:
        count = draw.randint(4, 10)
    else:
        count = draw.choices(range(len(mixture.records)), mixture.records)[0]
    records = [[Span(fact_record(fact.text))] for fact in problem.facts]
    records += [_record(problem.facts, draw, mixture) for _ in range(count - len(records))]
    draw.shuffle(records)
    return records


def _record(facts: tuple[Fact, ...], draw: Random, mixture: Mixture) -> list[Span]:
    kind = draw.random()
    if kind < 0.25:
        other = draw_fact(draw, evaluation=False)
        # two records must not contradict each other
        known = {(fact.name, fact.other) for fact in facts}
        return [Span(fact_record((facts[0] if (other.name, other.other) in known else other).text))]
    recipe = _recipe(draw, mixture, False)
    worked = draw_problem(recipe._replace(distractors=min(1, recipe.distractors)), draw, "train")
    if kind < 0.4:
        return [Span(step_record(draw.choice(solution_lines(worked)[:-1])))]
    return [Span(worked_head(worked.text)), Span(solution(worked), True)]
