from itertools import combinations
from math import exp
from random import Random

import pytest

from treewright.aggregators.soft_best import SoftBest
from treewright.aggregators.votes import Majority, WeightedVote
from treewright_math.recorded.best_or_majority import BestOrMajority
from treewright_math.recorded.choices import Choice, chosen
from treewright_math.recorded.curves import best, bootstrap, curves, majority, weighted_vote
from treewright_math.recorded.selections import Judged, pass_at_k, selections
from treewright_registry import Key


def judged(text):
    """'4+ 5- 4+' → samples with these answers, + right; '?' no answer; scores fall with the place."""
    return [
        Judged(None if item[0] == "?" else item[0], item[1] == "+", 1.0 / (1 + place))
        for place, item in enumerate(text.split())
    ]


@pytest.mark.parametrize(("n", "c"), [(1, 0), (1, 1), (5, 0), (5, 2), (6, 6), (7, 3)])
def test_pass_at_k_is_the_share_of_subsets_with_a_right_sample(n, c):
    labels = [True] * c + [False] * (n - c)
    for k in range(1, n + 1):
        subsets = list(combinations(labels, k))
        assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


def test_pass_at_more_than_there_are_is_refused():
    with pytest.raises(ValueError, match="k must be 1 to 3, not 4"):
        pass_at_k(3, 1, 4)


def test_figures_of_a_set_worked_out_by_hand():
    problems = [judged("4+ 4+ 5-"), judged("1- 2+ 2+"), judged("?- 7+ 8-"), judged("3- 3- 9-")]
    figures = {name: figure["value"] for name, figure in selections(problems).items()}
    assert (figures["mean"], figures["pass_at_1"]) == (pytest.approx(5 / 12), pytest.approx(5 / 12))
    assert figures["pass_at_2"] == pytest.approx((1 + 1 + 2 / 3 + 0) / 4)
    assert figures["majority"] == 3 / 4  # the third by the first answer seen, the one without an answer has no vote
    assert figures["best"] == 1 / 4
    assert figures["weighted_vote"] == 2 / 4  # 1 against 1/2 + 1/3 in the second
    assert figures["oracle"] == 3 / 4
    assert 0 < figures["soft_best"] < 1


def test_methods_without_rewards_are_left_out():
    without = [[sample._replace(score=None) for sample in judged("4+ 5-")]]
    figures = selections(without)
    assert set(figures) == {"mean", "pass_at_1", "pass_at_2", "majority", "oracle"}


def test_samples_without_a_reward_are_no_candidates_of_the_methods_that_need_one():
    bare = Judged("4", False)
    partly = [bare, Judged("5", True, -1.0), Judged("6", False, -2.0)]
    voting = [Judged("7", False), Judged("8", True), Judged("8", True)]
    figures = selections([partly, voting])
    assert figures["best"]["value"] == 1.0
    assert figures["weighted_vote"]["value"] == 1.0
    assert figures["soft_best"]["value"] == pytest.approx((1 / (1 + exp(-1)) + 1) / 2)
    assert (best(partly), weighted_vote(partly), best(voting)) == (partly[1], partly[1], voting[1])


def test_a_problem_without_samples_counts_as_wrong_everywhere():
    problems = [judged("4+ 4+"), []]
    figures = {name: (figure["value"], figure["n"]) for name, figure in selections(problems).items()}
    assert figures.pop("mean") == (1.0, 2)  # of samples
    assert set(figures) == {"pass_at_1", "pass_at_2", "majority", "best", "weighted_vote", "soft_best", "oracle"}
    assert set(figures.values()) == {(0.5, 2)}
    assert {point.value for point in curves(problems, (1, 2), draws=2)} == {0.5}


def test_the_interval_of_pooled_samples_knows_of_problems():
    alike = [judged("4+ 4+ 4+ 4+"), judged("5- 5- 5- 5-")] * 20
    figure = selections(alike)["mean"]
    assert figure["high"] - figure["low"] == pytest.approx(selections(alike)["pass_at_1"]["high"] - figure["low"])
    assert figure["high"] - figure["low"] > 0.3


def test_the_curves_rules_are_those_of_the_engines_aggregators():
    draws = Random(5)
    for _ in range(300):
        samples = [
            Judged(draws.choice([None, "a", "b", "c"]), draws.random() < 0.5, draws.choice([0.0, 0.5, 1.0, 2.0]))
            for _ in range(draws.randint(1, 8))
        ]
        choices = [Choice(sample.key, sample.score) for sample in samples]
        for aggregator, rule in ((Majority(), majority), (BestOrMajority(), best), (WeightedVote(), weighted_vote)):
            assert samples[chosen(aggregator, choices)] is rule(samples)


def test_a_drawing_aggregator_draws_by_the_key():
    choices = [Choice("a", 0.0), Choice("b", 0.0)]
    drawn = {chosen(SoftBest(), choices, Key.root(seed)) for seed in range(20)}
    assert drawn == {0, 1}


def test_a_curve_ends_where_the_set_does_and_agrees_with_it():
    problems = [judged("4+ 4+ 5- 4+"), judged("1- 2+ 2+ 1-"), judged("3- 3- 9- 3-")]
    points = {(point.method, point.k): point for point in curves(problems, (1, 2, 4, 8), draws=200)}
    assert {k for _, k in points} == {1, 2, 4}
    assert points["oracle", 2].value == pytest.approx((1 + 5 / 6 + 0) / 3)
    assert points["best", 4].value == selections(problems)["best"]["value"]
    assert points["majority", 1].value == pytest.approx(5 / 12)
    assert all(point.low <= point.value <= point.high for point in points.values())


def test_all_samples_are_taken_in_their_own_order_so_that_ties_are_broken_as_in_the_figures():
    problems = [judged("4+ 5-"), judged("5- 4+"), judged("6+ 6+ 7- 7-")]
    problems = [[sample._replace(score=None) for sample in samples] for samples in problems]
    at_two = {point.method: point.value for point in curves(problems[:2], (2,), draws=64)}
    assert at_two["majority"] == selections(problems[:2])["majority"]["value"] == 1 / 2
    at_four = {point.method: point.value for point in curves(problems[2:], (4,), draws=64)}
    assert at_four["majority"] == selections(problems[2:])["majority"]["value"] == 1.0


def test_a_band_is_wide_where_problems_differ_and_has_no_width_where_they_do_not():
    assert bootstrap([1.0] * 30, 200, Random(0)) == (1.0, 1.0)
    low, high = bootstrap([0.0, 1.0] * 50, 1000, Random(0))
    assert 0.38 < low < 0.43 and 0.57 < high < 0.62
