"""The laws' own yardstick, against published quantiles of the chi-square distribution."""

import pytest

from tests.laws.chi_square import chi_square, p_value, upper_gamma


@pytest.mark.parametrize(
    ("freedom", "statistic", "p"),
    [(1, 3.841458820694124, 0.05), (2, 9.210340371976182, 0.01), (5, 11.070497693516351, 0.05)],
)
def test_tail_probability_equals_the_table(freedom: int, statistic: float, p: float) -> None:
    assert upper_gamma(freedom / 2, statistic / 2) == pytest.approx(p, rel=1e-9)


def test_counts_that_follow_the_law_exactly_have_p_1() -> None:
    assert p_value([25, 50, 25], [0.25, 0.5, 0.25]) == 1.0


def test_an_excluded_outcome_that_was_counted_has_p_0() -> None:
    assert p_value([500, 499, 1], [0.5, 0.5, 0.0]) == 0.0


def test_rare_cells_are_merged_and_lose_their_degrees_of_freedom() -> None:
    # expected 49, 48, 2, 1: the rare two hold 3 together, so they join the smaller common one
    merged = chi_square([49, 45, 5, 1], [0.49, 0.48, 0.02, 0.01])
    assert merged.freedom == 1
    assert merged.statistic == pytest.approx((51 - 51) ** 2 / 51)


def test_rare_cells_that_are_common_together_stand_for_themselves() -> None:
    merged = chi_square([60, 34, 3, 3], [0.6, 0.32, 0.04, 0.04])
    assert merged.freedom == 2
    assert merged.statistic == pytest.approx(2**2 / 32 + 2**2 / 8)
