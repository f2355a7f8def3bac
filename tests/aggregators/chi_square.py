"""Pearson's test of counts against a law, exact enough for gates at p = 1e-4 and 1e-10."""

from collections.abc import Sequence
from math import exp, lgamma, log


def p_value(counts: Sequence[int], law: Sequence[float]) -> float:
    """Probability of counts at least this far from ``law``; every expected count must be ≥ 5."""
    n = sum(counts)
    expected = [n * share for share in law]
    assert min(expected) >= 5
    statistic = sum((count - mean) ** 2 / mean for count, mean in zip(counts, expected, strict=True))
    return upper_gamma((len(law) - 1) / 2, statistic / 2)


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
