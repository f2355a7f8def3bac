"""How the scores of steps become one value, by hand and through ``core/sample``."""

from math import nan
from typing import get_args

import pytest

from tests.engine.toys import component
from tests.searches.letter_tree import Hash, run, value, words
from treewright.searches.sample import Sample
from treewright.searches.step_scores import StepRule, combined, scorer_need
from treewright_registry import Capability, ContractError, Score

STEPS = (0.5, 0.25, 0.5)
BY_HAND = {
    "own": 0.9,
    "last": 0.5,
    "min": 0.25,
    "product": 0.0625,
    "mean": 1.25 / 3,
    "geometric-mean": 0.0625 ** (1 / 3),
}


@pytest.mark.parametrize("rule", get_args(StepRule))
def test_value_is_the_one_computed_by_hand_and_the_steps_stay(rule: StepRule) -> None:
    [score] = combined([Score(0.9, STEPS)], rule)
    assert score.value == pytest.approx(BY_HAND[rule], abs=1e-15)
    assert score.steps == STEPS


@pytest.mark.parametrize("rule", get_args(StepRule))
def test_failed_scores_stay_failed_with_their_reason(rule: StepRule) -> None:
    [score] = combined([Score(nan, reason="no")], rule)
    assert (score.failed, score.reason) == (True, "no")


def test_a_zero_makes_product_and_geometric_mean_zero_and_many_small_ones_do_not_underflow() -> None:
    assert [combined([Score(1.0, (0.0, 1.0))], rule)[0].value for rule in ("product", "geometric-mean")] == [0.0, 0.0]
    assert combined([Score(1.0, (1e-3,) * 500)], "geometric-mean")[0].value == pytest.approx(1e-3)


def test_scores_without_steps_are_refused_with_what_to_do() -> None:
    with pytest.raises(ContractError, match=r"step_scores 'min' needs a scorer that fills Score.steps.*use 'own'"):
        combined([Score(0.5)], "min")


@pytest.mark.parametrize("rule", ["product", "geometric-mean"])
def test_products_of_negative_scores_are_refused(rule: StepRule) -> None:
    with pytest.raises(ContractError, match=f"step_scores '{rule}' needs scores of at least 0, not -0.5"):
        combined([Score(0.5, (0.5, -0.5))], rule)


def test_only_own_does_without_step_scores_of_the_scorer() -> None:
    assert scorer_need({}).capabilities == frozenset()
    assert scorer_need({"step_scores": "own"}, "partial").capabilities == {"partial"}
    assert scorer_need({"step_scores": "min"}, "partial").capabilities == {"partial", Capability.STEP_SCORES}
    assert Sample.needs_for({"step_scores": "last"})["scorer"].capabilities == {Capability.STEP_SCORES}


class Letters(Hash):
    """Scores every letter by itself; its own value is a constant."""

    def _judge(self, word: str) -> Score:
        return Score(0.5, tuple(value(letter + str(place), self.seed) for place, letter in enumerate(word)))


@pytest.mark.parametrize("rule", ["last", "min", "product", "mean", "geometric-mean"])
def test_sample_chooses_the_answer_whose_combined_value_is_best(rule: StepRule) -> None:
    solution, trace = run(component("search", Sample, n=8, step_scores=rule), scorer=Letters)
    drawn = words(trace)[1:]
    scores = combined([Letters(seed=0)._judge(word) for word in drawn], rule)
    best = max(range(8), key=lambda index: scores[index].value)
    assert (solution.answer, solution.score) == (drawn[best], scores[best].value)
