r"""Where a solution goes wrong first: predictions from step scores, and how good they are.

    prediction   the first step with score < threshold, −1 if there is none
    acc_err      share of exact predictions among solutions with a wrong step
    acc_cor      share of −1 among solutions without one
    F1           2 acc_err acc_cor / (acc_err + acc_cor)

Source: ProcessBench (arXiv 2412.06559) and its code. Steps count from 0.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import inf, nextafter
from typing import NamedTuple

from treewright.run.intervals import proportion

NONE = -1
"""The label of a solution without a wrong step."""


class Graded(NamedTuple):
    """A labelled solution and what a scorer says of its steps.

    Attributes:
        label: the first wrong step, −1 if none is wrong.
        scores: one for each step; ``None`` where scoring failed, which no threshold repairs.
    """

    label: int
    scores: Sequence[float] | None


def first_error(scores: Sequence[float], threshold: float) -> int:
    """The first step whose score lies below the threshold, −1 if none does."""
    return next((number for number, score in enumerate(scores) if score < threshold), NONE)


def hit(solution: Graded, threshold: float) -> bool:
    """Whether the prediction is exactly the label."""
    return solution.scores is not None and first_error(solution.scores, threshold) == solution.label


def f1(acc_err: float, acc_cor: float) -> float:
    """The harmonic mean; 0 if both are 0."""
    return 2 * acc_err * acc_cor / (acc_err + acc_cor) if acc_err + acc_cor else 0.0


def figures(solutions: Sequence[Graded], threshold: float, prefix: str = "") -> dict[str, dict[str, float]]:
    """``first_error_accuracy`` (of solutions with an error: acc_err), ``acc_err``, ``acc_cor`` and ``f1``.

    Shares have Wilson's interval. F1's bounds are those of F1 at both lower and both upper bounds, which is wider than
    95 %. What has no solutions is left out.
    """
    wrong = [hit(solution, threshold) for solution in solutions if solution.label != NONE]
    right = [hit(solution, threshold) for solution in solutions if solution.label == NONE]
    found = {}
    if wrong:
        found[f"{prefix}first_error_accuracy"] = found[f"{prefix}acc_err"] = proportion(wrong)
    if right:
        found[f"{prefix}acc_cor"] = proportion(right)
    if wrong and right:
        err, cor = found[f"{prefix}acc_err"], found[f"{prefix}acc_cor"]
        both = {bound: f1(err[bound], cor[bound]) for bound in ("value", "low", "high")}
        found[f"{prefix}f1"] = {**both, "n": len(solutions)}
    return found


def best_threshold(solutions: Sequence[Graded]) -> float:
    """The threshold with the highest F1 on these solutions (accuracy, if they are all wrong or all right).

    Every threshold that makes a difference is tried; of equally good ones the middle one is taken. Where no score
    occurs, 0.5.
    """
    scores = (score for solution in solutions for score in solution.scores or ())
    return threshold_of_highest(lambda threshold: _quality(solutions, threshold), scores)


_MOST_CANDIDATES = 1_000


def threshold_of_highest(figure: Callable[[float], float], scores: Iterable[float]) -> float:
    """The threshold at which a figure is highest, of equally good ones the middle one; without scores 0.5."""
    candidates = _between(scores)
    if not candidates:
        return 0.5
    values = [figure(threshold) for threshold in candidates]
    top = max(values)
    best = [threshold for threshold, value in zip(candidates, values, strict=True) if value == top]
    return best[len(best) // 2]


def _between(scores: Iterable[float]) -> list[float]:
    """Thresholds below, between and above the scores; of many, evenly chosen ones (ImplicitPRM sweeps 1,000 too)."""
    ordered = sorted(set(scores))
    if not ordered:
        return []
    middles = [(low + high) / 2 for low, high in pairwise(ordered)]
    if len(middles) > _MOST_CANDIDATES:
        middles = [middles[index * len(middles) // _MOST_CANDIDATES] for index in range(_MOST_CANDIDATES)]
    return [ordered[0], *middles, nextafter(ordered[-1], inf)]


def _quality(solutions: Sequence[Graded], threshold: float) -> float:
    wrong = [hit(solution, threshold) for solution in solutions if solution.label != NONE]
    right = [hit(solution, threshold) for solution in solutions if solution.label == NONE]
    if not wrong or not right:
        return sum(wrong + right) / len(wrong + right)
    return f1(sum(wrong) / len(wrong), sum(right) / len(right))
