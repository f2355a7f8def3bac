"""The test's own yardstick, against published quantiles of the chi-square distribution."""

import pytest

from tests.aggregators.chi_square import p_value, upper_gamma


@pytest.mark.parametrize(
    ("freedom", "statistic", "p"),
    [(1, 3.841458820694124, 0.05), (2, 9.210340371976182, 0.01), (5, 11.070497693516351, 0.05)],
)
def test_tail_probability_equals_the_table(freedom: int, statistic: float, p: float) -> None:
    assert upper_gamma(freedom / 2, statistic / 2) == pytest.approx(p, rel=1e-9)


def test_counts_that_follow_the_law_exactly_have_p_1() -> None:
    assert p_value([25, 50, 25], [0.25, 0.5, 0.25]) == 1.0
