r"""PRMScore: how well a scorer tells right steps from wrong ones.

A step counts as right if its score is at least the threshold. Over all steps of a set,

    F1          of right steps (a right step called right is a true positive)
    negative F1 of wrong steps
    PRMScore    (F1 + negative F1) / 2

Source: PRMBench (arXiv 2501.03124) and its code; the weights of one half come from second hand.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from treewright_registry import Key

_DRAWS = 500


class StepCounts(NamedTuple):
    """Steps by what they are and what they are called."""

    right_called_right: int = 0
    right_called_wrong: int = 0
    wrong_called_right: int = 0
    wrong_called_wrong: int = 0


def counted(wrong: Sequence[int], scores: Sequence[float], threshold: float) -> StepCounts:
    """The steps of one solution.

    Args:
        wrong: numbers of its wrong steps, from 0.
        scores: one for each step.
        threshold: from which on a step is called right.
    """
    cells = [0, 0, 0, 0]
    for number, score in enumerate(scores):
        cells[2 * (number in wrong) + (score < threshold)] += 1
    return StepCounts(*cells)


def f1_of_right(counts: StepCounts) -> float:
    """F1 with right steps as the positive class; 0 if none is right or called so."""
    return _f1(counts.right_called_right, counts.right_called_wrong, counts.wrong_called_right)


def f1_of_wrong(counts: StepCounts) -> float:
    """F1 with wrong steps as the positive class; 0 if none is wrong or called so."""
    return _f1(counts.wrong_called_wrong, counts.wrong_called_right, counts.right_called_wrong)


def prm_score(counts: StepCounts) -> float:
    """The mean of both."""
    return (f1_of_right(counts) + f1_of_wrong(counts)) / 2


def clustered(figure: Callable[[StepCounts], float], solutions: Sequence[StepCounts]) -> dict[str, float]:
    """A figure over the steps of all solutions, with a 95 % interval and the number of steps.

    The interval is a percentile bootstrap over solutions (500 draws), since the steps of one are not independent.
    """
    total = _summed(solutions)
    draws = Key.root(0, "clustered").generator()
    again = sorted(figure(_summed(draws.choices(solutions, k=len(solutions)))) for _ in range(_DRAWS) if solutions)
    low, high = (again[_DRAWS // 40], again[-1 - _DRAWS // 40]) if again else (0.0, 1.0)
    return {"value": figure(total), "low": low, "high": high, "n": sum(total)}


def _summed(solutions: Sequence[StepCounts]) -> StepCounts:
    return StepCounts(*(sum(column) for column in zip(*solutions, strict=True))) if solutions else StepCounts()


def _f1(hits: int, missed: int, false: int) -> float:
    return 2 * hits / (2 * hits + missed + false) if hits else 0.0
