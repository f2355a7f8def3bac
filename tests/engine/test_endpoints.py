"""Asynchronous components: the limiter, and odd ways to fail."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.engine.toys import Speller, component, pipeline, solve, timeless
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.pipeline import CallSettings
from treewright_registry import Problem, Proposals, ProposeRequest, Step, Usage


class Crowded:
    """Counts how many requests are with it at once."""

    def __init__(self, *, sleep: bool = True) -> None:
        self.sleep = sleep
        type(self).most = self.now = 0

    most = 0

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        self.now += 1
        type(self).most = max(self.most, self.now)
        if self.sleep:
            await asyncio.sleep(0.001)
        self.now -= 1
        return Speller().propose(requests)


@pytest.mark.parametrize("concurrency", [1, 3, 32])
def test_limiter_is_used_to_the_full_and_never_exceeded(concurrency: int) -> None:
    call = CallSettings(concurrency=concurrency)
    spec = pipeline(policy=component("policy", Crowded, call), count=100)
    solutions = solve(spec)
    assert Crowded.most == concurrency
    assert all(solution.error is None for solution in solutions.values())


def test_endpoint_that_answers_at_once_gives_what_the_inline_component_gives() -> None:
    spec = pipeline(policy=component("policy", Crowded, sleep=False), count=50)
    fast, plain = solve(spec), solve(pipeline(count=50))
    assert {id_: timeless(each) for id_, each in fast.items()} == {id_: timeless(each) for id_, each in plain.items()}


class CancelsItself:
    """As when a client cancels one of its own inner tasks."""

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        if requests[0].trajectory.problem.id == "w1":
            raise asyncio.CancelledError
        return Speller().propose(requests)


@pytest.mark.parametrize("deadline", [None, 30.0])
def test_request_that_its_component_cancels_has_failed_and_the_run_goes_on(deadline: float | None) -> None:
    call = CallSettings(retries=0, deadline=deadline, concurrency=1)
    solutions = solve(pipeline(policy=component("policy", CancelsItself, call), count=4))
    assert solutions["w1"].failed_calls == ("policy.propose: CancelledError: the component cancelled its own request",)
    assert [solutions[id_].error for id_ in ("w0", "w2", "w3")] == [None, None, None]


class TimesOut:
    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        raise TimeoutError("connect")


class Sleeps:
    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        await asyncio.sleep(600)
        return []


@pytest.mark.parametrize(
    ("policy", "deadline", "reason"),
    [
        (TimesOut, None, "policy.propose: TimeoutError: connect"),
        (Sleeps, 0.05, "policy.propose: no answer within the deadline of 0.05 s"),
    ],
)
def test_component_that_is_late_and_one_that_says_so_are_told_apart(
    policy: type, deadline: float | None, reason: str
) -> None:
    call = CallSettings(retries=0, deadline=deadline)
    [solution] = solve(pipeline(policy=component("policy", policy, call), count=1)).values()
    assert solution.failed_calls == (reason,)


class OddTokens(Speller):
    """Steps that no ledger can add up, for one problem."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [
            Proposals([Step("a", finish="stop")], Usage(prompt_tokens="three"))  # type: ignore[arg-type]
            if request.trajectory.problem.id == "w1"
            else super(OddTokens, self).propose([request])[0]
            for request in requests
        ]


class OddTokensAtAnEndpoint:
    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return OddTokens().propose(requests)


@pytest.mark.parametrize("policy", [OddTokens, OddTokensAtAnEndpoint])
def test_results_too_odd_to_be_booked_end_their_own_problem_only(policy: type) -> None:
    solutions: list[Solution] = []
    spec = pipeline(policy=component("policy", policy), count=4)
    run_local(spec, ListFeed([Problem(f"w{number}", "?") for number in range(4)]), solutions.append)
    errors = {solution.problem_id: solution.error for solution in solutions}
    assert errors.pop("w1") == (
        "policy.propose: the results cannot be booked: TypeError: unsupported operand type(s) for +: 'int' and 'str'"
    )
    assert errors == {"w0": None, "w2": None, "w3": None}
