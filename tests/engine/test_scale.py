"""A thousand problems at once: no barrier, policy and scorer together, and limits that hold.

Nothing here measures time to prove an order of events: a component waits for the very event that
could not happen if the engine made it wait, and a time limit turns a dead end into a failure.
"""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from tests.engine.toys import Speller, Vowels, Words, component, pipeline, solve, timeless
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.pipeline import CallSettings, PipelineSpec, share_of
from treewright.searches.beam import Beam
from treewright_registry import Env, Need, Problem, Proposals, ProposeRequest, Score, ScoreRequest

MANY = 1000
PATIENCE = 60.0  # seconds until a dead end is a failure


class Stage:
    """What the components of one test tell each other."""

    def __init__(self) -> None:
        self.others_done = asyncio.Event()
        self.policy_calls = 0
        self.policy_inside = threading.Event()
        self.scorer_inside = threading.Event()
        self.met = False


stage = Stage()


@pytest.fixture(autouse=True)
def _fresh_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.engine.test_scale.stage", Stage())


class PatientSpeller:
    """Lets the first problem wait until all others are solved."""

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        if requests[0].trajectory.problem.id == "w0":
            await asyncio.wait_for(stage.others_done.wait(), PATIENCE)
        else:
            await asyncio.sleep(0)
        return Speller().propose(requests)


class ThreadedVowels(Vowels):
    expensive = True


def beam_of(count: int, policy: Any, scorer: Any, **fields: Any) -> PipelineSpec:
    search = component("search", Beam, width=2, branch=2, depth=4)
    return pipeline(policy=policy, scorer=scorer, search=search, count=count, live=count, **fields)


def test_a_thousand_searches_run_to_their_end_while_the_slowest_waits_in_its_first_call() -> None:
    spec = beam_of(
        MANY,
        component("policy", PatientSpeller, CallSettings(concurrency=64, retries=0)),
        component("scorer", ThreadedVowels),
    )
    solutions: list[Solution] = []

    def solved(solution: Solution) -> None:
        solutions.append(solution)
        if len(solutions) == MANY - 1:
            stage.others_done.set()

    run_local(spec, ListFeed(Words(count=MANY).problems()), solved)
    assert solutions[-1].problem_id == "w0"
    assert [solution.error for solution in solutions] == [None] * MANY
    inline = solve(beam_of(MANY, component("policy", Speller), component("scorer", Vowels)))
    assert {made.problem_id: timeless(made) for made in solutions} == {
        id_: timeless(made) for id_, made in inline.items()
    }


class OverlappingSpeller:
    """From its 20th call on, a call ends only once the scorer is in its first batch."""

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        stage.policy_calls += 1
        if stage.policy_calls >= 20:
            stage.policy_inside.set()
            async with asyncio.timeout(PATIENCE):
                while not stage.scorer_inside.is_set():
                    await asyncio.sleep(0.001)
        return Speller().propose(requests)


class WaitingVowels(Vowels):
    """Does not return from its first batch before the policy is in its 20th call."""

    expensive = True

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        if not stage.scorer_inside.is_set():
            stage.scorer_inside.set()
            stage.met = stage.policy_inside.wait(PATIENCE)
        return super().score(requests)


def test_policy_and_scorer_work_at_the_same_time() -> None:
    # the first batch is full after four of the 200 problems; each of the two then waits for the other to be at work
    spec = beam_of(
        200,
        component("policy", OverlappingSpeller, CallSettings(concurrency=4, retries=0)),
        component("scorer", WaitingVowels, CallSettings(batch=8)),
    )
    solutions = solve(spec)
    assert stage.met
    assert {solution.failed_calls for solution in solutions.values()} == {()}


class Gauge:
    """Counts how many requests of its own role are under way at once."""

    def __init__(self) -> None:
        type(self).most = self.now = 0

    most = 0

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        self.now += 1
        type(self).most = max(self.most, self.now)
        await asyncio.sleep(0.002)
        self.now -= 1
        return Speller().propose(requests)


class OtherGauge(Gauge):
    pass


class BothPolicies:
    """Asks two policies, a request for each of four answers."""

    needs: ClassVar[Mapping[str, Need]] = {"draft": Need("policy"), "policy": Need("policy"), "scorer": Need("scorer")}

    async def search(self, problem: Problem, env: Env) -> None:
        roots = [env.root] * 4
        await env.together(env.propose(roots, 1, role="draft"), env.propose(roots, 1, role="policy"))


def test_each_role_has_a_limit_of_its_own_for_all_problems_together() -> None:
    spec = pipeline(count=64, search=component("search", BothPolicies), live=64)
    roles = {
        **spec.roles,
        "draft": component("policy", Gauge, CallSettings(concurrency=5)),
        "policy": component("policy", OtherGauge, CallSettings(concurrency=17)),
    }
    solve(PipelineSpec(spec.task, spec.search, spec.aggregator, roles, live=64))
    assert (Gauge.most, OtherGauge.most) == (5, 17)


def test_worker_processes_share_the_limits_of_a_role() -> None:
    policy = component("policy", Gauge, CallSettings(concurrency=9, rate=60))
    whole = pipeline(policy=policy)
    assert share_of(whole, 1) == whole
    assert share_of(whole, 4).roles["policy"].call == CallSettings(concurrency=2, rate=15)
    assert share_of(whole, 16).roles["policy"].call == CallSettings(concurrency=1, rate=3.75)


class OneOfSixtyFour:
    """Fails one request of 64 the way that is asked for, while 31 others are under way."""

    def __init__(self, *, how: str = "raise") -> None:
        self.how, self.count = how, 0

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        self.count += 1
        number = self.count
        await asyncio.sleep(0.001)
        if number == 20:
            if self.how == "raise":
                raise RuntimeError("one of 64")
            if self.how == "cancel":
                raise asyncio.CancelledError
            if self.how == "cancel the task":
                task = asyncio.current_task()
                assert task is not None
                asyncio.get_running_loop().call_soon(task.cancel)
                await asyncio.sleep(PATIENCE)
            if self.how == "exit":
                raise SystemExit(3)
            await asyncio.sleep(PATIENCE)
        return Speller().propose(requests)


class SixtyFourTwice:
    """64 requests at once, and once more when they are answered."""

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy"), "scorer": Need("scorer")}

    async def search(self, problem: Problem, env: Env) -> None:
        for _ in range(2):
            families = await env.propose([env.root] * 64, 1)
            [children] = await env.propose([families[0][0]], 1)
            while not env.finished(children[0]):
                [children] = await env.propose(children, 1)
            for child, score in zip(children, await env.score(children), strict=True):
                env.offer(child, score)


@pytest.mark.parametrize("how", ["raise", "cancel", "cancel the task", "exit", "hang"])
@pytest.mark.parametrize("concurrency", [4, 32])
def test_one_of_64_requests_that_fails_costs_itself_and_the_next_64_run(how: str, concurrency: int) -> None:
    call = CallSettings(concurrency=concurrency, retries=0, deadline=0.5 if how == "hang" else None)
    search = component("search", SixtyFourTwice)
    policy = component("policy", OneOfSixtyFour, call, how=how)
    [solution] = solve(pipeline(policy=policy, search=search, count=1)).values()
    cost = solution.cost["policy"]
    # 64 and then 3 more steps to the end of one answer, twice; one of all these failed
    assert (solution.error, cost["calls"], cost["candidates"], cost["failed_calls"]) == (None, 134, 133, 1)


def test_a_limiter_outlives_a_run_that_is_torn_down_in_mid_flight() -> None:
    class Stopped(Exception):
        pass

    def stop(solution: Solution) -> None:
        raise Stopped

    spec = beam_of(64, component("policy", Gauge, CallSettings(concurrency=8)), component("scorer", Vowels))
    with pytest.raises(Stopped):
        run_local(spec, ListFeed(Words(count=64).problems()), stop)
    assert all(made.error is None for made in solve(spec).values())
    assert Gauge.most == 8
