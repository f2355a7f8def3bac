"""A long replay gives way: calls of other problems that are on their way do not become late."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from tests.engine.toys import Vowels, component, pipeline
from tests.run.paid_parts import Inline, paid
from tests.run.running import results, run
from treewright.pipeline import CallSettings
from treewright_registry import TO_END, Env, Need, Problem, Score, ScoreRequest

CALLS = 8_000  # replayed in some 0.3 s
DEADLINE = 0.25


class SlowForOthers:
    """Answers problem w0 at once and the others after a while, in many small steps; not journalled."""

    journalled = False
    level = "step"
    range = (0.0, 1.0)
    link = "real"

    async def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        for _ in range(0 if requests[0].trajectory.problem.id == "w0" else 2):
            await asyncio.sleep(0.005)
        return Vowels().score(requests)


class LongForOne:
    """Scores an answer; for problem w0 then asks thousands of times."""

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy"), "scorer": Need("scorer")}

    async def search(self, problem: Problem, env: Env) -> None:
        [[answer]] = await env.propose([env.root], 1, sampling=TO_END)
        [score] = await env.score([answer])
        for _ in range(CALLS if problem.id == "w0" else 0):
            await env.propose([env.root], 1)
        env.offer(answer, score)


def test_deadline_of_another_problem_is_kept_while_thousands_of_calls_are_replayed(tmp_path: Path) -> None:
    spec = pipeline(
        policy=component("policy", Inline, log=str(tmp_path / "log")),
        scorer=component("scorer", SlowForOthers, CallSettings(deadline=DEADLINE, retries=0)),
        search=component("search", LongForOne),
        count=2,
    )
    run(tmp_path / "out", spec)
    (tmp_path / "out" / "results.jsonl").unlink()
    before = len(paid(tmp_path / "log"))
    run(tmp_path / "out", spec, resume=True)
    assert len(paid(tmp_path / "log")) == before == CALLS + 2
    assert [(record["error"], record["failed_calls"]) for record in results(tmp_path / "out")] == [(None, [])] * 2
