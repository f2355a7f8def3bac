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


def proportion(hits: Sequence[bool]) -> dict[str, float]:
    """The share of hits (at least one) with Wilson's interval, as summaries hold figures."""
    low, high = wilson(sum(hits), len(hits))
    return {"value": sum(hits) / len(hits), "low": low, "high": high, "n": len(hits)}


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and its normal interval, mean ± 1.96 · s / √n, as far as the values themselves reach.

    Which values are possible is not known here, and the plain interval of a similarity can reach above 1, that of a
    distance below 0. So the ends stop at the smallest and the largest value seen, as those of a percentile bootstrap
    do. That matters for up to three values, where it is narrower, and for skewed ones.
    """
    n = len(values)
    mean = sum(values) / n
    if n == 1:
        return mean, mean, mean  # no width to show
    variance = sum((value - mean) ** 2 for value in values) / (n - 1)
    half = Z * sqrt(variance / n)
    return mean, max(mean - half, min(values)), min(mean + half, max(values))


def paired_proportions(first: Sequence[bool], second: Sequence[bool]) -> tuple[float, float, float]:
    """Difference of two proportions on the same problems, first minus second, and its interval.

    With n problems, a of them right by the first alone and b by the second alone: p = (a+1)/(n+2),
    q = (b+1)/(n+2), interval p − q ± 1.96 · √((p + q − (p − q)²) / (n + 2)); the difference itself is
    (a − b)/n. So it has a width also where no problem differs.

    Source: D. G. Bonett, R. M. Price, J. Educ. Behav. Stat. 37 (2012) 479, adjusted Wald interval.
    """
    n = len(first)
    if n == 0:
        return 0.0, -1.0, 1.0
    alone = sum(one and not other for one, other in zip(first, second, strict=True))
    other_alone = sum(other and not one for one, other in zip(first, second, strict=True))
    p, q = (alone + 1) / (n + 2), (other_alone + 1) / (n + 2)
    half = Z * sqrt((p + q - (p - q) ** 2) / (n + 2))
    return (alone - other_alone) / n, max(-1.0, p - q - half), min(1.0, p - q + half)
