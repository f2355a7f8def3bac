"""``core/soft-best``: the law exp(βs) / Σ exp(βs), drawn by the run's seed."""

from collections.abc import Sequence
from math import exp

import pytest

from tests.aggregators.choosing import FAILED, candidates, chosen, order
from tests.laws.chi_square import p_value
from treewright.aggregators.soft_best import SoftBest

SCORES = (0.2, 0.9, 0.1, 0.6)
DRAWS = 4000
GIVEN = candidates(*zip("abcd", SCORES, strict=True))


def law(beta: float, scores: Sequence[float] = SCORES) -> list[float]:
    weights = [exp(beta * score) for score in scores]
    return [weight / sum(weights) for weight in weights]


def counts(beta: float) -> list[int]:
    drawn = [0] * len(SCORES)
    for seed in range(DRAWS):
        drawn[chosen(SoftBest(beta=beta), GIVEN, seed)] += 1
    return drawn


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_draws_of_many_seeds_follow_the_law(beta: float) -> None:
    assert p_value(counts(beta), law(beta)) > 1e-4


@pytest.mark.parametrize(("beta", "other"), [(1.0, 2.0), (4.0, 3.0), (0.0, 1.0)])
def test_the_same_draws_do_not_fit_another_temperature(beta: float, other: float) -> None:
    assert p_value(counts(beta), law(other)) < 1e-10


def test_scores_may_be_large_without_overflow() -> None:
    given = candidates(("a", 1e6), ("b", 1e6 - 1000), ("c", -1e6))
    assert {chosen(SoftBest(beta=10.0), given, seed) for seed in range(50)} == {0}


def test_failed_scores_are_never_drawn_while_one_has_a_value() -> None:
    given = candidates(("a", FAILED), ("b", 0.1), ("c", FAILED), ("d", 0.1))
    assert {chosen(SoftBest(beta=1.0), given, seed) for seed in range(50)} == {1, 3}


def test_all_scores_failed_draws_among_all() -> None:
    given = candidates(("a", FAILED), ("b", FAILED), ("c", FAILED))
    assert {chosen(SoftBest(beta=1.0), given, seed) for seed in range(50)} == {0, 1, 2}


def test_runners_up_follow_best_score_first() -> None:
    for seed in range(20):
        first, *others = order(SoftBest(beta=0.0), GIVEN, seed)
        assert others == [index for index in (1, 3, 0, 2) if index != first]


def test_same_seed_draws_the_same() -> None:
    for seed in range(20):
        assert chosen(SoftBest(beta=1.0), GIVEN, seed) == chosen(SoftBest(beta=1.0), GIVEN, seed)


@pytest.mark.parametrize("beta", [-1.0, float("nan")])
def test_beta_below_zero_is_refused(beta: float) -> None:
    with pytest.raises(ValueError, match=f"beta must be at least 0, not {beta}"):
        SoftBest(beta=beta)
