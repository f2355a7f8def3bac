"""How busy the scheduler keeps policy and scorer, at 1 to 256 live problems and realistic latencies.

A policy behind an endpoint (log-normal, 300 ms on average, at most 256 requests at once) and a scorer on a thread
(60 ms a batch of up to 64). Both sleep, so the figures do not depend on the machine. Beside treewright run two ways of
doing it without a scheduler, with the same components: one problem after another, and lockstep (all live
problems propose, all wait for the slowest, then all are scored).

The limit is the largest of: the policy's seconds / 256, the scorer's full batches, the sum of all problems' longest
paths / live, and the longest path. No schedule can be faster; whether one reaches it depends on the tail.

    python benchmarks/scheduler_busy.py --json busy.json
"""

import argparse
import asyncio
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import busy_parts
from busy_parts import BATCH, PATHS, SCORER_SECONDS, STEPS, Questions, SlowPolicy, SlowScorer, Together, seconds_of

from treewright import __version__
from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.pipeline import CallSettings, ComponentSpec, PipelineSpec
from treewright_registry import Descriptor, Key

SLOTS = 256


class Run(NamedTuple):
    """One way of doing the work, measured.

    Attributes:
        system: who did it.
        live: problems at once.
        problems: how many were solved.
        wall: seconds it took.
        limit: seconds that no schedule can beat.
        policy_busy: the policy's seconds / (256 slots × wall).
        scorer_busy: the scorer's seconds / wall.
        fill: mean share of a batch that was filled.
    """

    system: str
    live: int
    problems: int
    wall: float
    limit: float
    policy_busy: float
    scorer_busy: float
    fill: float


def measure(system: str, live: int, problems: int, work: Callable[[int, int], None]) -> Run:
    """Run ``work(problems, live)`` and compare it with the limit of what it asked for."""
    record = busy_parts.fresh()
    begin = time.perf_counter()
    work(problems, live)
    wall = time.perf_counter() - begin
    paths = [sum(rounds.values()) + STEPS * SCORER_SECONDS for rounds in record.rounds.values()]
    full = math.ceil(record.scored / BATCH) * SCORER_SECONDS
    limit = max(record.policy / SLOTS, full, sum(paths) / live, max(paths))
    scorer = record.batches * SCORER_SECONDS
    fill = record.scored / record.batches / BATCH
    return Run(system, live, problems, wall, limit, record.policy / SLOTS / wall, scorer / wall, fill)


def ours(problems: int, live: int) -> None:
    """The engine."""
    solutions: list[Solution] = []
    spec = PipelineSpec(
        task=_part("task", Questions, count=problems),
        search=_part("search", Together),
        aggregator=_part("aggregator", Best),
        roles={
            "policy": _part("policy", SlowPolicy, CallSettings(concurrency=SLOTS)),
            "scorer": _part("scorer", SlowScorer, CallSettings(batch=BATCH)),
        },
        live=live,
    )
    run_local(spec, ListFeed(Questions(count=problems).problems()), solutions.append)
    assert len(solutions) == problems and not any(solution.error for solution in solutions)


def _part(kind: str, cls: type[Any], call: CallSettings = CallSettings(), **options: Any) -> ComponentSpec:  # noqa: B008
    return ComponentSpec(Descriptor(kind, f"bench/{cls.__name__.lower()}", cls), options, call)


def one_after_another(problems: int, live: int) -> None:
    """Each problem by itself, its paths together."""

    async def solve(problem: int) -> None:
        for step in range(STEPS):
            await asyncio.gather(*(_propose(problem, step, path) for path in range(PATHS)))
            await _score(PATHS)

    async def all_problems() -> None:
        for problem in range(problems):
            await solve(problem)

    asyncio.run(all_problems())


def lockstep(problems: int, live: int) -> None:
    """``live`` problems as one batch, which goes on when its slowest request is answered."""

    async def batch(first: int, last: int) -> None:
        for step in range(STEPS):
            wanted = [_propose(problem, step, path) for problem in range(first, last) for path in range(PATHS)]
            for start in range(0, len(wanted), SLOTS):  # as many as the endpoint takes
                await asyncio.gather(*wanted[start : start + SLOTS])
            await _score((last - first) * PATHS)

    async def all_batches() -> None:
        for first in range(0, problems, live):
            await batch(first, min(first + live, problems))

    asyncio.run(all_batches())


async def _propose(problem: int, step: int, path: int) -> None:
    seconds = seconds_of(Key.root(0, problem, step, path).seed)
    busy_parts.record.called(str(problem), step, seconds)
    await asyncio.sleep(seconds)


async def _score(count: int) -> None:
    for start in range(0, count, BATCH):
        busy_parts.record.batches += 1
        busy_parts.record.scored += min(BATCH, count - start)
        await asyncio.to_thread(time.sleep, SCORER_SECONDS)


def problems_for(live: int) -> int:
    """Enough for a steady state, few enough for a coffee."""
    return max(8, min(4 * live, live + 256))


def rows(run: Run) -> list[dict[str, Any]]:
    """The run as rows of results."""
    version = __version__ if run.system == "treewright" else "simulated"
    figures = {
        "problems_per_second": (run.problems / run.wall, "1/s"),
        "wall": (run.wall, "s"),
        "limit": (run.limit, "s"),
        "wall_over_limit": (run.wall / run.limit, "ratio"),
        "policy_busy": (run.policy_busy, "share"),
        "policy_busy_at_limit": (run.policy_busy * run.wall / run.limit, "share"),
        "scorer_busy": (run.scorer_busy, "share"),
        "scorer_batch_fill": (run.fill, "share"),
    }
    same = {"system": run.system, "version": version, "work": "4 paths of 4 steps, scored", "size": run.live}
    return [{**same, "metric": name, "value": round(value, 4), "unit": unit} for name, (value, unit) in figures.items()]


def show(run: Run) -> None:
    """A line for people."""
    speed = run.problems / run.wall
    print(
        f"{run.system:<20}{run.live:>5}{run.problems:>9}{speed:>12.2f}{run.wall:>8.2f}{run.limit:>8.2f}"
        f"{run.wall / run.limit:>12.3f}{run.policy_busy:>13.1%}{run.scorer_busy:>13.1%}{run.fill:>8.1%}",
        flush=True,
    )


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    parser.add_argument("--live", default="1,16,64,256", help="live problems (default: 1,16,64,256)")
    options = parser.parse_args()
    print(
        f"{'system':<20}{'live':>5}{'problems':>9}{'problems/s':>12}{'wall s':>8}{'limit s':>8}{'wall/limit':>12}"
        f"{'policy busy':>13}{'scorer busy':>13}{'fill':>8}"
    )
    table: list[dict[str, Any]] = []
    for live in map(int, options.live.split(",")):
        systems: dict[str, Callable[[int, int], None]] = {"treewright": ours}
        systems |= {"one after another": one_after_another} if live == 1 else {"lockstep": lockstep}
        for system, work in systems.items():
            run = measure(system, live, problems_for(live), work)
            show(run)
            table += rows(run)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
