r"""One number out of the numbers of an answer's steps.

    min         min s_t
    soft-min    Σ w_t s_t,  w = softmax(-s / 0.1)      (PURE's approximation of the minimum)
    product     Π s_t
    last        s_T
    mean        Σ s_t / T
    geometric   (Π max(s_t, 1e-10))^(1/T)              (MetaStone-S1, its clamp too)
    sum         Σ s_t

Which vendor uses which stands in the table of recipes (README). The engine's option ``step_scores`` combines the
scores of *trajectory* steps; this one combines those of reasoning steps, of which a trajectory step may hold many.
"""

from collections.abc import Callable, Mapping, Sequence
from math import exp, fsum, log, prod
from typing import Final, Literal, TypeAlias

Aggregation: TypeAlias = Literal["min", "soft-min", "product", "last", "mean", "geometric", "sum"]

_CLAMP: Final = 1e-10
_SOFTNESS: Final = 0.1
PROBABILITIES_ONLY: Final = frozenset({"product", "geometric"})
"""Rules that make no sense for scores below 0."""


def aggregated(scores: Sequence[float], rule: Aggregation) -> float:
    """The answer's number.

    Args:
        scores: of its reasoning steps, at least one.
        rule: how they are combined.
    """
    return RULES[rule](scores)


def _soft_min(scores: Sequence[float]) -> float:
    least = min(scores)
    weights = [exp((least - score) / _SOFTNESS) for score in scores]
    return fsum(weight * score for weight, score in zip(weights, scores, strict=True)) / fsum(weights)


def _geometric(scores: Sequence[float]) -> float:
    return exp(fsum(log(max(score, _CLAMP)) for score in scores) / len(scores))


RULES: Final[Mapping[Aggregation, Callable[[Sequence[float]], float]]] = {
    "min": min,
    "soft-min": _soft_min,
    "product": prod,
    "last": lambda scores: scores[-1],
    "mean": lambda scores: fsum(scores) / len(scores),
    "geometric": _geometric,
    "sum": fsum,
}
