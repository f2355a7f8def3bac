"""Engine overhead: what a search engine itself costs when policy and reward cost nothing.

Every search of treewright beside treequest, its_hub and llm-reasoners, where they have it too, on the
same machine in the same run, repeats interleaved, CPU seconds of the whole process. Memory is
measured in runs of its own, so that tracing allocations does not disturb the times.

    python benchmarks/engine_overhead.py --peers .benchmarks-venv/bin/python --json overhead.json
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from overhead_bars import Bar, Ratio, bars, ratios
from overhead_worker import Measurement, Worker

OURS = "treewright"
_PEERS_MOST_MEMORY = 10_000  # nodes of peers in runs that measure bytes: tracing allocations is slow


class Case(NamedTuple):
    """A work of one system at one size (nodes or candidates asked for)."""

    system: str
    work: str
    size: int


def cases(sizes: list[int], workers: dict[str, Worker]) -> Iterator[Case]:
    """All cases, smallest first, ours beside the peers', each work as far as it is good for."""
    for size in sizes:
        for system, worker in workers.items():
            for work, most in worker.systems[system][1].items():
                if size <= most:
                    yield Case(system, work, size)


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


def show(table: list[dict[str, Any]], compared: list[Ratio], reached: list[Bar]) -> None:
    """The table for people."""
    cells = {(row["system"], row["work"], row["size"], row["metric"]): row["value"] for row in table}
    print(f"{'system':<14}{'work':<34}{'size':>8}{'CPU us/node':>13}{'least–most':>16}{'bytes/node':>12}")
    for system, work, size, metric in cells:
        if metric != "cpu":
            continue
        spread = "–".join(f"{cells[system, work, size, f'cpu_{end}']:.1f}" for end in ("least", "most"))
        memory = cells.get((system, work, size, "memory"))
        shown = "" if memory is None else f"{memory:.0f}"
        print(f"{system:<14}{work:<34}{size:>8}{cells[system, work, size, 'cpu']:>13.2f}{spread:>16}{shown:>12}")
    print()
    for ratio in compared:
        print(f"{ratio.name:<78}{ratio.value:>9.4g}")
    print()
    for bar in reached:
        word = "met" if bar.met else "NOT MET"
        print(f"{bar.name:<78}{bar.value:>9.4g}   bar ≤ {bar.limit:<8.4g}{word}")


def main() -> int:
    """Measure, print, write."""
    options = _options()
    sizes = sorted(int(size) for size in options.sizes.split(","))
    ours = Worker(sys.executable, "engine_overhead_ours.py")
    workers = {OURS: ours}
    if options.peers:
        peers = Worker(options.peers, "engine_overhead_peers.py")
        workers |= dict.fromkeys(peers.systems, peers)
    versions = {system: worker.systems[system][0] for system, worker in workers.items()}
    try:
        wanted = [case for case in cases(sizes, workers) if options.only is None or case.work.startswith(options.only)]
        table = rows(measure(workers, wanted, options.repeats, "cpu"), versions, "cpu", "us/node", 1e6)
        traced = [case for case in wanted if case.system == OURS or case.size <= _PEERS_MOST_MEMORY]
        table += rows(measure(workers, traced, 1, "bytes"), versions, "memory", "bytes/node", 1.0)
    finally:
        for worker in workers.values():
            worker.close()
    reached, compared = list(bars(table)), list(ratios(table))
    show(table, compared, reached)
    table += [figure.row(versions[OURS]) for figure in (*compared, *reached)]
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--peers", metavar="PYTHON", help="a Python that has treequest, its_hub, llm-reasoners")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    parser.add_argument("--only", metavar="WORK", help="only works that begin with this, e.g. mcts")
    parser.add_argument("--sizes", default="1000,10000,100000", help="nodes (default: 1000,10000,100000)")
    parser.add_argument("--repeats", type=int, default=5, help="interleaved repeats (3 at 100k; default: 5)")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
