"""The long forms of the reliability tests: ``make soak``."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.engine.test_batch_invariance import AGGREGATORS, REVISING, SEARCHES
from tests.engine.toys import Rewriter, Speller, component, pipeline, solve, timeless
from treewright.pipeline import CallSettings
from treewright_registry import Key, Proposals, ProposeRequest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("aggregator", AGGREGATORS)
@pytest.mark.parametrize("search", SEARCHES)
def test_two_workers_equal_one_for_every_search_and_aggregator(search: str, aggregator: str) -> None:
    spec = pipeline(
        search=SEARCHES[search],
        aggregator=AGGREGATORS[aggregator],
        policy=component("policy", Rewriter if search in REVISING else Speller),
        budget={"candidates": 40},
        count=200,
    )
    one, two = solve(spec), solve(spec, workers=2)
    assert {id_: timeless(one[id_]) for id_ in one} == {id_: timeless(two[id_]) for id_ in one}


class Faulty:
    """An endpoint where one request in twenty fails for good and one in five at its first attempt."""

    def __init__(self) -> None:
        self.attempts: dict[int, int] = {}

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        seed = requests[0].seed
        self.attempts[seed] = self.attempts.get(seed, 0) + 1
        draw = Key.root(seed, "fault").uniform()
        if draw < 0.05 or (draw < 0.25 and self.attempts[seed] == 1):
            raise ConnectionError("reset by peer")
        return Speller().propose(requests)


def test_a_thousand_problems_over_a_faulty_endpoint_are_answered_or_recorded() -> None:
    policy = component("policy", Faulty, CallSettings(concurrency=16, retries=1))
    solutions = solve(pipeline(policy=policy, count=1000, live=256))
    assert len(solutions) == 1000
    failed = [solution for solution in solutions.values() if solution.error is not None]
    assert 20 <= len(failed) <= 90  # one request each: five in a hundred are lost for good
    assert all("ConnectionError: reset by peer" in str(solution.error) for solution in failed)


ARGUMENTS = ["run", "puzzle/mcts", "--set", "task.count=60", "--set", "live=4"]


def treewright(folder: Path, *more: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "treewright", *ARGUMENTS, "--out", str(folder), *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def lines(folder: Path) -> list[dict[str, object]]:
    rows = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    for row in rows:
        row.pop("seconds")
        for counters in row["cost"].values():
            counters.pop("seconds")
    return rows


@pytest.mark.parametrize("workers", ["1", "2"])
def test_runs_killed_at_random_moments_and_resumed_equal_an_uninterrupted_one(tmp_path: Path, workers: str) -> None:
    whole = treewright(tmp_path / "whole")
    assert whole.wait(timeout=120) == 0
    moments = random.Random(11)
    for attempt in range(12):
        folder = tmp_path / f"killed-{attempt}"
        process = treewright(folder, "--workers", workers)
        time.sleep(moments.uniform(0.3, 2.5))
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        resume = ["--resume"] if (folder / "config.yaml").exists() else []
        again = treewright(folder, "--workers", workers, *resume)
        assert again.wait(timeout=120) == 0
        assert lines(folder) == lines(tmp_path / "whole")
