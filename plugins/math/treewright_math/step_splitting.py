"""Answers cut into reasoning steps, and numbers of reasoning steps turned back into one per trajectory step.

A policy's step and a reward model's step are two things. A policy may write a whole answer as one step, and a
reward model wants that answer line by line. So every trajectory step is cut at the reward model's separator,
and each piece remembers which step it came from. A boundary of trajectory steps is always one of pieces too.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

Combine = Callable[[Sequence[float]], float]


class Piece(NamedTuple):
    """One reasoning step as a reward model sees it.

    Attributes:
        text: without surrounding empty lines and without blanks at its end; never blank.
        owner: index of the trajectory step that it is part of.
    """

    text: str
    owner: int


def pieces_of(steps: Sequence[str], separator: str) -> tuple[Piece, ...]:
    """The reasoning steps of an answer.

    Args:
        steps: texts of the trajectory's steps, with whatever separators they bring.
        separator: where reasoning steps end, e.g. an empty line; ``""`` takes each trajectory step as one.
    """
    found = []
    for owner, step in enumerate(steps):
        for part in step.split(separator) if separator else [step]:
            text = part.strip("\r\n").rstrip()
            if text.strip():
                found.append(Piece(text, owner))
    return tuple(found)


def per_step(
    values: Sequence[float], owners: Sequence[int], count: int, combine: Combine, before: float | None = None
) -> tuple[float, ...]:
    """One number for each of ``count`` trajectory steps.

    Where a step holds several reasoning steps, their numbers are combined. One that holds none adds nothing, so it
    takes the number of the step before it.

    Args:
        values: one number per reasoning step; at least one, unless ``before`` is given.
        owners: the trajectory step of each, ascending.
        count: how many trajectory steps there are.
        combine: makes one number of several.
        before: the number of steps before the first one that has any; ``None`` takes that one's.
    """
    groups: list[list[float]] = [[] for _ in range(count)]
    for value, owner in zip(values, owners, strict=True):
        groups[owner].append(value)
    current = combine(next(group for group in groups if group)) if before is None else before
    numbers = []
    for group in groups:
        current = combine(group) if group else current
        numbers.append(current)
    return tuple(numbers)
