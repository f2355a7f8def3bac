"""Run variants of a pipeline through the command line, and compare them problem by problem.

A variant's run folder stays, so that a comparison that was cut off goes on where it stopped. A folder of
other settings is refused by ``treewright run --resume``; after a change of code, delete it.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from treewright.run.intervals import paired_proportions, wilson

SHARES = {"top_10": "top-10 %", "outranked": "outranked %", "not_found": "not found %"}
"""Metrics shown where the task has them, and their titles."""
DONE = (0, 1)  # all problems solved, or some failed and recorded


@dataclass(frozen=True, slots=True)
class Variant:
    """One method to compare.

    Attributes:
        name: as shown in the table, and of its folder.
        pipeline: name of a pipeline or a file.
        settings: dotted path → value, as after ``--set``.
    """

    name: str
    pipeline: str
    settings: Mapping[str, Any]

    def command(self, out: Path, workers: int, limit: int | None) -> list[str]:
        """The command that runs it."""
        words = ["run", self.pipeline, "--out", str(out), "--workers", str(workers)]
        for key, value in self.settings.items():
            words += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
        return words + (["--limit", str(limit)] if limit else [])


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run: its records by problem, and its summary."""

    variant: Variant
    records: Mapping[str, Mapping[str, Any]]
    summary: Mapping[str, Any]

    @property
    def correct(self) -> list[bool]:
        """Whether each problem was solved, in the order of the ids."""
        return [bool(self.records[id_]["correct"]) for id_ in sorted(self.records)]

    def accuracy(self) -> tuple[float, float, float]:
        """Share of solved problems and Wilson's interval."""
        right, n = sum(self.correct), len(self.records)
        return right / n, *wilson(right, n)

    def metric(self, name: str) -> float:
        """A metric of the summary; NaN where the task has none of that name."""
        found = self.summary["metrics"].get(name)
        return float("nan") if found is None else float(found["value"])

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of the run for each problem, all workers together."""
        return float(self.summary["seconds"]) / len(self.records)

    def spent(self, counter: str) -> float:
        """Mean of a cost counter over the problems, all roles together."""
        sums: list[float] = [sum(role.get(counter, 0) for role in r["cost"].values()) for r in self.records.values()]
        return sum(sums) / len(sums)


def run(variant: Variant, folder: Path, *, workers: int, limit: int | None = None) -> Outcome:
    """Run a variant, or go on with the run in ``folder``; a finished one is only read again.

    Raises:
        RuntimeError: the run ended with a mistake in its configuration (the folder holds a run of other settings, for
            instance), or was stopped.
    """
    words = variant.command(folder, workers, limit) + (["--resume"] if folder.exists() else [])
    code = subprocess.run([sys.executable, "-m", "treewright", *words], check=False).returncode
    if code not in DONE:
        raise RuntimeError(f"{variant.name}: treewright {' '.join(words)} ended with exit code {code}")
    file = folder / "summary.json"
    lines = (folder / "results.jsonl").read_bytes().split(b"\n")[:-1]  # splitlines would cut at U+2028 too
    records = {record["id"]: record for record in map(json.loads, lines)}
    return Outcome(variant, records, json.loads(file.read_text(encoding="utf-8")))


def difference(first: Outcome, second: Outcome) -> tuple[float, float, float]:
    """Accuracy of ``first`` minus that of ``second`` on the same problems, with its interval.

    Raises:
        ValueError: the runs have other problems.
    """
    if first.records.keys() != second.records.keys():
        raise ValueError(f"{first.variant.name} and {second.variant.name} have other problems; compare equal sets")
    return paired_proportions(first.correct, second.correct)


def share(interval: Sequence[float], *, signed: bool = False) -> str:
    """A share with its interval in per cent, ``95.6 [90.8, 98.0]``."""
    value, low, high = (100 * each for each in interval)
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]" if signed else f"{value:.1f} [{low:.1f}, {high:.1f}]"


def table(outcomes: Sequence[Outcome], counter: str) -> str:
    """Accuracy, what a problem cost on average, and the paired difference to the first row."""
    first = outcomes[0]
    shown = [(name, title) for name, title in SHARES.items() if name in first.summary["metrics"]]
    titles = "".join(f" {title:>11}" for _, title in shown)
    lines = [f"{'variant':28} {'n':>4} {'right %':>20}{titles} {counter:>17} {'s/problem':>9}  minus first row"]
    for each in outcomes:
        gap = "" if each is first else share(difference(each, first), signed=True)
        lines.append(
            f"{each.variant.name:28} {len(each.records):4} {share(each.accuracy()):>20}"
            f"{''.join(f' {100 * each.metric(name):11.1f}' for name, _ in shown)} {each.spent(counter):17.0f}"
            f" {each.seconds:9.2f}  {gap}"
        )
    return "\n".join(lines)


def rows(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The table as rows of a benchmark's JSON."""
    found = []
    for each in outcomes:
        figures = {
            "top-1": each.accuracy()[0],
            "top-10": each.metric("top_10"),
            "inner evaluations": each.spent("inner_evaluations"),
            "seconds a molecule": each.seconds,
            "top-1 minus first row": difference(each, outcomes[0])[0],
        }
        work = {"system": "treewright", "version": _version(), "work": each.variant.name, "size": len(each.records)}
        found += [{**work, "metric": metric, "value": value, "unit": ""} for metric, value in figures.items()]
    return found


def _version() -> str:
    return version("treewright")
