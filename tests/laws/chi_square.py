"""Pearson's test of counts against a law, exact enough for gates at p = 1e-4 and 1e-10."""

from collections.abc import Sequence
from math import exp, lgamma, log
from typing import NamedTuple

SMALLEST_EXPECTATION = 5.0


class ChiSquare(NamedTuple):
    """The statistic, its degrees of freedom, and the probability of one at least as large."""

    statistic: float
    freedom: int
    p: float


def chi_square(counts: Sequence[int], law: Sequence[float]) -> ChiSquare:
    """Test ``counts`` against ``law``; cells with an expected count below 5 are merged into one.

    An outcome that the law excludes and that was counted has p = 0, whatever the others say.
    """
    if any(count and not share > 0 for count, share in zip(counts, law, strict=True)):
        return ChiSquare(float("inf"), len(law) - 1, 0.0)
    cells = _merged(counts, [sum(counts) * share for share in law])
    assert len(cells) >= 2, "one cell alone fits every law: draw more"
    statistic = sum((count - mean) ** 2 / mean for count, mean in cells)
    return ChiSquare(statistic, len(cells) - 1, upper_gamma((len(cells) - 1) / 2, statistic / 2))


def p_value(counts: Sequence[int], law: Sequence[float]) -> float:
    """Probability of counts at least this far from ``law``."""
    return chi_square(counts, law).p


def _merged(counts: Sequence[int], expected: Sequence[float]) -> list[tuple[int, float]]:
    """(count, expected) of each cell; the rare ones together, joined to the smallest other if still rare."""
    pairs = sorted(zip(counts, expected, strict=True), key=lambda cell: cell[1])
    rare = [cell for cell in pairs if cell[1] < SMALLEST_EXPECTATION]
    cells = pairs[len(rare) :]
    if rare:
        count, mean = sum(cell[0] for cell in rare), sum(cell[1] for cell in rare)
        if mean < SMALLEST_EXPECTATION and cells:
            smallest = cells.pop(0)
            count, mean = count + smallest[0], mean + smallest[1]
        if mean > 0:
            cells.append((count, mean))
    return cells


def upper_gamma(shape: float, x: float) -> float:
    """The regularised upper incomplete gamma function Q(shape, x).

    Source: the series and continued fraction of Numerical Recipes, section 6.2.
    """
    if x <= 0:
        return 1.0
    front = exp(shape * log(x) - x - lgamma(shape))
    return 1.0 - front * _series(shape, x) if x < shape + 1 else front * _fraction(shape, x)


def _series(shape: float, x: float) -> float:
    term = total = 1.0 / shape
    at = shape
    while abs(term) > 1e-16 * abs(total):
        at += 1
        term *= x / at
        total += term
    return total


def _fraction(shape: float, x: float) -> float:
    b = x + 1 - shape
    c, d = 1e300, 1 / b
    h = d
    for i in range(1, 1000):
        a = -i * (i - shape)
        b += 2
        d = 1 / (a * d + b)
        c = b + a / c
        h *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return h
