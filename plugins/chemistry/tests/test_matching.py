from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treewright_chemistry.matching import GROSS_SHARE, log_density, mutual, one_to_one, onto, sort_rows

VALUES = st.lists(st.floats(0, 200), min_size=1, max_size=5)


def test_density_is_laplace_with_a_share_of_gross_errors():
    expected = np.log((1 - GROSS_SHARE) * np.exp(-1.5) / 4.0 + GROSS_SHARE / 220.0)
    assert log_density(np.array([3.0]), np.array([2.0]), "13C")[0] == pytest.approx(expected)


@given(VALUES.flatmap(lambda p: st.tuples(st.just(p), st.lists(st.floats(0, 200), min_size=len(p), max_size=len(p)))))
def test_sorted_matching_has_the_least_total_deviation(pair):
    mean, lines = np.array(pair[0]), np.array(pair[1])
    ordered, _ = sort_rows(mean[None], np.ones((1, len(mean))))
    best = min(np.abs(mean - np.array(order)).sum() for order in permutations(lines.tolist()))
    assert np.abs(ordered[0] - np.sort(lines)).sum() == pytest.approx(best)


def test_best_reading_counts():
    mean, scale = np.array([[10.0, 20.0, 21.0]]), np.ones((1, 3))
    right, wrong = np.array([10.0, 20.0, 21.0]), np.array([10.0, 10.0, 21.0])
    both = one_to_one(mean, scale, np.stack([wrong, right]), "13C")
    assert both == pytest.approx(one_to_one(mean, scale, right[None], "13C"))


def _monotone(number, lines):
    """All order-keeping maps of ``number`` predictions onto all ``lines``."""
    if number == 0:
        return [[]] if lines == 0 else []
    return [[*rest, lines - 1] for rest in _monotone(number - 1, lines) + _monotone(number - 1, lines - 1) if lines > 0]


@given(st.integers(1, 4), st.integers(0, 3), st.integers(0, 10_000))
def test_overlapping_lines_are_matched_as_by_trying_all_maps(lines, more, seed):
    random = np.random.default_rng(seed)
    number = lines + more
    mean, scale = np.sort(random.uniform(0, 200, (1, number))), random.uniform(1, 5, (1, number))
    observed = np.sort(random.uniform(0, 200, lines))
    best = max(log_density(mean[0] - observed[chosen], scale[0], "13C").mean() for chosen in _monotone(number, lines))
    assert onto(mean, scale, observed, "13C")[0] == pytest.approx(best)


def test_mutual_cover_needs_both_sides():
    lines = np.array([1.0, 7.0])
    full = mutual(np.array([[1.0, 7.0]]), np.full((1, 2), 0.1), np.ones((1, 2)), lines, "1H")
    lacking = mutual(np.array([[1.0, 1.0]]), np.full((1, 2), 0.1), np.ones((1, 2)), lines, "1H")
    surplus = mutual(np.array([[1.0, 7.0, 4.0]]), np.full((1, 3), 0.1), np.ones((1, 3)), lines, "1H")
    assert full[0] > surplus[0] and full[0] > lacking[0]


def test_mutual_cover_ignores_predictions_without_weight():
    lines = np.array([1.0])
    mean, scale = np.array([[1.0, 9.0]]), np.full((1, 2), 0.1)
    alone = mutual(mean[:, :1], scale[:, :1], np.ones((1, 1)), lines, "1H")
    assert mutual(mean, scale, np.array([[1.0, 0.0]]), lines, "1H") == pytest.approx(alone)
