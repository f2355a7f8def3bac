"""MCTSr and K-MSE: values, weights and back-up with scripted rewards (T18), and whole runs."""

from collections.abc import Sequence
from dataclasses import replace
from math import log, nan, sqrt
from typing import Any, ClassVar

import pytest

from tests.engine.toys import component, pipeline, solve
from treewright.engine.local import ListFeed, run_local
from treewright.engine.trace import Trace
from treewright.pipeline import PipelineSpec
from treewright.searches.self_refine_mcts import SelfRefineMcts
from treewright.searches.self_refine_tree import Answer, Answers
from treewright_registry import (
    Capability,
    Key,
    Problem,
    Proposals,
    ProposeRequest,
    Score,
    ScoreRequest,
    Step,
    Trajectory,
)


def answer(parent: Answer | None = None) -> Answer:
    start = parent.trajectory if parent else Trajectory(Problem("p", "q"))
    return Answer(start.extend(Step("x", finish="stop")), parent)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"drafts": 0}, "drafts and children must be at least 1"),
        ({"children": 0}, "drafts and children must be at least 1"),
        ({"exploration": nan}, "exploration, reward_penalty, hits and iterations must not be negative"),
        ({"exploration": -0.1}, "exploration, reward_penalty, hits and iterations must not be negative"),
        ({"reward_penalty": -0.05}, "exploration, reward_penalty, hits and iterations must not be negative"),
        ({"hits": -1}, "exploration, reward_penalty, hits and iterations must not be negative"),
        ({"iterations": -1}, "exploration, reward_penalty, hits and iterations must not be negative"),
        ({"reward_limit": nan}, "reward_limit must be a number"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SelfRefineMcts(**options)


def test_quality_is_the_mean_of_worst_and_mean_reward() -> None:
    node = answer()
    node.add_reward(80)
    node.add_reward(60)
    assert (node.quality, node.visits) == (65, 2)


def test_uct_of_the_reference_example() -> None:
    """Rewards 80 and 60, N = 2, parent N = 2, c = 1.4: 65 + 1.4 sqrt(ln 3 / 2.00001) = 66.0376."""
    parent = answer()
    parent.visits = 2
    node = answer(parent)
    node.add_reward(80)
    node.add_reward(60)
    assert SelfRefineMcts()._uct(node, drafts=0) == pytest.approx(66.0376, abs=1e-4)


def test_persistent_backup_keeps_half_of_the_best_child_up_the_path() -> None:
    search = SelfRefineMcts()
    root, rewards = answer(), [0.4, 0.8, 0.6]
    root.add_reward(rewards[0])
    child = answer(root)
    child.add_reward(rewards[1])
    root.children.append(child)
    search._back_up(child)
    assert root.quality == pytest.approx(0.6)  # ½ · 0.4 + ½ · 0.8
    grandchild = answer(child)
    grandchild.add_reward(rewards[2])
    child.children.append(grandchild)
    search._back_up(grandchild)
    assert child.quality == pytest.approx(0.7)  # ½ · 0.8 + ½ · 0.6
    assert root.quality == pytest.approx(0.65)  # ½ · 0.6 + ½ · 0.7
    assert (root.visits, child.visits) == (3, 2)


def test_recomputed_backup_leaves_the_node_and_mixes_only_for_selection() -> None:
    search = SelfRefineMcts(backup="recomputed", exploration=0.0)
    root = answer()
    root.add_reward(0.4)
    child = answer(root)
    child.add_reward(0.8)
    root.children.append(child)
    search._back_up(child)
    assert root.quality == pytest.approx(0.4)
    assert search._uct(root, drafts=1) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("open_nodes", "children", "is_open"),
    [
        ("few-children", [], True),
        ("few-children", [0.1, 0.2], True),
        ("few-children", [0.1, 0.2, 0.3], False),
        ("few-children", [0.9], False),
        ("or-worse-children", [0.9], True),
        ("or-worse-children", [0.1, 0.2, 0.3], True),
        ("or-worse-children", [0.1, 0.2, 0.9], False),
    ],
)
def test_which_nodes_may_be_revised(open_nodes: str, children: list[float], is_open: bool) -> None:
    search = SelfRefineMcts(open_nodes=open_nodes)  # type: ignore[arg-type]
    node = answer()
    node.add_reward(0.5)
    for quality in children:
        child = answer(node)
        child.add_reward(quality)
        node.children.append(child)
    assert search._is_open(node) is is_open


def test_rewards_are_scaled_and_those_above_the_limit_lose_the_penalty() -> None:
    reward = SelfRefineMcts()._reward(0.0, 100.0)
    assert reward(Score(50.0)) == pytest.approx(0.5)
    assert reward(Score(95.0)) == pytest.approx(0.95)
    assert reward(Score(97.0)) == pytest.approx(0.92)


def test_importance_sampling_draws_open_nodes_by_their_uct() -> None:
    nodes = []
    for quality in (0.2, 0.6):
        node = answer()
        node.add_reward(quality)
        nodes.append(node)
    weights = [quality + 1.4 * sqrt(log(3) / 1.00001) for quality in (0.2, 0.6)]
    search = SelfRefineMcts()
    tree = grown(search, nodes)
    drawn = [search._select(tree, Key.root(1, index)) for index in range(4000)]
    share = drawn.count(nodes[1]) / 4000
    assert share == pytest.approx(weights[1] / sum(weights), abs=0.03)
    greedy = SelfRefineMcts(selection="greedy")
    tree = grown(greedy, nodes)
    assert all(greedy._select(tree, Key.root(2, index)) is nodes[1] for index in range(20))


def grown(search: SelfRefineMcts, drafts: Sequence[Answer]) -> Answers:
    tree = Answers(search._weight)
    for draft in drafts:
        tree.add(draft)
    tree.weigh()
    return tree


class Counter:
    """Writes a number; revised, a number that is higher by 0 to 3."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.REVISES})

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        results = []
        for request in requests:
            step = request.trajectory.step
            before = int(str(step.content)) if step is not None else 0
            steps = [Step(str(before + request.key(index).seed % 4), finish="stop") for index in range(request.n)]
            results.append(Proposals(steps))
        return results


class Height:
    level = "outcome"
    range = (0.0, 1.0)
    link = "real"

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        scores = []
        for request in requests:
            assert request.trajectory.step is not None
            scores.append(Score(min(1.0, int(str(request.trajectory.step.content)) / 40)))
        return scores


def climbing(budget: int, **options: Any) -> PipelineSpec:
    return pipeline(
        policy=component("policy", Counter),
        scorer=component("scorer", Height),
        search=component("search", SelfRefineMcts, **options),
        budget={"candidates": budget},
    )


def test_search_climbs_and_spends_its_budget_exactly() -> None:
    shallow, deep = solve(climbing(4)), solve(climbing(64))
    assert {solution.cost["policy"]["candidates"] for solution in deep.values()} == {64}
    gains = [deep[id_].score - shallow[id_].score for id_ in deep]  # type: ignore[operator]
    assert min(gains) >= 0
    assert sum(gains) > 2


def test_iterations_limit_the_revisions() -> None:
    solution = solve(climbing(64, iterations=5))["w0"]
    assert solution.cost["policy"]["candidates"] == 1 + 5


def test_resampling_judges_the_revised_node_again() -> None:
    solution = solve(climbing(11, resample=True))["w0"]
    assert solution.cost["scorer"]["reward_calls"] == 11 + 10


class Broken(Counter):
    """Writes a first answer; every revision fails."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        if any(request.trajectory.step is not None for request in requests):
            raise ConnectionError("no")
        return super().propose(requests)


@pytest.mark.parametrize("open_nodes", ["few-children", "or-worse-children"])
def test_search_whose_revisions_all_fail_ends_with_its_draft(open_nodes: str) -> None:
    spec = climbing(50, open_nodes=open_nodes)
    broken = replace(spec, roles={**spec.roles, "policy": component("policy", Broken)})
    for solution in solve(broken).values():
        assert solution.error is None
        assert solution.cost["policy"]["failed_calls"] == 3


class Fickle(Counter):
    """Every seventh revision fails."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        if any(request.trajectory.step is not None and request.seed % 7 == 0 for request in requests):
            raise ConnectionError("no")
        return super().propose(requests)


class Noisy(Height):
    """Judges by the request, so that a second look may differ; every eleventh look fails."""

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [
            Score(request.seed % 100 / 99) if request.seed % 11 else Score(float("nan"), reason="no")
            for request in requests
        ]


class Weighing(SelfRefineMcts):
    """Compares the kept weights with fresh ones before each selection."""

    def _select(self, tree: Answers, draw: Key) -> Answer | None:
        drafts = sum(node.visits for node in tree.nodes if node.parent is None)
        assert tree.weights == [self._weight(node, drafts) for node in tree.nodes]
        return super()._select(tree, draw)


@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize("backup", ["persistent", "recomputed"])
@pytest.mark.parametrize("open_nodes", ["few-children", "or-worse-children"])
@pytest.mark.parametrize("selection", ["importance", "greedy"])
def test_weights_that_are_kept_equal_weights_made_anew(
    selection: str, open_nodes: str, backup: str, resample: bool
) -> None:
    options: dict[str, Any] = {
        "selection": selection,
        "open_nodes": open_nodes,
        "backup": backup,
        "resample": resample,
        "drafts": 3,
    }
    spec = climbing(60)
    roles = {**spec.roles, "policy": component("policy", Fickle), "scorer": component("scorer", Noisy)}
    solutions = solve(replace(spec, roles=roles, search=component("search", Weighing, **options)))
    assert [solution.error for solution in solutions.values()] == [None] * len(solutions)


@pytest.mark.parametrize("iterations", [59, None], ids=["iterations end it", "the budget ends it"])
@pytest.mark.parametrize("backup", ["persistent", "recomputed"])
def test_the_tree_notes_the_visits_of_every_answer_however_the_search_ends(backup: str, iterations: int | None) -> None:
    traces: list[Trace] = []
    spec = climbing(60, backup=backup, iterations=iterations)
    run_local(spec, ListFeed([Problem("w0", "")]), lambda _: None, write_trace=lambda _, trace: traces.append(trace))
    [trace] = traces
    below = [0] * 61
    for node in range(60, 0, -1):
        below[trace.parents[node]] += 1 + below[node]
    samples = [0] + [1 + (below[node] if backup == "persistent" else 0) for node in range(1, 61)]
    assert list(trace.visits) == samples
    assert max(below[2:]) > 3  # else no answer has ancestors whose visits could be forgotten
