"""Budgets hold, and every unit of cost is accounted for once."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.engine.toys import Judge, Speller, Vowels, component, pipeline, solve
from treewright.engine.budget import Budget
from treewright.engine.local import ListFeed, run_local
from treewright.engine.trace import Trace
from treewright.pipeline import ComponentSpec
from treewright.searches.beam import Beam
from treewright.searches.mcts import Mcts
from treewright.searches.sample import Sample
from treewright_registry import COUNTERS, Ledger, Problem, Proposals, ProposeRequest, Usage

SEARCHES = [
    component("search", Sample, n=100, wave=3),
    component("search", Beam, width=3, branch=5),
    component("search", Mcts, branch=3),
]
IDS = ["sample", "beam", "mcts"]


@pytest.mark.parametrize("search", SEARCHES, ids=IDS)
@pytest.mark.parametrize("limit", [1, 2, 7, 16, 33])
def test_candidates_never_exceed_their_limit(search: ComponentSpec, limit: int) -> None:
    for solution in solve(pipeline(search=search, budget={"candidates": limit})).values():
        assert solution.cost["policy"]["candidates"] <= limit


@pytest.mark.parametrize("search", SEARCHES, ids=IDS)
@pytest.mark.parametrize(
    ("counter", "limit", "in_flight"),
    [
        ("generated_tokens", 20, 20),
        ("policy.calls", 3, 3),
        ("scored_tokens", 10, 60),
        ("reward_calls", 9, 15),
    ],
)
def test_other_counters_exceed_their_limit_by_at_most_the_call_in_flight(
    search: ComponentSpec, counter: str, limit: int, in_flight: int
) -> None:
    role, _, name = counter.rpartition(".")
    for solution in solve(pipeline(search=search, budget={counter: limit})).values():
        roles = [role] if role else list(solution.cost)
        assert sum(solution.cost[each][name] for each in roles) <= limit + in_flight


def test_search_that_runs_out_of_budget_answers_with_its_best_so_far() -> None:
    whole = solve(pipeline(search=component("search", Sample, n=6, wave=3)))
    cut = solve(pipeline(search=component("search", Sample, n=600, wave=3), budget={"candidates": 6}))
    assert {id_: solution.answer for id_, solution in whole.items()} == {
        id_: solution.answer for id_, solution in cut.items()
    }


def test_answers_that_used_the_budget_up_are_still_judged() -> None:
    search = component("search", Sample, n=6, wave=3)
    for counter in ("generated_tokens", "policy.calls"):
        solutions = solve(pipeline(search=search, budget={counter: 1}))  # the first wave spends it
        assert all(solution.error is None and solution.score is not None for solution in solutions.values())
        assert {solution.cost["policy"]["candidates"] for solution in solutions.values()} == {3}


def test_scorer_is_refused_where_it_has_spent_the_limit_itself() -> None:
    search = component("search", Sample, n=6, wave=3)
    for solution in solve(pipeline(search=search, budget={"reward_calls": 3})).values():
        assert solution.cost["scorer"]["reward_calls"] == 3


def test_budget_that_ends_before_any_answer_is_an_error_that_says_so() -> None:
    solutions = solve(pipeline(search=component("search", Beam), budget={"generated_tokens": 1}))
    assert {solution.error for solution in solutions.values()} == {
        "the search ended without a finished answer (budget spent: generated_tokens 1)"
    }


@pytest.mark.parametrize("scorer", [Vowels, Judge])
@pytest.mark.parametrize("search", SEARCHES, ids=IDS)
def test_costs_of_the_nodes_add_up_to_the_ledger(search: ComponentSpec, scorer: type) -> None:
    traces: dict[str, Trace] = {}
    solutions = {}

    def keep(problem: Problem, trace: Trace) -> None:
        traces[problem.id] = trace

    spec = pipeline(search=search, scorer=component("scorer", scorer), budget={"candidates": 24})
    problems = [Problem(f"w{number}", f"word {number}") for number in range(4)]
    run_local(spec, ListFeed(problems), lambda s: solutions.update({s.problem_id: s}), write_trace=keep)
    for id_, solution in solutions.items():
        total: dict[str, float] = {}
        for counters in solution.cost.values():
            for name, value in counters.items():
                total[name] = total.get(name, 0) + value
        summed: dict[str, float] = {}
        for share in traces[id_].costs():
            for name, value in share.items():
                summed[name] = summed.get(name, 0) + value
        assert {name: summed.get(name, 0) for name in COUNTERS} == pytest.approx(total)


def test_inner_calls_of_a_composite_are_charged_but_are_no_candidates() -> None:
    spec = pipeline(scorer=component("scorer", Judge), search=component("search", Sample, n=4))
    cost = solve(spec)["w0"].cost
    assert cost["policy"]["candidates"] == 4
    assert cost["policy"]["calls"] == 1 + 4  # one for the answers, one for each judgement
    assert cost["policy"]["generated_tokens"] == 4 * 4 + 4 * 3
    assert cost["scorer"]["reward_calls"] == 4


class Wasting(Speller):
    """Writes five tokens that are in no step."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals(each.steps, Usage(generated_tokens=5)) for each in super().propose(requests)]


def test_tokens_that_stand_in_no_step_are_counted_too() -> None:
    traces: list[Trace] = []
    search = component("search", Sample, n=4)
    plain = solve(pipeline(search=search))["w0"].cost["policy"]["generated_tokens"]
    wasting = pipeline(policy=component("policy", Wasting), search=search)
    solutions: list[Any] = []
    run_local(
        wasting, ListFeed([Problem("w0", "word 0")]), solutions.append, write_trace=lambda _, made: traces.append(made)
    )
    assert solutions[0].cost["policy"]["generated_tokens"] == plain + 5  # one call for all four
    shares = [share.get("generated_tokens", 0) for share in traces[0].costs()]
    assert sum(shares) == pytest.approx(plain + 5)


class Evaluating(Speller):
    """Evaluates a hundred candidates inside each call, or as many as it may."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        looks = [100 if each.allowance is None else min(100, each.allowance) for each in requests]
        found = super().propose(requests)
        return [Proposals(one.steps, Usage(inner_evaluations=look)) for one, look in zip(found, looks, strict=True)]


@pytest.mark.parametrize("limits", [{"inner_evaluations": 250}, {"policy.inner_evaluations": 250}])
def test_a_policy_is_told_what_the_budget_leaves_for_it(limits: dict[str, float]) -> None:
    spec = pipeline(
        policy=component("policy", Evaluating), search=component("search", Sample, n=60, wave=2), budget=limits
    )
    for solution in solve(spec).values():
        assert solution.cost["policy"]["inner_evaluations"] == 250  # 100 + 100 + 50
        assert solution.cost["policy"]["candidates"] == 6


def test_the_allowance_is_shared_by_the_requests_of_one_call() -> None:
    limits: dict[str, float] = {"inner_evaluations": 10, "draft.inner_evaluations": 7}
    ledger = Ledger()
    budget = Budget(limits, ledger)
    assert [budget.allowance("policy", number) for number in (1, 3, 20, 0)] == [10, 3, 1, None]
    assert budget.allowance("draft", 2) == 3
    ledger.of("draft").inner_evaluations += 6
    assert (budget.allowance("draft", 1), budget.allowance("policy", 1)) == (1, 4)
    assert Budget({"candidates": 3}, Ledger()).allowance("policy", 1) is None
