"""What every search keeps to: budgets, failures, best so far (T19). Batch invariance has tests of its own."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import pytest

from tests.engine.every_search import REVISING, SEARCHES
from tests.engine.toys import Rewriter, Speller, Vowels, component, pipeline, solve
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.engine.trace import CallRecord, Trace
from treewright.pipeline import PipelineSpec
from treewright_registry import Capability, Problem, Proposals, ProposeRequest, Score, ScoreRequest

COUNT = 4


def specification(search: str, **fields: object) -> PipelineSpec:
    parts = {"policy": component("policy", Rewriter)} if search in REVISING else {}
    return pipeline(search=SEARCHES[search], count=COUNT, **{**parts, **fields})  # type: ignore[arg-type]


def traced(spec: PipelineSpec) -> list[tuple[Solution, list[CallRecord]]]:
    """Each solution with the calls that were made for it, in the order in which they were booked."""
    traces: dict[str, Trace] = {}
    found: list[Solution] = []
    feed = ListFeed(Problem(f"w{number}", f"word {number}") for number in range(COUNT))
    run_local(spec, feed, found.append, write_trace=lambda problem, trace: traces.update({problem.id: trace}))
    return [(solution, traces[solution.problem_id]._calls) for solution in found]


def total(solution: Solution, counter: str) -> float:
    return sum(counters[counter] for counters in solution.cost.values())


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("limit", [1, 2, 5, 16, 33])
def test_candidates_never_exceed_their_limit(search: str, limit: int) -> None:
    for solution in solve(specification(search, budget={"candidates": limit})).values():
        assert total(solution, "candidates") <= limit


def calls(record: CallRecord) -> int:
    return record.requests


def tokens(record: CallRecord) -> int:
    return record.generated_tokens


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize(("counter", "of"), [("calls", calls), ("generated_tokens", tokens)])
@pytest.mark.parametrize("limit", [1, 7, 20])
def test_other_counters_are_overrun_by_the_calls_in_flight_only(search: str, counter: str, of, limit: int) -> None:
    """Before the last calls, of which at most three run together, the limit was not reached."""
    for solution, records in traced(specification(search, budget={counter: limit, "candidates": 100})):
        assert sum(map(of, records)) == total(solution, counter)
        assert sum(map(of, records[:-3])) < limit


class Failing(Vowels):
    """Cannot score anything."""

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        raise ConnectionError("no scorer here")


class Silent(Speller):
    """Never has an idea."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.REVISES})

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([]) for _ in requests]


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("broken", ["scorer", "policy"])
def test_search_ends_with_an_error_that_says_so_if_nothing_works(search: str, broken: str) -> None:
    spec = specification(search, budget={"candidates": 60})
    part = component("scorer", Failing) if broken == "scorer" else component("policy", Silent)
    for solution in solve(replace(spec, roles={**spec.roles, broken: part})).values():
        if search == "together" and broken == "policy":
            continue  # it takes for granted that the policy answers
        assert solution.answer is None
        assert str(solution.error).startswith(("the search ended without a finished answer", "no answer could be"))


class Unsteady(Vowels):
    """Fails to score every third text or so."""

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        scores = super().score(requests)
        lost = Score(float("nan"), reason="lost")
        return [
            lost if request.key("lost").uniform() < 0.3 else score
            for request, score in zip(requests, scores, strict=True)
        ]


@pytest.mark.parametrize("search", SEARCHES)
def test_failed_scores_cost_their_own_candidates_only(search: str) -> None:
    spec = specification(search, budget={"candidates": 60})
    solutions = solve(replace(spec, roles={**spec.roles, "scorer": component("scorer", Unsteady)})).values()
    assert sum(solution.error is None for solution in solutions) >= COUNT / 2
    assert all(total(solution, "failed_calls") for solution in solutions)


# those that hand over whatever they finish; the others' last round decides what is handed over at all
ANYTIME = ("sample", "beam", "dvts", "uct", "puct", "uct-rounds", "self-refine-mcts", "islands", "ab-mcts")


@pytest.mark.parametrize("search", ANYTIME)
def test_best_so_far_never_gets_worse_with_more_budget(search: str) -> None:
    best: dict[str, float] = {}
    for limit in (4, 6, 9, 14, 20, 30, 44, 60):
        for id_, solution in solve(specification(search, budget={"candidates": limit})).items():
            if solution.score is not None:
                assert solution.score >= best.get(id_, 0.0)
                best[id_] = solution.score
    assert len(best) == COUNT
