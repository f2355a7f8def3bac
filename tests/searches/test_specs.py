"""``core/specs``: speculative drafts, as the theory assumes and as released. Its laws are in tests/laws."""

from math import inf
from pathlib import Path
from typing import Any

import pytest

from tests.engine.toys import component
from tests.searches.scripted import NAN, load_with, run_scripted, spent, writer
from tests.searches.side_by_side import MeetingScorer, MeetingTarget
from treewright.pipeline import ComponentSpec
from treewright.searches.specs import Specs, poisson
from treewright.searches.specs_modes import SETTINGS
from treewright_registry import ConfigurationError, Key

DRAFT = {"": "a b", "a": "c.", "b": "c.", "A": "c.", "B": "c."}
TARGET = {"": "A B", "a": "C.", "b": "C.", "A": "C.", "B": "C."}


def specs(**options: Any) -> ComponentSpec:
    return component("search", Specs, **{"n": 2, **options})


def released(**options: Any) -> ComponentSpec:
    return specs(mode="released", **options)


# -- exact mode ----------------------------------------------------------------------------------------------------


def test_exact_mode_begins_with_drafts_and_keeps_to_them() -> None:
    solution, nodes = run_scripted(specs(), DRAFT, TARGET, {"ac.": 0.8, "bc.": 0.8})
    assert not any(node.isupper() for node in nodes)
    assert solution.score == 0.8
    assert spent(solution, "target", "candidates") == 0


def test_in_exact_mode_a_finished_block_is_the_answer_only_if_it_is_chosen() -> None:
    draft = {"": "a. b", "b": "c."}
    solution, nodes = run_scripted(specs(beta=1000.0), draft, TARGET, {"a.": 0.1, "b": 0.9, "bc.": 0.4})
    assert nodes == ["a.", "b", "bc."]
    assert solution.answer == "bc."
    assert solution.runners_up == ()


@pytest.mark.parametrize("excluded", [-inf, NAN])
def test_a_draft_that_cannot_be_weighed_is_never_chosen(excluded: float) -> None:
    for seed in range(5):
        solution, _ = run_scripted(specs(), DRAFT, writer(TARGET, likely={"a": excluded}), {}, seed=seed)
        assert solution.answer == "bc."


def test_a_draft_whose_score_failed_is_never_chosen() -> None:
    for seed in range(5):
        solution, _ = run_scripted(specs(), DRAFT, TARGET, {"b": NAN}, seed=seed)
        assert solution.answer == "ac."


def test_where_every_draft_is_rejected_the_target_writes_one_block_and_drafting_goes_on() -> None:
    marks = {"a": 0.4, "b": 0.4, "A": 0.9, "B": 0.1, "Ac.": 0.9}
    solution, nodes = run_scripted(specs(beta=100.0, tau_reject=50.0), DRAFT, TARGET, marks)
    assert nodes == ["a", "b", "A", "B", "Ac."]
    assert (solution.answer, solution.score) == ("Ac.", 0.9)


def test_a_score_equal_to_the_threshold_is_rejected() -> None:
    marks = {"a": 0.5, "b": 0.5}
    _, nodes = run_scripted(specs(beta=100.0, tau_reject=50.0), DRAFT, TARGET, marks)
    assert nodes[2:4] == ["A", "B"]
    _, nodes = run_scripted(specs(beta=100.0, tau_reject=49.9), DRAFT, TARGET, marks)
    assert nodes[2] in ("ac.", "bc.")


@pytest.mark.parametrize(("norm", "ratio"), [("sum", 8.0), ("mean", 2.0)])
def test_a_log_ratio_is_the_sum_over_tokens_or_their_mean(norm: str, ratio: float) -> None:
    target = writer({"": "A", "aaaa": "B."}, likely={"aaaa": 7.0})  # four tokens, drawn at −1
    for tau, second in ((ratio - 0.01, "aaaaB."), (ratio, "A")):
        search = specs(n=1, beta=0.0, tau_reject=tau, length_norm=norm, steps=2)
        _, nodes = run_scripted(search, {"": "aaaa"}, target, {})
        assert nodes[:2] == ["aaaa", second]


def test_a_selection_temperature_of_0_takes_the_first_of_the_best_drafts() -> None:
    draft = {"": "a b c", "b": "d."}
    marks = {"a": 0.1, "b": 0.3, "c": 0.3}
    solution, _ = run_scripted(specs(n=3, selection_temperature=0.0), draft, TARGET, marks)
    assert solution.answer == "bd."


def test_where_nobody_has_anything_the_problem_ends() -> None:
    solution, nodes = run_scripted(specs(), {"": "!"}, {}, {})
    assert nodes == []
    assert "first failed call: draft.propose: RuntimeError: the model is down" in str(solution.error)


def test_the_last_candidate_of_a_budget_is_the_targets_last_word() -> None:
    solution, nodes = run_scripted(specs(), DRAFT, TARGET, {}, budget={"candidates": 2})
    assert nodes == ["a", "aC."]
    assert solution.answer == "aC."


def test_a_budget_spent_on_the_way_is_told() -> None:
    solution, _ = run_scripted(specs(), DRAFT, TARGET, {}, budget={"calls": 2})
    assert solution.error == "the search ended without a finished answer (budget spent: calls 2)"


def test_an_answer_has_at_most_steps_blocks() -> None:
    solution, nodes = run_scripted(specs(steps=1), DRAFT, TARGET, {})
    assert nodes == ["a", "b"]
    assert solution.error == "the search ended without a finished answer; allow more depth, samples or tokens"


# -- Poisson drafts ------------------------------------------------------------------------------------------------


def test_the_number_of_poisson_drafts_has_the_mean_and_variance_of_its_law() -> None:
    numbers = [poisson(3.0, Key.root(0, draw)) for draw in range(4000)]
    mean = sum(numbers) / 4000
    variance = sum((number - mean) ** 2 for number in numbers) / 4000
    assert abs(mean - 3.0) < 4 * (3.0 / 4000) ** 0.5
    assert abs(variance - 3.0) < 0.35


def test_without_any_poisson_draft_the_target_writes() -> None:
    search = specs(subsample="poisson-rejection", lam=1e-9, bound=1.0)
    solution, nodes = run_scripted(search, DRAFT, TARGET, {})
    assert nodes[:2] == ["A", "B"]
    assert spent(solution, "draft", "calls") == 0


def test_poisson_drafts_at_the_bound_are_always_accepted_and_the_first_one_is_taken() -> None:
    search = specs(subsample="poisson-rejection", lam=40.0, bound=1.0, beta=0.0)  # e^S = 1 for all
    solution, nodes = run_scripted(search, DRAFT, TARGET, {})
    assert nodes == ["a", "b", "ac."]
    assert solution.answer == "ac."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs a positive bound"),
        ({"bound": 0.0}, "needs a positive bound"),
        ({"bound": 2.0, "lam": 0.0}, "needs a positive bound"),
        ({"bound": 2.0, "dedupe": True}, "needs dedupe: false and length_norm: sum"),
        ({"bound": 2.0, "length_norm": "mean"}, "needs dedupe: false and length_norm: sum"),
        ({"bound": 2.0, "mode": "released"}, "needs dedupe: false and length_norm: sum"),
    ],
)
def test_poisson_drafts_are_refused_where_they_would_have_no_law(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Specs(subsample="poisson-rejection", **options)


# -- released mode -------------------------------------------------------------------------------------------------


def test_released_mode_begins_with_the_target_and_stays_with_it_until_a_reward_is_above_tau_back() -> None:
    target = {"": "A", "A": "B", "AB": "C"}
    draft = {"AB": "c."}
    solution, nodes = run_scripted(released(), draft, target, {"A": 0.7, "AB": 0.71, "ABc.": 0.9})
    assert nodes == ["A", "AB", "ABc."]
    assert solution.answer == "ABc."


def test_released_mode_rejects_drafts_up_to_seven_tenths_of_beta() -> None:
    assert Specs(mode="released").tau_reject == pytest.approx(7.0)
    assert Specs(mode="released", beta=4.0).tau_reject == pytest.approx(2.8)
    assert Specs(mode="released", tau_reject=1.0).tau_reject == 1.0
    assert Specs(mode="released", beta=0.0).tau_reject == 0.0
    assert [Specs(beta=beta).tau_reject for beta in (0.0, 10.0)] == [-inf, -inf]


def test_released_mode_without_a_tilt_rejects_drafts_that_the_target_finds_no_likelier() -> None:
    for likely, second in ((-1.0, "C"), (-0.9, "b")):  # the draft's own is -1
        target = writer({"": "A", "A": "C"}, likely={"Aa": likely})
        _, nodes = run_scripted(released(n=1, beta=0.0, steps=3), {"A": "a", "Aa": "b"}, target, {"A": 0.8})
        assert nodes[:3] == ["A", "Aa", "AC" if second == "C" else "Aab"]


@pytest.mark.parametrize(
    ("options", "limit"),
    [({}, None), ({"mode": "released"}, 512), ({"mode": "released", "max_tokens": 9}, 9), ({"max_tokens": 9}, 9)],
)
def test_blocks_have_at_most_512_tokens_in_released_mode_unless_told(
    options: dict[str, Any], limit: int | None
) -> None:
    assert Specs(**options).sampling.max_tokens == limit


def test_in_released_mode_a_reward_equal_to_tau_back_keeps_the_target_writing() -> None:
    target = {"": "A", "A": "B."}
    _, nodes = run_scripted(released(n=1, tau_back=0.5), {"A": "c."}, target, {"A": 0.5})
    assert nodes == ["A", "AB."]
    _, nodes = run_scripted(released(n=1, tau_back=0.499), {"A": "c."}, target, {"A": 0.5, "Ac.": 0.9})
    assert nodes[:2] == ["A", "Ac."]


def test_released_mode_selects_at_the_sampling_temperature() -> None:
    assert (Specs(mode="released").sampling.temperature, Specs(mode="released").selection_temperature) == (0.3, 0.3)
    assert Specs(mode="released", temperature=0.8).selection_temperature == 0.8
    assert Specs(mode="released", temperature=0.8, selection_temperature=1.0).selection_temperature == 1.0
    assert (Specs(temperature=0.8).selection_temperature, Specs().sampling.temperature) == (1.0, None)


def test_a_finished_draft_is_kept_aside_with_its_s_even_below_the_threshold() -> None:
    target = {"": "A", "A": "B."}
    draft = {"A": "x. y"}
    marks = {"A": 0.8, "Ax.": 0.2, "Ay": 0.1, "AB.": 0.9}
    solution, nodes = run_scripted(released(), draft, target, marks)
    assert nodes == ["A", "Ax.", "Ay", "AB."]
    # S = 10 · 0.2 of the draft beats the target's 0.9: two scales, as released
    assert solution.answer == "Ax."
    assert solution.score == pytest.approx(2.0)
    assert solution.runners_up == ({"answer": "AB.", "score": 0.9},)


def test_where_every_draft_is_finished_the_search_ends() -> None:
    target = {"": "A", "A": "B."}
    solution, nodes = run_scripted(released(), {"A": "x. y."}, target, {"A": 0.8, "Ax.": 0.2, "Ay.": 0.3})
    assert nodes == ["A", "Ax.", "Ay."]
    assert solution.answer == "Ay."


@pytest.mark.parametrize("likely", [-inf, NAN])
def test_a_finished_draft_without_an_s_ranks_last(likely: float) -> None:
    target = writer({"": "A", "A": "B."}, likely={"Ax.": likely})
    solution, _ = run_scripted(released(), {"A": "x. y."}, target, {"A": 0.8, "Ax.": 1.0, "Ay.": 0.1})
    assert solution.answer == "Ay."
    assert solution.runners_up == ({"answer": "Ax.", "score": None},)


def test_released_mode_takes_the_targets_block_of_best_reward() -> None:
    target = {"": "A B C", "B": "D."}
    for seed in range(3):
        solution, _ = run_scripted(released(n=3), {}, target, {"A": 0.5, "B": 0.6, "C": 0.6}, seed=seed)
        assert solution.answer == "BD."


@pytest.mark.parametrize(("mode", "share"), [("released", 1), ("exact", 3)])
def test_released_mode_counts_equal_drafts_once_and_exact_mode_as_often_as_they_came(mode: str, share: int) -> None:
    draft = {"": "a a a b", "a": "c.", "b": "c.", "A": "a a a b", "Aa": "c.", "Ab": "c."}
    search = specs(mode=mode, n=4, beta=0.0, tau_reject=-1.0, selection_temperature=1.0)
    answers = [str(run_scripted(search, draft, {"": "A"}, {"A": 0.8}, seed=seed)[0].answer) for seed in range(400)]
    found = sum("a" in answer for answer in answers)
    expected = 400 * share / (share + 1)
    assert abs(found - expected) < 4 * (expected / (share + 1)) ** 0.5


def test_settings_of_both_modes_are_those_of_the_table() -> None:
    assert SETTINGS["released"].reject_reward == SETTINGS["released"].back_reward == 0.7
    assert (SETTINGS["exact"].length_norm, SETTINGS["exact"].dedupe) == ("sum", False)
    assert Specs().setting is SETTINGS["exact"]


# -- both ----------------------------------------------------------------------------------------------------------


def test_rewards_and_likelihoods_are_asked_for_at_the_same_time() -> None:
    target = component("policy", MeetingTarget, meeting="specs")
    scorer = component("scorer", MeetingScorer, meeting="specs")
    solution, _ = run_scripted(specs(), {"": "a. b."}, target, scorer)
    assert solution.answer in ("a.", "b.")
    assert solution.failed_calls == ()


@pytest.mark.parametrize("options", [{"n": 0}, {"steps": 0}, {"beta": -1.0}, {"selection_temperature": -0.1}])
def test_numbers_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be at least"):
        Specs(**options)


@pytest.mark.parametrize(
    ("search", "parts", "complaint"),
    [
        ("use: core/specs", ("silent", "known", "steps"), "role 'draft' to be able to 'log_probability'"),
        ("use: core/specs", ("known", "silent", "steps"), "role 'target' to be able to 'log_likelihood'"),
        ("use: core/specs", ("known", "known", "outcomes"), "role 'scorer' to be able to 'partial'"),
        (
            "use: core/specs, draft_likelihood: scored",
            ("silent", "known", "steps"),
            "role 'draft' to be able to 'log_likelihood'",
        ),
    ],
)
def test_what_a_part_cannot_do_is_refused_before_anything_runs(
    search: str, parts: tuple[str, str, str], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=f"search 'core/specs' needs {complaint}"):
        load_with(tmp_path, search, *parts)
