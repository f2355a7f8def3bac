"""What the journal costs: time per call kept, speed of replay, bytes on disk.

The same search runs with and without its journal; the difference, divided by the calls, is what
keeping one costs (naming it, digest, encoding, commit). Beside it, on the same disk in the same
run, the physical limit: raw sqlite3 writing the very same rows in the same transactions.

    python benchmarks/journal_cost.py --json journal_cost.json
"""

import argparse
import gc
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from treewright.aggregators.best import Best
from treewright.engine.journal import prepare_journal
from treewright.engine.journal_file import JournalFile, Row
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.pipeline import CallSettings, ComponentSpec, PipelineSpec
from treewright_registry import (
    TO_END,
    Descriptor,
    Env,
    Need,
    Problem,
    Proposals,
    ProposeRequest,
    Score,
    Step,
    Trajectory,
    Usage,
    Verdict,
)

OURS, RAW = "treewright", "sqlite3"
BYTES = 600  # of a step's text
AIMS = {64: 40.0, 1: 120.0}  # microseconds a call, by calls a commit
_REQUEST_USAGE = Usage(prompt_tokens=400)


class Writer:
    """Steps of 600 bytes, for nothing, and yet worth keeping; inline, so that no thread blurs the times."""

    journalled = True

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([_step(request)], _REQUEST_USAGE) for request in requests]


def _step(request: ProposeRequest) -> Step:
    words = f"{request.seed:020d}, so x = {request.seed % 97}; "
    return Step((words * (BYTES // len(words) + 1))[:BYTES], -37.251953125, 150, "stop")


class Asks:
    """Asks for ``calls`` steps, ``together`` at a time; a commit follows each time."""

    needs: ClassVar[dict[str, Need]] = {"policy": Need("policy")}

    def __init__(self, *, calls: int, together: int) -> None:
        self.calls = calls
        self.together = together

    async def search(self, problem: Problem, env: Env) -> None:
        for _ in range(self.calls // self.together):
            families = await env.propose([env.root] * self.together, 1, sampling=TO_END)
        env.offer(families[0][0], Score(1.0))


class OneProblem:
    """A single problem."""

    def problems(self) -> list[Problem]:
        return [Problem("only", "go")]

    def extract(self, trajectory: Trajectory) -> int:
        return len(trajectory.text)

    def canonical(self, answer: int) -> int:
        return answer

    def grade(self, problem_id: str, answer: int) -> Verdict:
        return Verdict(None)


class Times(NamedTuple):
    """Seconds of one run."""

    wall: float
    cpu: float


def timed(work: Callable[[], Any]) -> Times:
    """What ``work`` takes, without the garbage of earlier works."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Times(time.perf_counter() - wall, time.process_time() - cpu)


def solve(calls: int, together: int, journal: Path | None) -> None:
    """The search, with its journal in ``journal`` or without one."""
    spec = PipelineSpec(
        task=_part("task", OneProblem),
        search=_part("search", Asks, calls=calls, together=together),
        aggregator=_part("aggregator", Best),
        roles={"policy": _part("policy", Writer)},
    )
    solutions: list[Solution] = []
    run_local(spec, ListFeed(OneProblem().problems()), solutions.append, journal=journal)
    assert solutions[0].error is None, solutions[0].error
    assert solutions[0].cost["policy"]["calls"] == calls


def _part(kind: str, cls: type[Any], **options: Any) -> ComponentSpec:
    return ComponentSpec(Descriptor(kind, f"bench/{cls.__name__.lower()}", cls), options, CallSettings(batch=64))


def write_raw(path: Path, rows: Sequence[Row], together: int) -> None:
    """The rows as raw sqlite3 writes them: one ``executemany`` a transaction."""
    connection = sqlite3.connect(path, isolation_level=None)
    insert = f"INSERT INTO calls VALUES ({', '.join('?' * len(Row._fields))})"
    connection.execute("PRAGMA synchronous = NORMAL")
    for begin in range(0, len(rows), together):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, rows[begin : begin + together])
        connection.execute("COMMIT")
    connection.close()


def read_raw(path: Path) -> None:
    """All rows as raw sqlite3 reads them."""
    connection = sqlite3.connect(path)
    for _ in connection.execute("SELECT * FROM calls"):
        pass
    connection.close()


def measure(folder: Path, calls: int, together: int) -> Iterator[tuple[str, str, float, str]]:
    """System, metric, value and unit of one repeat."""
    path, raw = folder / "journal.sqlite", folder / "raw.sqlite"
    prepare_journal(path, configuration="benchmark", version=version(OURS))
    JournalFile(raw).close()
    without = timed(lambda: solve(calls, together, None))
    kept = timed(lambda: solve(calls, together, path))
    replayed = timed(lambda: solve(calls, together, path))
    file = JournalFile(path)
    [rows] = [file.rows(places) for places in file.places().values()]
    file.close()
    assert len(rows) == calls
    written = timed(lambda: write_raw(raw, rows, together))
    read = timed(lambda: read_raw(raw))
    for metric in ("wall", "cpu"):
        ours = getattr(kept, metric) - getattr(without, metric)
        yield OURS, metric, 1e6 * ours / calls, "us/call"
        yield RAW, metric, 1e6 * getattr(written, metric) / calls, "us/call"
    yield OURS, "replay", calls / replayed.wall, "calls/s"
    yield RAW, "replay", calls / read.wall, "calls/s"
    yield OURS, "size", path.stat().st_size / calls, "bytes/call"
    yield RAW, "size", raw.stat().st_size / calls, "bytes/call"
    path.unlink()
    raw.unlink()


def table(repeats: int, calls: int, disk: Path | None) -> list[dict[str, Any]]:
    """Medians with the least and the most of each, repeats interleaved."""
    found: dict[tuple[int, str, str, str], list[float]] = {}
    for repeat in range(repeats + 1):
        for together in (64, 8, 1):
            with tempfile.TemporaryDirectory(dir=disk) as folder:
                for system, metric, value, unit in measure(Path(folder), calls - calls % 64, together):
                    if repeat:  # the first round does not count
                        found.setdefault((together, system, metric, unit), []).append(value)
    versions = {OURS: version(OURS), RAW: sqlite3.sqlite_version}
    rows = []
    for (together, system, metric, unit), values in found.items():
        row = {"system": system, "version": versions[system], "work": f"journal, {together} a commit", "size": calls}
        for name, value in (("", statistics.median(values)), ("_least", min(values)), ("_most", max(values))):
            rows.append({**row, "metric": metric + name, "value": round(value, 2), "unit": unit})
    return rows


def show(rows: Sequence[dict[str, Any]]) -> None:
    """The table for people."""
    cells = {(row["work"], row["system"], row["metric"]): row["value"] for row in rows}
    print(f"{'work':<24}{'system':<12}{'CPU us/call':>12}{'wall us/call':>14}{'replay calls/s':>16}{'bytes/call':>12}")
    for work, system, metric in cells:
        if metric == "cpu":
            cpu, wall, replay, size = (cells[work, system, name] for name in ("cpu", "wall", "replay", "size"))
            print(f"{work:<24}{system:<12}{cpu:>12.1f}{wall:>14.1f}{replay:>16,.0f}{size:>12.0f}")
    print()
    for together, aim in AIMS.items():
        for metric in ("cpu", "wall"):
            value = cells[f"journal, {together} a commit", OURS, metric]
            verdict = "met" if value <= aim else "NOT MET"
            print(f"{together:>2} a commit, {metric:<5} us/call{value:>8.1f}   aim ≤ {aim:<6g}{verdict}")


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    parser.add_argument("--repeats", type=int, default=5, help="interleaved repeats (default: 5)")
    parser.add_argument("--calls", type=int, default=10_000, help="calls of a run (default: 10000)")
    parser.add_argument("--disk", type=Path, metavar="FOLDER", help="where to write (default: the temporary folder)")
    options = parser.parse_args()
    rows = table(options.repeats, options.calls, options.disk)
    show(rows)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
