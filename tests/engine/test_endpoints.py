"""Asynchronous components: the limiter, and odd ways to fail."""

import asyncio
import logging
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import pytest

from tests.engine.toys import Speller, component, pipeline, solve, timeless
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.pipeline import CallSettings
from treewright.searches.sample import Sample
from treewright_registry import (
    CallFailed,
    CallRefused,
    Problem,
    Proposals,
    ProposeRequest,
    RetryLater,
    Step,
    Usage,
)


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


class Scripted:
    """Raises what stands in ``faults`` for its first calls; notes when each call began."""

    began: ClassVar[list[float]] = []
    faults: ClassVar[list[BaseException]] = []
    now: ClassVar[int] = 0
    most: ClassVar[list[int]] = []  # under way at once, when each call began

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        kind = type(self)
        kind.began.append(time.monotonic())
        kind.now += 1
        kind.most.append(kind.now)
        try:
            await asyncio.sleep(0.002)
            if kind.faults:
                raise kind.faults.pop(0)
        finally:
            kind.now -= 1
        return Speller().propose(requests)


@pytest.fixture(autouse=True)
def _fresh_script() -> None:
    Scripted.began, Scripted.faults, Scripted.most = [], [], []


def scripted(count: int, *faults: BaseException, **call: float) -> dict[str, Solution]:
    Scripted.faults = list(faults)
    return solve(pipeline(policy=component("policy", Scripted, CallSettings(**call)), count=count))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [(CallRefused("HTTP 404"), 1), (CallFailed("HTTP 500"), 3), (ValueError("garbled"), 3)],
    ids=["refused", "failed", "anything"],
)
def test_what_cannot_succeed_is_tried_once_and_what_may_is_tried_again(
    fault: BaseException, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("treewright.engine.endpoint._pause", lambda attempt: 0.0)
    [solution] = scripted(1, *[fault] * 9, retries=2).values()
    assert len(Scripted.began) == attempts
    assert solution.failed_calls == (f"policy.propose: {type(fault).__name__}: {fault}",)


def test_waiting_because_the_server_asks_uses_up_no_attempt() -> None:
    [solution] = scripted(1, *[RetryLater("busy", 0.02)] * 5, retries=0).values()
    assert (solution.error, len(Scripted.began)) == (None, 6)
    assert all(later - earlier >= 0.02 for earlier, later in pairwise(Scripted.began))


def test_a_server_that_asks_for_rest_is_left_alone_by_all_problems() -> None:
    solutions = scripted(40, RetryLater("busy", 0.4), concurrency=4, retries=0)
    assert [made.failed_calls for made in solutions.values()] == [()] * 40
    gaps = [later - earlier for earlier, later in pairwise(Scripted.began)]
    # those under way when the first one was turned down come to their end, then nothing begins for 0.4 s
    pause = gaps.index(max(gaps))
    assert max(gaps) >= 0.35
    assert pause <= 7


def test_a_server_that_asks_for_rest_gets_half_as_many_requests_and_slowly_more_again() -> None:
    scripted(80, *[RetryLater("busy", 0.3)] * 16, concurrency=16, retries=0)
    assert max(Scripted.most[:16]) == 16
    gaps = [later - earlier for earlier, later in pairwise(Scripted.began)]
    after = gaps.index(max(gaps)) + 1
    # sixteen complaints of one moment are one lesson; then a request more for each round of answers
    assert max(Scripted.most[after : after + 8]) <= 9
    assert max(Scripted.most[after:]) > 9


def test_a_long_rest_is_told_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("treewright.engine.endpoint._NOTICED", 0.2)
    scripted(8, *[RetryLater("busy", 0.3)] * 4, RetryLater("still", 0.1), concurrency=4, retries=0)
    assert [record.getMessage() for record in caplog.records] == [
        "policy: its server asks for rest; going on in 0 s, with at most 2 requests at once\n    RetryLater: busy"
    ]


@pytest.mark.parametrize("seconds", [3600.0, None])
def test_patience_has_an_end(seconds: float | None) -> None:
    [solution] = scripted(1, *[RetryLater("quota", seconds)] * 9, patience=0.01).values()
    [reason] = solution.failed_calls
    assert reason.startswith("policy.propose: RetryLater: quota; to be repeated in ")
    assert reason.endswith("beyond call.patience (0.01 s)")
    assert len(Scripted.began) == 1


def test_the_rate_holds_for_all_problems_together_and_is_used_to_the_full() -> None:
    begin = time.monotonic()
    scripted(30, rate=6000)  # one every 10 ms
    late = [at - begin - 0.01 * number for number, at in enumerate(Scripted.began)]
    assert len(Scripted.began) == 30
    assert min(late) >= -0.001  # none before its turn
    assert late[-1] - late[0] < 1.0  # turns are not lost, however busy the machine is


def test_repeated_attempts_count_in_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treewright.engine.endpoint._pause", lambda attempt: 0.0)
    begin = time.monotonic()
    scripted(1, ValueError("a"), ValueError("b"), rate=1200, retries=2)
    assert len(Scripted.began) == 3
    assert all(at - begin >= 0.05 * number - 0.001 for number, at in enumerate(Scripted.began))


class SampleBySample:
    """Makes a call of its own for each sample; two of them fail."""

    single_samples: ClassVar[bool] = True
    asked: ClassVar[list[tuple[int, int]]] = []

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        [request] = requests
        self.asked.append((request.n, request.seed))
        await asyncio.sleep(0.001 * (request.seed % 5))
        if len(set(self.asked)) in (2, 4):
            raise CallRefused(f"sample {len(set(self.asked))}")
        return [Proposals([Step(str(request.seed), finish="stop")], Usage(prompt_tokens=3))]


def test_samples_that_fail_cost_themselves_and_the_rest_is_kept() -> None:
    SampleBySample.asked.clear()
    policy = component("policy", SampleBySample, CallSettings(concurrency=1))
    [solution] = solve(pipeline(policy=policy, count=1, search=component("search", Sample, n=6))).values()
    cost = solution.cost["policy"]
    assert {n for n, _ in SampleBySample.asked} == {1}
    assert len({seed for _, seed in SampleBySample.asked}) == 6
    assert (cost["candidates"], cost["failed_calls"], cost["prompt_tokens"]) == (4, 2, 12)
    assert solution.failed_calls == (
        "policy.propose: CallRefused: sample 2",
        "policy.propose: CallRefused: sample 4",
    )


class OfNoUse(SampleBySample):
    """Every second sample arrives, was paid for, and is of no use."""

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        [request] = requests
        self.asked.append((request.n, request.seed))
        if len(self.asked) % 2 == 0:
            return [Proposals([], Usage(prompt_tokens=3, generated_tokens=5), ("it says nothing",))]
        return [Proposals([Step("a", tokens=1, finish="stop")], Usage(prompt_tokens=3))]


def test_samples_of_no_use_are_told_and_paid_for() -> None:
    OfNoUse.asked.clear()
    policy = component("policy", OfNoUse, CallSettings(concurrency=1))
    [solution] = solve(pipeline(policy=policy, count=1, search=component("search", Sample, n=4))).values()
    cost = solution.cost["policy"]
    assert len(OfNoUse.asked) == 4  # none is repeated
    assert (cost["candidates"], cost["failed_calls"], cost["prompt_tokens"], cost["generated_tokens"]) == (2, 2, 12, 12)
    assert solution.failed_calls == ("policy.propose: it says nothing",) * 2


def test_samples_keep_their_order_whenever_they_arrive() -> None:
    answers = []
    for concurrency in (1, 3, 32):
        SampleBySample.asked = [(1, -1)] * 9  # far from the calls that fail
        SampleBySample.asked += [(1, -number) for number in range(9)]
        policy = component("policy", SampleBySample, CallSettings(concurrency=concurrency))
        [solution] = solve(pipeline(policy=policy, count=1, search=component("search", Sample, n=6))).values()
        answers.append(timeless(solution))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["failed_calls"] == ()


class Blocking:
    """Sleeps as code does that was written for threads."""

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        await asyncio.sleep(0)
        time.sleep(0.06)
        return Speller().propose(requests)


class GivingWay:
    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        await asyncio.sleep(0.06)
        return Speller().propose(requests)


def test_an_async_component_that_blocks_the_engine_is_named_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("treewright.engine.endpoint._BLOCKING", 0.05)
    solve(pipeline(policy=component("policy", Blocking, CallSettings(concurrency=1)), count=4))
    [record] = caplog.records
    assert (record.levelno, record.name) == (logging.WARNING, "treewright.engine.endpoint")
    assert record.getMessage().startswith("policy: Blocking is async and kept everything else waiting for 0.")


def test_a_slow_component_that_gives_way_is_not_blamed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("treewright.engine.endpoint._BLOCKING", 0.05)
    solve(pipeline(policy=component("policy", GivingWay, CallSettings(deadline=9)), count=4))
    assert caplog.records == []
