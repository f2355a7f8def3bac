"""Wilson's interval against published values."""

import pytest

from treewright.run.intervals import mean_interval, paired_proportions, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0000),
    ],
)
def test_wilson_interval_equals_the_published_one(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_no_observation_leaves_everything_possible() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_mean_of_one_value_has_no_width_and_of_many_the_normal_one() -> None:
    assert mean_interval([3.0]) == (3.0, 3.0, 3.0)
    mean, low, high = mean_interval([1.0, 3.0] * 8)
    assert (mean, high - mean) == (2.0, pytest.approx(1.959963984540054 * (16 / 15) ** 0.5 / 4))
    assert mean - low == pytest.approx(high - mean)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([0.11, 1.0], 0.11, 1.0),  # two similarities
        ([0.0, 23.0], 0.0, 23.0),  # two distances
        ([0.0] * 99 + [1.0], 0.0, 0.0296),  # one that is not 0
    ],
)
def test_an_interval_of_a_mean_stays_within_what_was_seen(values: list[float], low: float, high: float) -> None:
    assert mean_interval(values)[1:] == pytest.approx((low, high), abs=5e-5)


def test_paired_interval_has_a_width_where_no_problem_differs() -> None:
    difference, low, high = paired_proportions([True] * 8, [True] * 8)
    assert difference == 0.0
    assert high == -low == pytest.approx(1.959963984540054 * (0.2 / 10) ** 0.5)


def test_paired_difference_counts_only_problems_that_differ() -> None:
    first = [True, True, True, False, True]
    second = [True, False, False, True, False]
    difference, low, high = paired_proportions(first, second)
    assert difference == pytest.approx(2 / 5)  # three won, one lost, of five
    assert (low + high) / 2 == pytest.approx((4 - 2) / 7)


def test_no_pair_leaves_every_difference_possible() -> None:
    assert paired_proportions([], []) == (0.0, -1.0, 1.0)
