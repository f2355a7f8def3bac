"""``core/mcts`` with rollouts: an answer from the first simulation on, and its value mixed into the step's."""

from collections.abc import Sequence

import pytest

from tests.engine.toys import component
from tests.searches.letter_tree import DEPTH, AllChildren, Foresight, run, words
from treewright.searches.mcts import Mcts
from treewright_registry import Proposals, ProposeRequest, Score, ScoreRequest, Step

STEPS = {"a": 0.9, "b": 0.5, "c": 0.1}


class Finisher(AllChildren):
    """Ends every beginning with the letter a, when it is to go on to the end."""

    def _steps(self, request: ProposeRequest) -> list[Step]:
        if request.sampling.unit == "end":
            assert request.sampling.temperature == 0.0
            return [Step("a" * (DEPTH - request.trajectory.depth), 0.0, 1, "stop")]
        return super()._steps(request)


class Scripted(Foresight):
    """First letters are worth what ``STEPS`` says, finished words nothing, all else 0.3."""

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [Score(self._value(request.trajectory.text)) for request in requests]

    def _value(self, word: str) -> float:
        return 0.0 if len(word) == DEPTH else STEPS.get(word, 0.3)


class Mute(Finisher):
    """Cannot go on to the end."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [
            Proposals([]) if request.sampling.unit == "end" else Proposals(self._steps(request)) for request in requests
        ]


def test_smallest_budget_still_ends_with_an_answer() -> None:
    budget = {"candidates": 4}  # one expansion of three, and a rollout
    without, _ = run(component("search", Mcts, branch=3), scorer=Scripted, policy=Finisher, budget=budget)
    rolled, _ = run(component("search", Mcts, branch=3, rollout=0.5), scorer=Scripted, policy=Finisher, budget=budget)
    assert str(without.error).startswith("the search ended without a finished answer")
    assert rolled.answer == "aaa"


@pytest.mark.parametrize(
    ("rollout", "expanded"),
    [(0.0, "a"), (0.4, "a"), (0.5, "b"), (1.0, "b")],  # a is then worth 0.9, 0.54, 0.45 and 0; b 0.5
)
def test_value_of_the_finished_answer_weighs_as_stated(rollout: float, expanded: str) -> None:
    search = component("search", Mcts, branch=3, rollout=rollout, exploration=0.0, iterations=2)
    _, trace = run(search, scorer=Scripted, policy=Finisher)
    assert {word[0] for word in words(trace) if len(word) == 2} == {expanded}


@pytest.mark.parametrize("leaves", [1, 2])
def test_policy_that_cannot_finish_costs_no_more_than_its_rollouts(leaves: int) -> None:
    plain, _ = run(component("search", Mcts, branch=3, leaves=leaves), scorer=Scripted, policy=Finisher)
    mute, _ = run(component("search", Mcts, branch=3, leaves=leaves, rollout=0.5), scorer=Scripted, policy=Mute)
    assert mute.answer == plain.answer


@pytest.mark.parametrize("rollout", [-0.1, 1.1, float("nan")])
def test_weight_outside_its_range_is_refused(rollout: float) -> None:
    with pytest.raises(ValueError, match=r"rollout must be in \[0, 1\]"):
        Mcts(rollout=rollout)
