"""``core/best``."""

from tests.aggregators.choosing import FAILED, candidates, order
from treewright.aggregators.best import Best


def test_candidates_come_best_score_first() -> None:
    assert order(Best(), candidates(("a", 0.2), ("b", 0.9), ("c", -1.0), ("d", 0.5))) == [1, 3, 0, 2]


def test_ties_go_to_the_candidate_offered_first() -> None:
    assert order(Best(), candidates(("a", 0.5), ("b", 0.9), ("c", 0.9), ("d", 0.5))) == [1, 2, 0, 3]


def test_failed_scores_come_last_in_order_of_offer() -> None:
    given = candidates(("a", FAILED), ("b", float("-1e300")), ("c", FAILED), ("d", 0.0))
    assert order(Best(), given) == [3, 1, 0, 2]
