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
    return [(solution, trace._calls) for solution, trace in with_traces(spec)]


def with_traces(spec: PipelineSpec) -> list[tuple[Solution, Trace]]:
    """Each solution with its trace."""
    traces: dict[str, Trace] = {}
    found: list[Solution] = []
    feed = ListFeed(Problem(f"w{number}", f"word {number}") for number in range(COUNT))
    run_local(spec, feed, found.append, write_trace=lambda problem, trace: traces.update({problem.id: trace}))
    return [(solution, traces[solution.problem_id]) for solution in found]


def total(solution: Solution, counter: str) -> float:
    return sum(counters[counter] for counters in solution.cost.values())


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("limit", [1, 2, 5, 16, 33])
def test_candidates_never_exceed_their_limit(search: str, limit: int) -> None:
    for solution in solve(specification(search, budget={"candidates": limit})).values():
        assert total(solution, "candidates") <= limit


@pytest.mark.parametrize("search", [search for search in SEARCHES if search != "together"])
def test_every_search_answers_with_any_number_of_candidates(search: str) -> None:
    """Those that go step by step keep a candidate back for a last word. (``together`` is a test's own.)"""
    for limit in (*range(1, 26), 33, 40, 48, 64):
        for solution in solve(specification(search, budget={"candidates": limit})).values():
            assert solution.error is None, (limit, solution.error)


@pytest.mark.parametrize("search", [search for search in SEARCHES if search != "together"])
def test_every_search_answers_with_any_number_of_tokens(search: str) -> None:
    """Once its first round is paid for: what that costs nobody knows before."""
    for limit in (*range(int(costs(search, 1)) + 1, 50, 6), 80):
        for solution in solve(specification(search, budget={"generated_tokens": limit, "candidates": 500})).values():
            assert solution.error is None, (limit, solution.error)


def costs(search: str, limit: int) -> float:
    """The most tokens that a problem takes if it may have so many."""
    spec = specification(search, budget={"generated_tokens": limit, "candidates": 500})
    return max(total(solution, "generated_tokens") for solution in solve(spec).values())


@pytest.mark.parametrize("search", ["beam", "dvts", "particle-filter", "rsd", "specs", "gsi", "uct"])
def test_only_a_budget_that_binds_has_a_last_word(search: str) -> None:
    cut = with_traces(specification(search, budget={"candidates": 3}))
    assert all("last_word" in trace.notes for _, trace in cut)
    enough = with_traces(specification(search, budget={"candidates": 400}))
    assert not any({"last_word", "held_back"} & set(trace.notes) for _, trace in enough)


WORD = 4  # steps of a toy word
ENOUGH = {  # as docs/searches.md has it, for the options of SEARCHES
    "sample": 1,
    "self-refine-mcts": 1,
    "ab-mcts": 1,
    "islands": 1,
    "beam": 3 + (WORD - 1) * 3 * 2,
    "dvts": 6 * WORD + 1,
    "uct-rollouts": 3 + 1,
    "particle-filter": 4 * WORD,
    "particle-filter-drafts": 4 * WORD,
    "particle-gibbs": 3 * WORD,
    "rsd": 2 * 2 * WORD + 1,
    "specs": 2 * 3 * WORD + 1,
    "gsi": 2 * 3 * WORD + 1,
}


@pytest.mark.parametrize(("search", "enough"), ENOUGH.items())
def test_budget_that_the_documentation_calls_enough_needs_no_last_word(search: str, enough: int) -> None:
    for solution, trace in with_traces(specification(search, budget={"candidates": enough})):
        assert solution.error is None
        assert "last_word" not in trace.notes


@pytest.mark.parametrize("search", ["beam", "dvts", "particle-filter", "particle-gibbs"])
def test_less_than_the_first_rounds_of_a_documented_budget_need_one(search: str) -> None:
    rounds = ENOUGH[search] * (WORD - 1) // WORD - 3  # within the last round but one
    found = with_traces(specification(search, budget={"candidates": rounds}))
    assert all("last_word" in trace.notes for _, trace in found)


# model calls that run at the same time; a search that is not named here makes one call at a time
TOGETHER = {"particle-filter-drafts": 2, "specs": 2, "specs-released": 2, "gsi": 2, "together": 3}


def before_the_last_batch(records: Sequence[CallRecord], together: int) -> Sequence[CallRecord]:
    """All calls but those in flight when the limit was reached, and but verdicts on what these had brought."""
    last = max(index for index, record in enumerate(records) if record.method != "score")
    if records[last].method == "propose" and together < 3:  # these searches propose alone
        return records[:last]
    return records[: max(0, last + 1 - together)]


def calls(record: CallRecord) -> int:
    return record.requests


def tokens(record: CallRecord) -> int:
    return record.generated_tokens


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize(("counter", "of"), [("calls", calls), ("generated_tokens", tokens)])
@pytest.mark.parametrize("limit", [1, 7, 20])
def test_other_counters_are_overrun_by_the_calls_in_flight_only(search: str, counter: str, of, limit: int) -> None:
    """Before the last batch of calls the limit was not reached: the overrun is at most what that batch cost."""
    for solution, records in traced(specification(search, budget={counter: limit, "candidates": 100})):
        assert sum(map(of, records)) == total(solution, counter)
        assert sum(map(of, before_the_last_batch(records, TOGETHER.get(search, 1)))) < limit


def test_bound_on_the_overrun_can_fail() -> None:
    """The negative control: a run without the limit breaks it."""
    [(_, records), *_] = traced(specification("beam", budget={"candidates": 100}))
    assert sum(map(calls, before_the_last_batch(records, 1))) > 7


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
    """Aside from runs that kept a candidate back: what a small budget draws differently may be lucky."""
    best: dict[str, float] = {}
    for limit in (4, 6, 9, 14, 20, 30, 44, 60):
        for solution, trace in with_traces(specification(search, budget={"candidates": limit})):
            if solution.score is not None and not {"last_word", "held_back"} & set(trace.notes):
                assert solution.score >= best.get(solution.problem_id, 0.0)
                best[solution.problem_id] = solution.score
    assert len(best) == COUNT
