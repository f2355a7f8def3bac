"""``core/majority`` and ``core/weighted-vote``: classes, ties, representatives, candidates without answer."""

from collections import Counter
from collections.abc import Sequence
from itertools import product
from math import factorial, prod

import pytest

from tests.aggregators.choosing import FAILED, candidates, chosen, order
from treewright.aggregators.votes import Majority, WeightedVote

LAW = {"a": 0.5, "b": 0.3, "c": 0.2}
SCORE = {"a": 0.2, "b": 0.5, "c": 0.9}


def draws(n: int) -> list[tuple[str, ...]]:
    return list(product(LAW, repeat=n))


def winner_by_hand(answers: Sequence[str], weight: dict[str, float]) -> str:
    totals: dict[str, float] = {}
    for answer in answers:  # a dictionary keeps the order of first appearance
        totals[answer] = totals.get(answer, 0.0) + weight[answer]
    return max(totals, key=lambda answer: totals[answer])  # the first of equals


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_majority_of_every_possible_sample_is_its_first_most_frequent_answer(n: int) -> None:
    for answers in draws(n):
        given = candidates(*((answer, SCORE[answer]) for answer in answers))
        assert answers[chosen(Majority(), given)] == winner_by_hand(answers, dict.fromkeys(LAW, 1.0))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_weighted_vote_of_every_possible_sample_is_its_heaviest_answer(n: int) -> None:
    for answers in draws(n):
        given = candidates(*((answer, SCORE[answer]) for answer in answers))
        assert answers[chosen(WeightedVote(), given)] == winner_by_hand(answers, SCORE)


def majority_law(n: int) -> dict[str, float]:
    """By counts instead of sequences: the multinomial law; the first of t tied has probability 1/t each.

    Among the tied answers the counts are equal, so each is as likely as the others to come first.
    """
    law = dict.fromkeys(LAW, 0.0)
    for counts in product(range(n + 1), repeat=3):
        if sum(counts) == n:
            ways = factorial(n) / prod(map(factorial, counts))
            probability = ways * prod(p**count for p, count in zip(LAW.values(), counts, strict=True))
            tied = [answer for answer, count in zip(LAW, counts, strict=True) if count == max(counts)]
            for answer in tied:
                law[answer] += probability / len(tied)
    return law


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_law_of_the_majority_equals_the_multinomial_enumeration(n: int) -> None:
    law = dict.fromkeys(LAW, 0.0)
    for answers in draws(n):
        given = candidates(*((answer, 0.0) for answer in answers))
        law[answers[chosen(Majority(), given)]] += prod(LAW[answer] for answer in answers)
    assert law == pytest.approx(majority_law(n), abs=1e-15)


TIED = candidates(("b", 0.1), ("a", 0.3), ("c", 0.9), ("a", 0.2), ("b", 0.4))  # a and b twice, c once


def test_tie_rule_first_takes_the_answer_given_first() -> None:
    assert order(Majority(ties="first"), TIED) == [0, 1, 2]


def test_tie_rule_score_takes_the_answer_with_the_best_scored_candidate() -> None:
    assert order(Majority(ties="score"), TIED) == [0, 1, 2]  # b holds 0.4, a holds 0.3
    swapped = [*TIED[:4], candidates(("b", 0.25))[0]]
    assert order(Majority(ties="score"), swapped) == [1, 0, 2]


def test_tie_rule_random_takes_each_tied_answer_about_as_often_and_no_other() -> None:
    found = Counter(chosen(Majority(ties="random"), TIED, seed) for seed in range(1000))
    assert set(found) == {0, 1}
    assert abs(found[0] - 500) < 80  # five standard deviations


def test_tie_rule_random_changes_nothing_where_there_is_no_tie() -> None:
    given = candidates(("a", 0.0), ("b", 0.0), ("b", 0.0))
    assert {chosen(Majority(ties="random"), given, seed) for seed in range(50)} == {1}


@pytest.mark.parametrize("vote", [Majority, WeightedVote])
def test_representative_is_the_first_or_the_best_scored_of_the_winning_class(vote: type) -> None:
    given = candidates(("a", 0.1), ("b", 0.4), ("a", 0.8), ("a", 0.8), ("a", FAILED))
    assert order(vote(representative="first"), given) == [0, 1]
    assert order(vote(representative="score"), given) == [2, 1]


@pytest.mark.parametrize("vote", [Majority, WeightedVote])
def test_candidates_without_an_answer_do_not_vote(vote: type) -> None:
    given = candidates((None, 0.9), (None, 0.9), ("a", 0.1), (None, 0.9))
    assert order(vote(), given) == [2]


@pytest.mark.parametrize("vote", [Majority, WeightedVote])
def test_if_nobody_has_an_answer_the_first_candidate_is_returned(vote: type) -> None:
    assert order(vote(), candidates((None, 0.1), (None, 0.9))) == [0]


def test_failed_scores_add_nothing_to_a_weighted_vote() -> None:
    given = candidates(("a", FAILED), ("a", FAILED), ("b", 0.1), ("a", FAILED))
    assert order(WeightedVote(), given) == [2, 0]


def test_all_scores_failed_leaves_a_weighted_vote_to_the_tie_rule() -> None:
    given = candidates(("b", FAILED), ("a", FAILED), ("a", FAILED))
    assert order(WeightedVote(), given) == [0, 1]
    assert order(WeightedVote(ties="score"), given) == [0, 1]
