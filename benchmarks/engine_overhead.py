"""Engine overhead: what a search engine itself costs when policy and reward cost nothing.

treewright beside treequest (Monte-Carlo tree search) and its_hub (best-of-n, beam) on the same
machine in the same run, repeats interleaved, CPU seconds of the whole process. Memory is measured
in runs of its own, so that tracing allocations does not disturb the times.

    python benchmarks/engine_overhead.py --peers .benchmarks-venv/bin/python --json overhead.json
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from overhead_bars import Bar, bars
from overhead_worker import Measurement, Worker

OURS = "treewright"
BEST_OF_N = "best-of-n"
ENDPOINT = "best-of-n, endpoint, n requests"
ONE_REQUEST = "best-of-n, endpoint, one request"
LIMITED = "best-of-n, limit 32"
UNLIMITED = "best-of-n, no limit"
_MOST_MEMORY = 10_000  # nodes in runs that measure bytes: tracing allocations is slow


class Case(NamedTuple):
    """A work of one system at one size (nodes or candidates asked for)."""

    system: str
    work: str
    size: int


def cases(sizes: list[int], with_peers: bool) -> Iterator[Case]:
    """All cases, smallest first, ours beside the peers'; treequest is quadratic, so it stays small."""
    for size in sizes:
        for work in ("mcts", "beam", BEST_OF_N, ENDPOINT, ONE_REQUEST):
            yield Case(OURS, work, size)
        if with_peers:
            yield from _peers(size)


def _peers(size: int) -> Iterator[Case]:
    if size <= 1_000:
        yield Case("treequest", "mcts", size)
        yield Case("treequest", "mcts", 2 * size)
    if size <= 10_000:
        for work in ("beam", LIMITED, UNLIMITED):
            yield Case("its_hub", work, size)


def measure(
    workers: dict[str, Worker], wanted: Iterable[Case], repeats: int, what: str
) -> dict[Case, list[Measurement]]:
    """Measurements by case; each repeat goes once over all cases, after a round that does not count."""
    wanted = list(wanted)
    smallest = min(case.size for case in wanted)
    found: dict[Case, list[Measurement]] = {case: [] for case in wanted}
    for case in wanted:
        if case.size == smallest:  # imports and first calls
            workers[case.system].measure(*case, what)
    for repeat in range(repeats):
        for case in wanted:
            if repeat < 3 or case.size < 100_000:
                found[case].append(workers[case.system].measure(*case, what))
    return found


def rows(
    found: dict[Case, list[Measurement]], versions: dict[str, str], metric: str, unit: str, scale: float
) -> list[dict[str, Any]]:
    """Median, smallest and largest amount per node of each case."""
    table = []
    for case, measurements in found.items():
        amounts = [scale * each.amount / each.units for each in measurements]
        for name, value in (
            (metric, statistics.median(amounts)),
            (f"{metric}_least", min(amounts)),
            (f"{metric}_most", max(amounts)),
        ):
            table.append(_row(case, versions, name, value, unit))
    return table


def _row(case: Case, versions: dict[str, str], metric: str, value: float, unit: str) -> dict[str, Any]:
    return {
        "system": case.system,
        "version": versions[case.system],
        "work": case.work,
        "size": case.size,
        "metric": metric,
        "value": round(value, 4),
        "unit": unit,
    }


def show(table: list[dict[str, Any]], reached: list[Bar]) -> None:
    """The table for people."""
    cells = {(row["system"], row["work"], row["size"], row["metric"]): row["value"] for row in table}
    print(f"{'system':<12}{'work':<34}{'size':>8}{'CPU us/node':>13}{'least–most':>16}{'bytes/node':>12}")
    for system, work, size, metric in cells:
        if metric != "cpu":
            continue
        spread = "–".join(f"{cells[system, work, size, f'cpu_{end}']:.1f}" for end in ("least", "most"))
        memory = cells.get((system, work, size, "memory"))
        shown = "" if memory is None else f"{memory:.0f}"
        print(f"{system:<12}{work:<34}{size:>8}{cells[system, work, size, 'cpu']:>13.2f}{spread:>16}{shown:>12}")
    print()
    for bar in reached:
        word = "met" if bar.met else "NOT MET"
        print(f"{bar.name:<78}{bar.value:>9.4g}   bar ≤ {bar.limit:<8.4g}{word}")


def main() -> int:
    """Measure, print, write."""
    options = _options()
    sizes = sorted(int(size) for size in options.sizes.split(","))
    workers = {OURS: Worker(sys.executable, "engine_overhead_ours.py")}
    if options.peers:
        peers = Worker(options.peers, "engine_overhead_peers.py")
        workers |= {"treequest": peers, "its_hub": peers}
    versions = {system: worker.versions[system] for system, worker in workers.items()}
    try:
        wanted = list(cases(sizes, bool(options.peers)))
        table = rows(measure(workers, wanted, options.repeats, "cpu"), versions, "cpu", "us/node", 1e6)
        small = [case for case in wanted if case.size <= _MOST_MEMORY]
        table += rows(measure(workers, small, 1, "bytes"), versions, "memory", "bytes/node", 1.0)
    finally:
        for worker in workers.values():
            worker.close()
    reached = list(bars(table))
    show(table, reached)
    table += [bar.row(versions[OURS]) for bar in reached]
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--peers", metavar="PYTHON", help="a Python that has treequest and its_hub")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    parser.add_argument("--sizes", default="1000,10000,100000", help="nodes (default: 1000,10000,100000)")
    parser.add_argument("--repeats", type=int, default=5, help="interleaved repeats (3 at 100k; default: 5)")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
