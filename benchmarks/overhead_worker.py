"""Measure works in a process of their own: one line of JSON in, one line out.

A system's worker runs in that system's environment and stays alive, so that repeats of several
systems can be interleaved without paying for imports. Standard library only.
"""

import contextlib
import gc
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

Run = Callable[[], int]  # does the work, returns how many nodes or candidates it made
Prepare = Callable[[int], Run]  # makes a run of the given size


class Measurement(NamedTuple):
    """What one run cost.

    Attributes:
        amount: CPU seconds of the whole process (all threads), or bytes at the run's peak.
        units: nodes or candidates made.
    """

    amount: float
    units: int


class Worker:
    """A worker process as its client sees it."""

    def __init__(self, python: str, script: str) -> None:
        path = Path(__file__).with_name(script)
        self._process = subprocess.Popen([python, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        #: system → its version, and its works with the most nodes that each is good for
        self.systems: dict[str, tuple[str, dict[str, int]]] = self._receive()

    def measure(self, system: str, work: str, size: int, what: str) -> Measurement:
        """One run; ``what`` is ``cpu`` or ``bytes``."""
        assert self._process.stdin is not None
        print(json.dumps([system, work, size, what]), file=self._process.stdin, flush=True)
        return Measurement(*self._receive())

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _receive(self):  # noqa: ANN202 - whatever JSON the worker sent
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"worker ended with exit code {self._process.wait()}; see its message above")
        return json.loads(line)


def serve(works: Mapping[tuple[str, str], tuple[Prepare, int]]) -> None:
    """The worker's side: answer requests until standard input ends.

    Args:
        works: (system, work) → how it is prepared, and the most nodes that it is good for. Systems that
            are not installed are left out.
    """
    print(json.dumps(_installed(works)), flush=True)
    for line in sys.stdin:
        system, work, size, what = json.loads(line)
        run = works[system, work][0](size)
        measured = _cpu(run) if what == "cpu" else _bytes(run)
        print(json.dumps(measured), flush=True)


def _installed(works: Mapping[tuple[str, str], tuple[Prepare, int]]) -> dict[str, tuple[str, dict[str, int]]]:
    found: dict[str, tuple[str, dict[str, int]]] = {}
    for (system, work), (_, most) in works.items():
        with contextlib.suppress(PackageNotFoundError):
            found.setdefault(system, (version(system), {}))[1][work] = most
    return found


def _cpu(run: Run) -> Measurement:
    gc.collect()
    begin = time.process_time()
    units = run()
    return Measurement(time.process_time() - begin, units)


def _bytes(run: Run) -> Measurement:
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    units = run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Measurement(peak - before, units)
