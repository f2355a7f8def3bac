"""``core/gsi``: drafts chosen by tilted reward, or a step of the target. Its laws are in tests/laws."""

from math import inf
from pathlib import Path
from typing import Any

import pytest

from tests.engine.toys import component
from tests.searches.scripted import NAN, load_with, run_scripted, spent, writer
from tests.searches.side_by_side import MeetingScorer, MeetingTarget
from treewright.pipeline import ComponentSpec
from treewright.searches.gsi import Gsi
from treewright_registry import ConfigurationError

DRAFT = {"": "a b", "a": "c.", "b": "c.", "A": "c.", "B": "c."}
TARGET = {"": "A B", "a": "C.", "b": "C.", "A": "C.", "B": "C."}


def gsi(**options: Any) -> ComponentSpec:
    return component("search", Gsi, **{"n": 2, "beta": 10.0, "threshold": None, **options})


def test_without_threshold_every_step_is_a_draft() -> None:
    solution, nodes = run_scripted(gsi(), DRAFT, TARGET, {"ac.": 0.8, "bc.": 0.8})
    assert solution.answer in ("ac.", "bc.")
    assert solution.score == 0.8
    assert not any(node.isupper() for node in nodes)
    assert spent(solution, "target", "candidates") == 0


@pytest.mark.parametrize(
    ("likely", "answer"),
    [({"a": -inf}, "bc."), ({"b": -inf}, "ac."), ({"a": NAN}, "bc."), ({"b": NAN}, "ac.")],
)
def test_a_draft_that_the_target_excludes_or_cannot_judge_is_never_chosen(
    likely: dict[str, float], answer: str
) -> None:
    for seed in range(5):
        target = writer(TARGET, likely=likely)
        solution, _ = run_scripted(gsi(), DRAFT, target, {"a": 0.5, "b": 0.5}, seed=seed)
        assert solution.answer == answer


def test_a_draft_whose_score_failed_is_never_chosen() -> None:
    for seed in range(5):
        solution, _ = run_scripted(gsi(), DRAFT, TARGET, {"a": NAN}, seed=seed)
        assert solution.answer == "bc."
        assert solution.failed_calls == ("scorer.score: no mark",)


@pytest.mark.parametrize("excluded", [-inf, NAN])
def test_where_no_draft_can_be_chosen_the_target_writes(excluded: float) -> None:
    target = writer({**TARGET, "A": "C.", "B": "C."}, likely=dict.fromkeys(["a", "b", "Ac.", "Bc."], excluded))
    solution, nodes = run_scripted(gsi(), DRAFT, target, {})
    assert nodes[:4] == ["a", "b", "A", "B"]
    assert solution.answer in ("AC.", "BC.")


def test_where_the_draft_has_nothing_the_target_writes() -> None:
    solution, nodes = run_scripted(gsi(), {"": "!"}, TARGET, {})
    assert nodes[:2] == ["A", "B"]
    assert solution.answer in ("AC.", "BC.")


def test_where_neither_has_anything_the_problem_ends() -> None:
    solution, _ = run_scripted(gsi(), {}, {}, {})
    assert solution.error == "the search ended without a finished answer; the policy proposed no step"
    assert spent(solution, "draft", "calls") == 1


def test_where_no_step_of_the_target_can_be_scored_the_problem_ends() -> None:
    solution, _ = run_scripted(gsi(), {}, TARGET, {"A": NAN, "B": NAN})
    assert solution.error == "the search ended without a finished answer; first failed call: scorer.score: no mark"


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"threshold": 0.5}, True),  # r̃ = 0.3 + 2/10
        ({"threshold": 0.51}, False),
        ({"threshold": 0.3, "threshold_on": "raw"}, True),
        ({"threshold": 0.31, "threshold_on": "raw"}, False),
    ],
)
def test_a_draft_at_the_threshold_is_kept_and_one_below_is_replaced(options: dict[str, Any], kept: bool) -> None:
    target = writer(TARGET, likely={"a": 1.0, "ac.": 1.0, "Ac.": 1.0})  # log-ratio 2
    _, nodes = run_scripted(gsi(n=1, **options), DRAFT, target, {"a": 0.3, "A": 0.9})
    assert nodes[1] == ("ac." if kept else "A")


def test_draft_and_target_may_propose_different_numbers_of_steps() -> None:
    draft, target = {"": "a b c", "E": "f."}, {"": "A B C D E F", "E": "G."}
    marks = {"E": 1.0, "Ef.": 1.0}
    search = gsi(n=3, n_target=5, beta=1000.0, threshold=0.9)
    solution, nodes = run_scripted(search, draft, target, marks)
    assert nodes == ["a", "b", "c", "A", "B", "C", "D", "E", "Ef."]
    assert solution.answer == "Ef."


def test_low_rewards_end_a_problem_only_where_that_is_asked_for() -> None:
    marks = dict.fromkeys(["a", "b", "ac.", "bc."], 0.05)
    solution, _ = run_scripted(gsi(), DRAFT, TARGET, marks)
    assert solution.score == 0.05
    solution, nodes = run_scripted(gsi(low_reward=0.1), DRAFT, TARGET, marks)
    assert nodes == ["a", "b"]
    assert solution.error == "the search ended without a finished answer; allow more depth, samples or tokens"


def test_a_reward_equal_to_low_reward_goes_on() -> None:
    marks = dict.fromkeys(["a", "b", "ac.", "bc."], 0.1)
    solution, _ = run_scripted(gsi(low_reward=0.1), DRAFT, TARGET, marks)
    assert solution.score == 0.1
    solution, nodes = run_scripted(gsi(low_reward=0.1001), DRAFT, TARGET, marks)
    assert nodes == ["a", "b"]


def test_low_rewards_of_the_target_end_the_problem_too() -> None:
    solution, nodes = run_scripted(gsi(low_reward=0.1), {}, TARGET, {"A": 0.05, "B": 0.05})
    assert nodes == ["A", "B"]
    assert solution.answer is None


def test_an_answer_has_at_most_steps_steps() -> None:
    solution, nodes = run_scripted(gsi(steps=1), DRAFT, TARGET, {})
    assert nodes == ["a", "b"]
    assert solution.error == "the search ended without a finished answer; allow more depth, samples or tokens"


def test_the_last_candidate_of_a_budget_is_the_targets_last_word() -> None:
    solution, nodes = run_scripted(gsi(), DRAFT, TARGET, {}, budget={"candidates": 2})
    assert nodes == ["a", "aC."]
    assert solution.answer == "aC."


def test_a_budget_spent_on_the_way_is_told() -> None:
    solution, _ = run_scripted(gsi(), DRAFT, TARGET, {}, budget={"calls": 2})
    assert solution.error == "the search ended without a finished answer (budget spent: calls 2)"


def test_a_budget_that_covers_some_drafts_only_takes_those() -> None:
    solution, nodes = run_scripted(
        gsi(), {**DRAFT, "a": "c. d."}, TARGET, {"a": 1.0, "b": 0.0}, budget={"candidates": 4}
    )
    assert nodes == ["a", "b", "ac."]  # one is kept back
    assert solution.answer == "ac."


def test_steps_and_likelihoods_are_asked_for_at_the_same_temperature() -> None:
    draft, target = writer(DRAFT, temperature=0.6), writer(TARGET, temperature=0.6)
    solution, _ = run_scripted(gsi(temperature=0.6), draft, target, {})
    assert solution.failed_calls == ()
    solution, _ = run_scripted(gsi(temperature=0.7), draft, target, {})
    assert "asked at temperature 0.7" in str(solution.error)


def test_rewards_and_likelihoods_are_asked_for_at_the_same_time() -> None:
    target = component("policy", MeetingTarget, meeting="gsi")
    scorer = component("scorer", MeetingScorer, meeting="gsi")
    solution, _ = run_scripted(gsi(), {"": "a. b."}, target, scorer)
    assert solution.answer in ("a.", "b.")
    assert solution.failed_calls == ()


def test_the_draft_may_be_judged_by_its_own_likelihood_instead_of_what_it_says() -> None:
    draft = writer(DRAFT, sampled=None, likely={"a": -1.0, "b": -100.0})  # b: a hundred times likelier to the target
    target = writer(TARGET, likely={"a": -1.0, "b": -1.0})
    for seed in range(3):
        solution, _ = run_scripted(gsi(draft_likelihood="scored"), draft, target, {}, seed=seed)
        assert solution.answer == "bc."


def test_a_draft_that_says_no_log_probabilities_is_told_so() -> None:
    solution, _ = run_scripted(gsi(), writer(DRAFT, sampled=None), TARGET, {})
    assert solution.error == (
        "the draft's steps carry no log-probabilities; use a policy that gives them, or draft_likelihood: scored"
    )


def test_noisy_max_without_clip_takes_a_draft_that_is_far_better() -> None:
    for seed in range(5):
        search = gsi(selection="noisy-max", beta=1000.0)
        solution, _ = run_scripted(search, DRAFT, TARGET, {"a": 0.1, "b": 0.9}, seed=seed)
        assert solution.answer == "bc."


@pytest.mark.parametrize(
    "options",
    [{"n": 0}, {"n_target": 0}, {"steps": 0}, {"beta": -1.0}],
)
def test_numbers_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be at least"):
        Gsi(**options)


def test_a_threshold_on_the_tilted_reward_needs_a_beta() -> None:
    with pytest.raises(ValueError, match="beta 0 has no tilted reward to compare a threshold with"):
        Gsi(beta=0.0)
    Gsi(beta=0.0, threshold=None)
    Gsi(beta=0.0, threshold_on="raw")


@pytest.mark.parametrize(
    ("search", "parts", "complaint"),
    [
        ("use: core/gsi", ("silent", "known", "steps"), "role 'draft' to be able to 'log_probability'"),
        ("use: core/gsi", ("known", "silent", "steps"), "role 'target' to be able to 'log_likelihood'"),
        ("use: core/gsi", ("known", "known", "outcomes"), "role 'scorer' to be able to 'partial'"),
        (
            "use: core/gsi, draft_likelihood: scored",
            ("silent", "known", "steps"),
            "role 'draft' to be able to 'log_likelihood'",
        ),
    ],
)
def test_what_a_part_cannot_do_is_refused_before_anything_runs(
    search: str, parts: tuple[str, str, str], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=f"search 'core/gsi' needs {complaint}"):
        load_with(tmp_path, search, *parts)


def test_parts_that_can_do_all_are_accepted(tmp_path: Path) -> None:
    load_with(tmp_path, "use: core/gsi", "known", "known", "steps")
