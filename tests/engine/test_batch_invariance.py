"""A problem's answer does not depend on what else runs, where, or in which order."""

import pytest

from tests.engine.every_search import AGGREGATORS, REVISING, SEARCHES
from tests.engine.toys import (
    AsyncRewriter,
    AsyncSpeller,
    BothAtOnce,
    Judge,
    Rewriter,
    Speller,
    ThreadedRewriter,
    ThreadedSpeller,
    Words,
    component,
    pipeline,
    solve,
    timeless,
)
from treewright.pipeline import CallSettings, PipelineSpec
from treewright_registry import Env, Problem, Registry

# how the policy is reached: one that writes on, and one that revises
WAYS = {
    "random delays": [component("policy", cls, delay=0.01) for cls in (AsyncSpeller, AsyncRewriter)],
    "thread": [component("policy", cls) for cls in (ThreadedSpeller, ThreadedRewriter)],
    "batches of 1": [component("policy", cls, CallSettings(batch=1)) for cls in (Speller, Rewriter)],
    "batches of 7": [component("policy", cls, CallSettings(batch=7)) for cls in (Speller, Rewriter)],
}
# every search and every aggregator at least once: an aggregator sees what was offered, not how it came about
PAIRS = [(search, list(AGGREGATORS)[index % len(AGGREGATORS)]) for index, search in enumerate(SEARCHES)]
VARIANTS = ("beam-lookahead", "puct", "uct-rounds", "particle-filter-drafts", "specs-released")
SHARDED = [pair for pair in PAIRS if pair[0] not in VARIANTS]  # two processes are slow to start


def specification(search: str, aggregator: str = "best", **parts: object) -> PipelineSpec:
    if search in REVISING:
        parts = {"policy": component("policy", Rewriter), **parts}
    return pipeline(
        search=SEARCHES[search],
        aggregator=AGGREGATORS[aggregator],
        budget={"candidates": 40},
        count=50,
        **parts,  # type: ignore[arg-type]
    )


def test_no_registered_search_or_aggregator_is_missing_here() -> None:
    ours = {descriptor.load() for kind in ("search", "aggregator") for descriptor in Registry.load().of_kind(kind)}
    here = {spec.descriptor.load() for spec in (*SEARCHES.values(), *AGGREGATORS.values())}
    assert {cls.__name__ for cls in ours if cls.__module__.startswith("treewright.")} <= {cls.__name__ for cls in here}


@pytest.mark.parametrize("aggregator", AGGREGATORS)
@pytest.mark.parametrize("search", SEARCHES)
def test_fifty_problems_together_answer_as_each_alone(search: str, aggregator: str) -> None:
    spec = specification(search, aggregator)
    together = solve(spec)
    alone = {problem.id: solve(spec, [problem])[problem.id] for problem in Words(count=50).problems()}
    assert len(together) == 50
    assert {id_: timeless(solution) for id_, solution in together.items()} == {
        id_: timeless(solution) for id_, solution in alone.items()
    }


@pytest.mark.parametrize(("search", "aggregator"), PAIRS)
@pytest.mark.parametrize("way", WAYS)
def test_order_of_completion_and_batch_shape_change_nothing(search: str, way: str, aggregator: str) -> None:
    plain = solve(specification(search, aggregator))
    other = solve(specification(search, aggregator, policy=WAYS[way][search in REVISING]))
    assert {id_: timeless(plain[id_]) for id_ in plain} == {id_: timeless(other[id_]) for id_ in plain}


@pytest.mark.parametrize("search", SEARCHES)
def test_reversed_admission_and_few_live_problems_change_nothing(search: str) -> None:
    plain = solve(specification(search))
    reversed_ = solve(specification(search, live=3), Words(count=50).problems()[::-1])
    assert list(plain) != list(reversed_)
    assert {id_: timeless(plain[id_]) for id_ in plain} == {id_: timeless(reversed_[id_]) for id_ in plain}


@pytest.mark.parametrize(("search", "aggregator"), SHARDED)
def test_two_worker_processes_change_nothing(search: str, aggregator: str) -> None:
    plain = solve(specification(search, aggregator))
    sharded = solve(specification(search, aggregator), workers=2)
    assert {id_: timeless(plain[id_]) for id_ in plain} == {id_: timeless(sharded[id_]) for id_ in plain}


def test_composite_scorer_is_batch_invariant_too() -> None:
    spec = specification("beam", scorer=component("scorer", Judge))
    together = solve(spec)
    alone = {problem.id: solve(spec, [problem])[problem.id] for problem in Words(count=50).problems()}
    assert {id_: timeless(together[id_]) for id_ in alone} == {id_: timeless(alone[id_]) for id_ in alone}


def test_another_seed_gives_other_answers() -> None:
    """The negative control: the comparison above can fail."""
    first = solve(specification("sample"))
    second = solve(specification("sample", seed=1))
    assert sum(first[id_].answer != second[id_].answer for id_ in first) > 25


class Branches:
    """Runs coroutines of its own at the same time: their draws would depend on who answers first."""

    needs = BothAtOnce.needs

    async def search(self, problem: Problem, env: Env) -> None:
        async def branch() -> None:
            await env.propose([env.root], 1)

        await env.together(branch(), branch())


def test_coroutines_of_a_search_cannot_run_together() -> None:
    solutions = solve(pipeline(search=component("search", Branches), count=1))
    assert str(solutions["w0"].error).startswith("env.together got a coroutine; it takes calls of env only")
