"""``core/rsd``: a draft step is kept if the scorer likes it, else the target replaces it. Its law is in tests/laws."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.toys import component
from tests.searches.scripted import NAN, Marks, load_with, run_scripted, spent
from treewright.pipeline import ComponentSpec
from treewright.searches.rsd import Rsd
from treewright_registry import ConfigurationError

DRAFT = {"": "a", "a": "b", "ab": "c.", "A": "b", "Ab": "c."}
TARGET = {"": "A", "a": "B", "ab": "C.", "aB": "C.", "A": "B", "Ab": "C."}


def rsd(**options: Any) -> ComponentSpec:
    return component("search", Rsd, **options)


def test_drafts_at_or_above_the_threshold_are_kept_and_the_target_is_never_asked() -> None:
    solution, nodes = run_scripted(rsd(delta=0.7), DRAFT, TARGET, {"a": 0.7, "ab": 0.9, "abc.": 0.8})
    assert nodes == ["a", "ab", "abc."]
    assert (solution.answer, solution.score) == ("abc.", 0.8)
    assert spent(solution, "target", "calls") == 0


def test_a_draft_below_the_threshold_is_discarded_and_one_step_of_the_target_follows_unscored() -> None:
    solution, nodes = run_scripted(rsd(delta=0.7), DRAFT, TARGET, {"a": 0.69, "Ab": 0.9, "Abc.": 0.9})
    assert nodes == ["a", "A", "Ab", "Abc."]
    assert solution.answer == "Abc."
    assert spent(solution, "scorer", "reward_calls") == 3  # the drafts; the target's step is not judged


def test_a_last_step_of_the_target_is_scored_so_that_the_answer_has_a_score() -> None:
    marks = {"a": 0.9, "ab": 0.9, "abc.": 0.1, "abC.": 0.4}
    solution, nodes = run_scripted(rsd(), DRAFT, TARGET, marks)
    assert nodes == ["a", "ab", "abc.", "abC."]
    assert (solution.answer, solution.score) == ("abC.", 0.4)


def test_a_draft_whose_score_failed_is_replaced() -> None:
    solution, nodes = run_scripted(rsd(omega="constant", probability=1.0), DRAFT, TARGET, {"a": NAN})
    assert nodes[:2] == ["a", "A"]
    assert solution.answer == "Abc."
    assert solution.failed_calls == ("scorer.score: no mark",)


@pytest.mark.parametrize("draft", [{}, {"": "!", "A": "!", "AB": "!"}], ids=["proposes nothing", "fails"])
def test_where_the_draft_has_nothing_the_target_writes(draft: dict[str, str]) -> None:
    solution, nodes = run_scripted(rsd(), draft, {**TARGET, "AB": "C."}, {})
    assert nodes == ["A", "AB", "ABC."]
    assert solution.answer == "ABC."


def test_without_any_step_the_problem_ends_after_its_own_patience() -> None:
    solution, nodes = run_scripted(rsd(patience=3), {}, {}, {})
    assert nodes == []
    assert solution.error == "the search ended without a finished answer; the policy proposed no step"
    assert (spent(solution, "draft", "calls"), spent(solution, "target", "calls")) == (3, 3)


def test_an_answer_that_repeats_one_step_ends_after_patience() -> None:
    draft = {"a" * length: "a" for length in range(100)}
    _, nodes = run_scripted(rsd(omega="constant", probability=1.0, patience=4), draft, TARGET, {})
    assert nodes == ["a", "aa", "aaa", "aaaa", "aaaaa"]  # the first is new, four more are not


def test_patience_starts_anew_with_every_new_step() -> None:
    draft = {"": "a", "a": "a", "aa": "b", "aab": "b", "aabb": "c."}
    solution, _ = run_scripted(rsd(omega="constant", probability=1.0, patience=2), draft, TARGET, {})
    assert solution.answer == "aabbc."


def test_an_answer_has_at_most_steps_steps() -> None:
    solution, nodes = run_scripted(rsd(steps=2), DRAFT, TARGET, {}, seed=1)
    assert max(map(len, nodes)) == 2
    assert solution.error == "the search ended without a finished answer; allow more depth, samples or tokens"


def test_a_budget_spent_on_the_way_is_told() -> None:
    solution, _ = run_scripted(rsd(), DRAFT, TARGET, {}, budget={"calls": 1})
    assert solution.error == "the search ended without a finished answer (budget spent: calls 1)"


def test_adapted_to_best_of_n_it_chooses_by_reward_among_drafts_and_among_replacements() -> None:
    draft, target = {"": "a b", "C": "a b", "Ca": "d."}, {"": "A C", "C": "X", "Ca": "Y."}
    marks = {"a": 0.5, "b": 0.1, "A": 0.1, "C": 0.6, "Ca": 0.9, "Cad.": 0.9}
    solution, nodes = run_scripted(rsd(n=2, beta=1000.0), draft, target, marks)
    assert nodes == ["a", "b", "A", "C", "Ca", "Cb", "Cad."]
    assert (solution.answer, solution.score) == ("Cad.", 0.9)


def test_adapted_to_best_of_n_the_problem_ends_where_no_replacement_can_be_scored() -> None:
    marks = dict.fromkeys(["a", "A"], NAN)
    solution, nodes = run_scripted(rsd(n=2, patience=1), DRAFT, TARGET, marks)
    assert nodes == ["a", "A"]
    assert solution.error == "the search ended without a finished answer; first failed call: scorer.score: no mark"


@pytest.mark.parametrize(
    ("options", "reward", "kept"),
    [
        ({"omega": "constant", "probability": 0.25}, 0.9, 0.25),
        ({"omega": "threshold"}, 0.7, 1.0),
        ({"omega": "threshold"}, 0.69, 0.0),
        ({"omega": "clip"}, 1.5, 1.0),
        ({"omega": "clip"}, -0.5, 0.0),
        ({"omega": "ratio"}, 1.0, 0.5),
        ({"omega": "ratio"}, -0.5, 0.0),
        ({"omega": "logistic", "delta": 0.5}, 0.5, 0.5),
        ({"omega": "logistic", "alpha": 1e6}, -1e6, 0.0),
    ],
)
def test_omega(options: dict[str, Any], reward: float, kept: float) -> None:
    assert Rsd(**options).omega(reward) == kept


class Ranged(Marks):
    """Marks from a range of its own."""

    def __init__(self, *, marks: dict[str, float], low: float, high: float) -> None:
        super().__init__(marks=marks)
        self.range = (low, high)


def ranged(low: float, high: float, marks: dict[str, float]) -> ComponentSpec:
    return component("scorer", Ranged, marks=marks, low=low, high=high)


@pytest.mark.parametrize("omega", ["threshold", "clip", "ratio"])
@pytest.mark.parametrize(("low", "high"), [(-3.0, 1.0), (-0.01, 1.0), (0.0, 1.01), (float("-inf"), float("inf"))])
def test_a_score_that_is_no_probability_is_refused_where_it_is_taken_for_one(
    omega: str, low: float, high: float
) -> None:
    solution, nodes = run_scripted(rsd(omega=omega), DRAFT, TARGET, ranged(low, high, {}))
    assert nodes == []
    assert solution.error == (
        f"core/rsd with omega: {omega} needs a scorer whose range lies in [0, 1], not [{low:g}, {high:g}]: it takes the"
        " score for a probability; use such a scorer, or omega: logistic with delta and alpha in the scorer's own units"
    )


@pytest.mark.parametrize("omega", ["constant", "logistic"])
def test_any_score_is_taken_where_no_probability_is_assumed(omega: str) -> None:
    marks = {"a": 9.0, "ab": 9.0, "abc.": 9.0}
    search = rsd(omega=omega, probability=1.0, delta=-9.0, alpha=100.0)
    solution, _ = run_scripted(search, DRAFT, TARGET, ranged(-20.0, 20.0, marks))
    assert (solution.answer, solution.score) == ("abc.", 9.0)


def test_a_range_within_0_and_1_is_taken() -> None:
    solution, _ = run_scripted(rsd(), DRAFT, TARGET, ranged(0.2, 0.9, {"a": 0.8, "ab": 0.8, "abc.": 0.9}))
    assert (solution.answer, solution.score) == ("abc.", 0.9)


@pytest.mark.parametrize("options", [{"n": 0}, {"steps": 0}, {"patience": 0}, {"probability": 1.1}, {"beta": -1.0}])
def test_numbers_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Rsd(**options)


def test_models_without_probabilities_are_enough(tmp_path: Path) -> None:
    load_with(tmp_path, "use: core/rsd", draft="silent", target="silent", scorer="steps")


def test_a_scorer_of_finished_answers_only_is_refused_before_anything_runs(tmp_path: Path) -> None:
    message = "search 'core/rsd' needs role 'scorer' to be able to 'partial', which toy/outcomes cannot"
    with pytest.raises(ConfigurationError, match=message):
        load_with(tmp_path, "use: core/rsd", draft="silent", target="silent", scorer="outcomes")
