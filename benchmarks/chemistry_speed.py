"""How many candidate structures a second the embedded chemistry policy makes and scores.

    python benchmarks/chemistry_speed.py [--json runs/chemistry_speed.json] [--profile]

A candidate counts once it is distinct, has exactly the formula, is canonical and is scored against both
nuclei; rejects and duplicates are not counted. Molecules: every eighth of MolPuzzle's development part;
those of fewer than 2,000 isomers within reach end early, their seconds count all the same. The limit beside it is
RDKit alone on the same structures: reading a SMILES and writing the canonical one.

Peak memory is told twice: of a process that only makes and scores candidates, and of a whole run
(``treewright run chemistry/molpuzzle --limit 2``), which also holds the engine and the encoder's network.
"""

import argparse
import cProfile
import json
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

EVERY = 8
EVALUATIONS = 2000
BAR = 1500


class Measured(NamedTuple):
    """One process's work: candidates, wall and CPU seconds, peak memory in MiB, RDKit's round trips a CPU second."""

    candidates: int
    seconds: float
    cpu_seconds: float
    memory: float
    round_trips: float
    large_rate: float


def main() -> int:
    """Measure one process, then two at the same time."""
    options = _arguments()
    if options.profile:
        _profile()
        return 0
    alone = _in_processes(1)
    both = _in_processes(2)
    rows = _rows(alone, both, run_memory())
    for row in rows:
        print(f"{row['system']:10} {row['work']:62} {row['value']:10.1f} {row['unit']}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def measure() -> Measured:
    """Bursts over the sample in this process."""
    from rdkit import Chem

    unknowns = _unknowns()
    _burst(unknowns[0], 100)  # imports and tables
    wall, cpu, found, large = time.perf_counter(), time.process_time(), [], []
    for unknown in unknowns:
        begin = time.perf_counter()
        result = _burst(unknown, EVALUATIONS)
        found.append(result)
        if result.evaluations == EVALUATIONS:
            large.append(EVALUATIONS / (time.perf_counter() - begin))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    texts = [each.smiles for result in found for each in result.best]
    begin = time.process_time()
    for text in texts:
        Chem.MolToSmiles(Chem.MolFromSmiles(text))
    trips = len(texts) / (time.process_time() - begin)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(sum(r.evaluations for r in found), wall, cpu, memory, trips, sum(large) / len(large))


def run_memory() -> float:
    """Peak memory of a whole run of two problems, in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "treewright", "run", "chemistry/molpuzzle", "--limit", "2", "--out", folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with code {process.returncode}")
    return usage.ru_maxrss / 1024


def _in_processes(number: int) -> list[Measured]:
    with ProcessPoolExecutor(number, get_context("spawn")) as pool:
        jobs = [pool.submit(measure) for _ in range(number)]
        return [job.result() for job in jobs]


def _unknowns() -> list[Any]:
    from treewright_chemistry.molpuzzle import MolPuzzle
    from treewright_chemistry.substructure_file import shipped_substructures
    from treewright_chemistry.unknowns import Unknowns

    unknowns = Unknowns(shipped_substructures(), network=False)
    return [unknowns.of(problem.prompt) for problem in list(MolPuzzle().problems())[::EVERY]]


def _burst(unknown: Any, evaluations: int) -> Any:
    from treewright_chemistry.burst import BurstOptions, burst

    return burst(
        unknown.composition,
        unknown.fit,
        seed=1,
        evaluations=evaluations,
        kit=unknown.kit,
        options=BurstOptions(islands=2),
        keep=200,
    )


def _rows(alone: Sequence[Measured], both: Sequence[Measured], run: float) -> list[dict[str, Any]]:
    one, two = alone[0], both
    figures = [
        ("candidates, one process", one.candidates / one.seconds, "1/s"),
        ("candidates, one process, of CPU time", one.candidates / one.cpu_seconds, "1/s"),
        ("candidates, molecules that reach the limit, mean", one.large_rate, "1/s"),
        ("candidates, two processes together", sum(each.candidates / each.seconds for each in two), "1/s"),
        ("peak memory, candidates alone", max(each.memory for each in two), "MiB"),
        ("peak memory, a whole run with the encoder", run, "MiB"),
        (f"bar of {BAR} a core: share reached", one.candidates / one.seconds / BAR, ""),
        ("share of RDKit's own rate of reading and writing", one.candidates / one.cpu_seconds / one.round_trips, ""),
    ]
    rows = [_row("treewright", version("treewright-chemistry"), *figure) for figure in figures]
    limit = ("reading and writing a canonical SMILES, of CPU time", one.round_trips, "1/s")
    return [*rows, _row("rdkit", version("rdkit"), *limit)]


def _row(system: str, release: str, work: str, value: float, unit: str) -> dict[str, Any]:
    return {
        "system": system,
        "version": release,
        "work": work,
        "size": EVALUATIONS,
        "metric": "rate" if unit == "1/s" else "memory" if unit else "ratio",
        "value": value,
        "unit": unit,
    }


def _profile() -> None:
    unknowns = _unknowns()
    _burst(unknowns[0], 100)
    profile = cProfile.Profile()
    profile.enable()
    for unknown in unknowns:
        _burst(unknown, EVALUATIONS)
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--profile", action="store_true", help="print where the time goes instead")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
