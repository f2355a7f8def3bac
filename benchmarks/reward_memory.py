"""What it saves that a reward model keeps what it has read: the same searches with and without, in one run.

    python benchmarks/reward_memory.py [--problems 32] [--json FILE]

Searches of the embedded world with the shipped models; ``scorer.cache_mib`` 512 (the default) against 0. ``ratio``:
CPU time of the whole run without memory over that with it, so everything else that a search does dilutes it; ``answers
kept``: share of problems with the same answer; ``score difference``: the largest, of the chosen answers.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from treewright import load_pipeline, run_pipeline

SEARCHES: dict[str, tuple[str, list[str]]] = {
    "beam, width 4": ("math/beam", []),
    "mcts": ("math/mcts", []),
    "mcts, one problem at a time": ("math/mcts", ["live=1"]),
    "mcts, facts given": ("math/mcts", ["task.facts=given"]),
    "r2, coarse and fine": ("math/r2", []),
    "r2, 3 worked problems": ("math/r2", ["policy.policy.problems=3", "scorer.scorer.problems=3"]),
}
SHARED = ["budget.generated_tokens=800", "budget.candidates=1000"]


class Run(NamedTuple):
    """One run of a search."""

    seconds: float
    records: dict[str, dict[str, Any]]


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=32)
    parser.add_argument("--searches", nargs="+", choices=tuple(SEARCHES), default=list(SEARCHES))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in options.searches:
        with tempfile.TemporaryDirectory() as folder:
            warm_up(name, Path(folder))
            kept, fresh = (run(name, room, options.problems, Path(folder)) for room in (512, 0))
        rows += compared(name, options.problems, kept, fresh)
        print("  ".join([f"{name:28}", *(f"{row['metric']} {row['value']:.3g}" for row in rows[-4:])]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def warm_up(name: str, out: Path) -> None:
    """Imports and files are paid for before the first run that counts."""
    run(name, 0, 1, out / "warm")


def run(name: str, room: int, problems: int, out: Path) -> Run:
    """A search with so much memory for its reward model."""
    pipeline, settings = SEARCHES[name]
    scorer = "scorer.reward" if pipeline == "math/r2" else "scorer"
    settings = [*settings, *SHARED, f"task.count={problems}", f"{scorer}.cache_mib={room}"]
    loaded = load_pipeline(pipeline, overrides=settings)
    began = time.process_time()
    run_pipeline(loaded, out / str(room))
    seconds = time.process_time() - began
    lines = (out / str(room) / "results.jsonl").read_bytes().split(b"\n")[:-1]
    return Run(seconds, {record["id"]: record for record in map(json.loads, lines)})


def compared(name: str, problems: int, kept: Run, fresh: Run) -> Sequence[dict[str, Any]]:
    """Rows of the benchmark's JSON."""
    same = [id_ for id_, record in kept.records.items() if record["answer"] == fresh.records[id_]["answer"]]
    gaps = [abs(kept.records[id_]["score"] - fresh.records[id_]["score"]) for id_ in same]
    found = {
        "CPU time with memory": (kept.seconds / problems, "s a problem"),
        "ratio": (fresh.seconds / kept.seconds, "ratio"),
        "answers kept": (len(same) / len(kept.records), "share"),
        "score difference": (max(gaps), "score"),
    }
    head = {"system": "treewright", "version": version("treewright-math"), "work": name, "size": problems}
    return [{**head, "metric": metric, "value": value, "unit": unit} for metric, (value, unit) in found.items()]


if __name__ == "__main__":
    main()
