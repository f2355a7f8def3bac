"""Aggregators that choose by another combination of step scores than the search did."""

from collections.abc import Sequence
from typing import ClassVar

import pytest

from tests.aggregators.choosing import PROBLEM, SmallEnv, candidates, chosen
from tests.engine.toys import Vowels, component, pipeline, solve
from treewright.aggregators.best import Best
from treewright.aggregators.soft_best import SoftBest
from treewright.aggregators.votes import WeightedVote
from treewright.searches.sample import Sample
from treewright_registry import Capability, Score, ScoreRequest

GIVEN = candidates(
    ("a", Score(0.9, (0.1, 0.9))),  # best by its own value, which is the last
    ("b", Score(0.6, (0.6, 0.6))),  # best by minimum, product and geometric mean
    ("c", Score(0.5, (0.75, 0.75, 0.35))),  # best by mean
)
BEST = {"own": 0, "last": 0, "min": 1, "product": 1, "geometric-mean": 1, "mean": 2}


@pytest.mark.parametrize("rule", BEST)
@pytest.mark.parametrize("aggregator", [Best, WeightedVote])
def test_candidate_that_is_best_by_the_rule_is_the_answer(aggregator: type, rule: str) -> None:
    rescored_ones = aggregator(step_scores=rule)
    assert _winner(rescored_ones) == "abc"[BEST[rule]]


def test_soft_best_draws_by_the_rule() -> None:
    assert _winner(SoftBest(beta=1000.0, step_scores="min")) == "b"
    assert _winner(SoftBest(beta=1000.0, step_scores="mean")) == "c"


def _winner(aggregator: object) -> str:
    """The answer; candidates with new scores are new objects, so it is found by content."""
    with pytest.raises(StopIteration) as ended:
        aggregator.aggregate(PROBLEM, GIVEN, SmallEnv()).send(None)  # type: ignore[attr-defined]
    return str(ended.value.value[0].trajectory.text)


@pytest.mark.parametrize("aggregator", [Best, SoftBest, WeightedVote])
def test_only_rules_other_than_own_need_a_scorer_of_steps(aggregator: type) -> None:
    assert aggregator.needs_for({}) == {}
    assert aggregator.needs_for({"step_scores": "min"})["scorer"].capabilities == {Capability.STEP_SCORES}


def test_own_score_is_the_default_and_leaves_candidates_as_they_are() -> None:
    assert chosen(Best(), GIVEN) == 0


class Letters(Vowels):
    """Scores every letter by itself, and the word by its last letter."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.STEP_SCORES, Capability.PARTIAL})

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [self._score(request.trajectory.text) for request in requests]

    def _score(self, word: str) -> Score:
        letters = tuple(0.2 + 0.2 * "abcd".index(letter) for letter in word)
        return Score(letters[-1], letters)


def test_pipeline_chooses_by_the_rule_of_its_aggregator() -> None:
    search, scorer = component("search", Sample, n=16), component("scorer", Letters)
    for rule, of in (("own", lambda word: word[-1]), ("min", min)):
        best = component("aggregator", Best, step_scores=rule)
        for solution in solve(pipeline(search=search, scorer=scorer, aggregator=best)).values():
            others = [str(runner["answer"]) for runner in solution.runners_up]
            assert of(str(solution.answer)) == max(map(of, [str(solution.answer), *others]))
            assert solution.error is None
