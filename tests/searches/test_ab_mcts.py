"""``core/ab-mcts``: wider or deeper by Thompson sampling. Its laws are in tests/laws."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.engine.toys import component
from tests.searches.revisions import Numbered, run_revisions
from tests.searches.scripted import NAN, load_with
from tests.searches.treequest_oracle import CASES, stored_decisions, treequest_decisions
from treewright.pipeline import ComponentSpec
from treewright.searches.ab_mcts import AbMcts
from treewright_registry import Capability, ConfigurationError, Proposals, ProposeRequest, Score, ScoreRequest, Step


def ab_mcts(**options: Any) -> ComponentSpec:
    return component("search", AbMcts, **options)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_treequest_decides_as_its_stored_decisions_say(case: tuple[str, str, int]) -> None:
    pytest.importorskip("treequest", reason="treequest==0.3.3 is not installed (benchmarks/requirements.txt)")
    [stored] = [run for run in stored_decisions() if (run.family, run.choice, run.policies) == case]
    assert treequest_decisions(*case) == stored


def test_the_first_answer_is_drawn_at_the_root_and_the_best_one_is_the_answer() -> None:
    solution, trace = run_revisions(ab_mcts(iterations=5), [0.3, 0.9, 0.1, 0.2, 0.4])
    assert trace.parents[1] == 0
    assert len(trace) == 6
    assert solution.score == 0.9


class ByDepth:
    """Scores first answers and revisions by one number each."""

    level = "outcome"
    range = (0.0, 1.0)
    link = "real"

    def __init__(self, *, first: float, revised: float) -> None:
        self.first = first
        self.revised = revised

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [Score(self.first if request.trajectory.depth == 1 else self.revised) for request in requests]


@pytest.mark.parametrize("family", ["gaussian", "beta"])
def test_good_revisions_make_the_tree_deep_and_poor_ones_make_it_wide(family: str) -> None:
    first_answers = []
    for first, revised in ((0.2, 0.9), (0.9, 0.2)):
        scorer = component("scorer", ByDepth, first=first, revised=revised)
        trees = [run_revisions(ab_mcts(iterations=60, family=family), [], scorer=scorer, seed=s)[1] for s in range(5)]
        first_answers.append(sum(list(tree.parents).count(0) for tree in trees))
    assert 3 * first_answers[0] < first_answers[1], first_answers


def test_a_budget_is_kept_to_the_answer() -> None:
    solution, trace = run_revisions(ab_mcts(), [0.5] * 7, budget={"candidates": 7})
    assert len(trace) == 8
    assert solution.cost["policy"]["candidates"] == 7


def test_an_answer_whose_score_failed_enters_no_belief_and_has_no_children() -> None:
    rewards = [NAN, 0.5, NAN, 0.6, 0.7, 0.8, 0.9, 0.4]
    solution, trace = run_revisions(ab_mcts(iterations=8), rewards)
    assert not {1, 3} & set(trace.parents)
    assert solution.score == 0.9


def test_the_search_ends_when_no_score_comes() -> None:
    solution, trace = run_revisions(ab_mcts(patience=3), [NAN] * 10)
    assert len(trace) == 4
    assert solution.error == "no answer could be scored: scorer.score: no reward"


class Mute:
    """Revises nothing."""

    capabilities = frozenset({Capability.REVISES})

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([]) for _ in requests]


class Unready(Mute):
    """Never finishes an answer."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([Step("…")]) for _ in requests]


@pytest.mark.parametrize("policy", [Mute, Unready])
def test_the_search_ends_when_no_finished_answer_comes(policy: type[Any]) -> None:
    replaced = {"policy": component("policy", policy)}
    solution, _ = run_revisions(ab_mcts(patience=3), [0.5] * 10, replaced=replaced)
    assert solution.cost["policy"]["calls"] == 3
    assert str(solution.error).startswith("the search ended without a finished answer")


def test_rewards_are_scaled_from_the_scorers_range() -> None:
    rewards = [0.2, 0.8, 0.5, 0.9, 0.1, 0.4, 0.3, 0.7]
    _, plain = run_revisions(ab_mcts(iterations=8, family="beta"), rewards)
    wide = component("scorer", Numbered, rewards=tuple(200 * reward - 100 for reward in rewards), range=(-100.0, 100.0))
    _, scaled = run_revisions(ab_mcts(iterations=8, family="beta"), rewards, scorer=wide)
    assert list(plain.parents) == list(scaled.parents)


def test_a_scorer_without_bounds_is_refused() -> None:
    boundless = component("scorer", Numbered, rewards=(0.5,), range=(0.0, float("inf")))
    solution, trace = run_revisions(ab_mcts(iterations=1), [0.5], scorer=boundless)
    assert str(solution.error).startswith("core/ab-mcts needs a scorer with a finite range, not [0, inf]")
    assert len(trace) == 1


@pytest.mark.parametrize("end", [{"iterations": 40}, {"budget": {"candidates": 40}}], ids=["iterations", "budget"])
def test_the_tree_notes_how_many_answers_grew_below_a_node_however_the_search_ends(end: dict[str, Any]) -> None:
    rewards = [0.3 + 0.01 * number for number in range(40)]
    search = ab_mcts(iterations=end.pop("iterations", None))
    _, trace = run_revisions(search, rewards, **end)
    below, depth = [0] * 41, [0] * 41
    for node in range(40, 0, -1):
        below[trace.parents[node]] += 1 + below[node]
    for node in range(1, 41):
        depth[node] = depth[trace.parents[node]] + 1
    assert max(depth) == 3  # else no answer has ancestors whose visits could be forgotten
    assert list(trace.visits) == below


def test_every_policy_is_tried_by_ucb_before_one_is_tried_again() -> None:
    search = ab_mcts(policies=("policy0", "policy1", "policy2"), policy_choice="ucb", iterations=3)
    _, trace = run_revisions(search, [0.1, 0.9, 0.5], policies=3)
    assert [step.content for step in trace.steps[1:] if step is not None] == ["0", "1", "2"]


def test_needs_name_every_policy_that_may_be_asked() -> None:
    needs = AbMcts.needs_for({"policies": ("weak", "strong")})
    assert set(needs) == {"weak", "strong", "scorer"}
    assert needs["weak"].capabilities == {Capability.REVISES}
    assert set(AbMcts.needs_for({})) == {"policy", "scorer"}


def test_a_policy_that_does_not_revise_is_refused_before_anything_runs(tmp_path: Path) -> None:
    search = "use: core/ab-mcts, policies: [draft, target], iterations: 3"
    with pytest.raises(ConfigurationError, match="search 'core/ab-mcts' needs role 'draft' to be able to 'revises'"):
        load_with(tmp_path, search, "known", "known", "outcomes")


def test_a_search_without_any_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="would never end"):
        load_with(tmp_path, "use: core/ab-mcts, policies: [draft]", "known", "known", "outcomes")


@pytest.mark.parametrize("options", [{"policies": ()}, {"policies": ("a", "a")}, {"patience": 0}])
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        AbMcts(**options)
