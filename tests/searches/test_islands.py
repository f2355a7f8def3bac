"""Pools with restarts and migration."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.engine.toys import Words, component, pipeline, solve, timeless
from tests.searches.test_self_refine_mcts import Counter, Height
from treewright.pipeline import PipelineSpec
from treewright.searches.islands import Islands, Pool
from treewright_registry import Problem, Proposals, ProposeRequest, Step, Trajectory

ROOT = Trajectory(Problem("p", "q"))


def climbing(budget: int, **options: object) -> PipelineSpec:
    return pipeline(
        policy=component("policy", Counter),
        scorer=component("scorer", Height),
        search=component("search", Islands, **options),
        budget={"candidates": budget},
    )


def test_pool_keeps_its_best_and_takes_an_answer_once() -> None:
    pool = Pool(2)
    assert pool.enter(ROOT, 0.5, "a") is True
    assert pool.enter(ROOT, 0.4, "b") is False
    assert pool.enter(ROOT, 0.4, "c") is False  # not better than the worst
    assert pool.enter(ROOT, 0.9, "a") is False  # known
    assert pool.enter(ROOT, 0.6, "d") is True
    assert [rank for rank, _ in pool.members] == [0.6, 0.5]
    pool.restart()
    assert pool.members == []
    assert pool.enter(ROOT, 0.1, "a") is True


def test_islands_climb_and_spend_their_budget_exactly() -> None:
    start, end = solve(climbing(16)), solve(climbing(160))
    assert {solution.cost["policy"]["candidates"] for solution in end.values()} == {160}
    assert all(end[id_].score > start[id_].score for id_ in end)  # type: ignore[operator]


def test_rounds_limit_the_search() -> None:
    solution = solve(climbing(1000, islands=2, drafts=3, branch=5, rounds=4))["w0"]
    assert solution.cost["policy"]["candidates"] == 2 * 3 + 3 * 2 * 5


def test_migration_brings_the_best_of_one_island_to_the_next() -> None:
    pools = [Pool(4), Pool(4)]
    pools[0].enter(ROOT, 0.9, 1)

    class Env:
        def answer_key(self, trajectory: Trajectory) -> int:
            return 1

    Islands(migration=2)._migrate_and_restart(pools, 1, Env())  # type: ignore[arg-type]
    assert pools[1].members == []
    Islands(migration=2)._migrate_and_restart(pools, 2, Env())  # type: ignore[arg-type]
    assert pools[1].members == [(0.9, ROOT)]


def test_island_without_gain_starts_again() -> None:
    pools = [Pool(4)]
    pools[0].enter(ROOT, 0.9, 1)
    pools[0].stale = 3
    Islands(patience=4)._migrate_and_restart(pools, 1, None)  # type: ignore[arg-type]
    assert pools[0].members
    pools[0].stale = 4
    Islands(patience=4)._migrate_and_restart(pools, 2, None)  # type: ignore[arg-type]
    assert (pools[0].members, pools[0].stale) == ([], 0)


@pytest.mark.parametrize("live", [1, 3])
def test_islands_are_batch_invariant(live: int) -> None:
    spec = climbing(80, patience=1, migration=2)
    together, other = solve(spec), solve(replace(spec, live=live))
    assert {id_: timeless(together[id_]) for id_ in together} == {id_: timeless(other[id_]) for id_ in together}


def test_search_that_sees_nothing_new_stops_before_its_budget() -> None:
    spec = climbing(10_000, convergence=3, branch=1, drafts=1, islands=1, patience=0)
    roles = {**spec.roles, "policy": component("policy", Stuck)}
    stuck = replace(spec, roles=roles, task=component("task", LastAnswers, count=2))
    assert {solution.cost["policy"]["candidates"] for solution in solve(stuck).values()} == {4}


class Stuck(Counter):
    """Always writes 7."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([Step("7", finish="stop")] * request.n) for request in requests]


class LastAnswers(Words):
    """The last step is the answer."""

    def extract(self, trajectory: Trajectory) -> str | None:
        return None if trajectory.step is None else str(trajectory.step.content)
