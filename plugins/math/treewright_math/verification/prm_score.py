r"""PRMScore: how well a scorer tells right steps from wrong ones.

A step counts as right if its score is at least the threshold. Over all steps of a set,

    F1                    of right steps (a right step called right is a true positive)
    negative F1           of wrong steps
    PRMScore              (F1 + negative F1) / 2
    right, wrong step accuracy   the share of right steps called right, of wrong ones called wrong
    step accuracy         the share of steps called what they are

A figure that a set cannot have, as PRMScore without any wrong step, is not there; it is not 0.

Source: PRMBench (arXiv 2501.03124) and its code; the weights of one half come from second hand.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from treewright_math.verification.first_error import threshold_of_highest
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


def right_step_accuracy(counts: StepCounts) -> float:
    """The share of right steps that are called right; 0 if none is right."""
    return _part(counts.right_called_right, counts.right_called_wrong)


def wrong_step_accuracy(counts: StepCounts) -> float:
    """The share of wrong steps that are called wrong; 0 if none is wrong."""
    return _part(counts.wrong_called_wrong, counts.wrong_called_right)


def step_accuracy(counts: StepCounts) -> float:
    """The share of steps that are called what they are."""
    hits = counts.right_called_right + counts.wrong_called_wrong
    return _part(hits, sum(counts) - hits)


def step_figures(solutions: Sequence[StepCounts]) -> dict[str, dict[str, float]]:
    """All of these figures that the steps of the solutions can have, by name."""
    total = _summed(solutions)
    right, wrong = sum(total[:2]), sum(total[2:])
    names: dict[str, Callable[[StepCounts], float]] = {}
    if right:
        names |= {"step_f1": f1_of_right, "right_step_accuracy": right_step_accuracy}
    if wrong:
        names |= {"step_negative_f1": f1_of_wrong, "wrong_step_accuracy": wrong_step_accuracy}
    if right and wrong:
        names |= {"prm_score": prm_score}
    if right or wrong:
        names |= {"step_accuracy": step_accuracy}
    return {name: clustered(figure, solutions) for name, figure in names.items()}


def best_threshold_by_prm_score(solutions: Sequence[tuple[Sequence[int], Sequence[float]]]) -> float:
    """The threshold with the highest PRMScore over the steps of these solutions.

    Args:
        solutions: of each the numbers of its wrong steps, from 0, and a score for each step.
    """
    steps = sorted((score, n in wrong) for wrong, scores in solutions for n, score in enumerate(scores))
    ordered = [score for score, _ in steps]
    wrong_below = list(accumulate((is_wrong for _, is_wrong in steps), initial=0))

    def value(threshold: float) -> float:
        below = bisect_left(ordered, threshold)
        hits, wrong = wrong_below[below], wrong_below[-1]
        missed_right = below - hits
        return prm_score(StepCounts(len(steps) - wrong - missed_right, missed_right, wrong - hits, hits))

    return threshold_of_highest(value, ordered)


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


def _part(hits: int, others: int) -> float:
    return hits / (hits + others) if hits else 0.0
