"""Confidence intervals at 95 %."""

from collections.abc import Sequence
from math import sqrt

Z = 1.959963984540054  # 97.5 % quantile of the normal distribution


def wilson(successes: float, n: int) -> tuple[float, float]:
    """Wilson's score interval of a proportion; (0, 1) for n = 0.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
    """
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    denominator = 1 + Z * Z / n
    centre = share + Z * Z / (2 * n)
    spread = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return max(0.0, (centre - spread) / denominator), min(1.0, (centre + spread) / denominator)


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and its normal interval, mean ± 1.96 · s / √n; a single value has no width to show."""
    n = len(values)
    mean = sum(values) / n
    if n == 1:
        return mean, mean, mean
    variance = sum((value - mean) ** 2 for value in values) / (n - 1)
    half = Z * sqrt(variance / n)
    return mean, mean - half, mean + half
