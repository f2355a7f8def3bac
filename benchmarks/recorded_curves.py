"""Accuracy against budget on stored samples: votes, best-of-n, oracle, each with a 95 % band.

Reads every file of recorded samples in a folder (or the files given), in any layout that ``math/recorded`` reads. Rows
that cannot be used are named and left out. ``--weakest 8`` keeps the samples of the eight models that are right least
often. Subsets are drawn without replacement; bands are a bootstrap over problems. Every run of ``math/recorded`` writes
such curves too, into ``curves.json``; here they have more budgets and subsets, and are drawn.

    python benchmarks/recorded_curves.py $TREEWRIGHT_DATA/math --json curves.json --svg docs/figures
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import curve_drawing

from treewright_math.data_files.rows import read_rows
from treewright_math.grading.grader import Grader
from treewright_math.recorded.curves import Point, curves
from treewright_math.recorded.judging import Judge, known
from treewright_math.recorded.layouts import RecordedProblem
from treewright_math.recorded.stored_problems import stored_problems
from treewright_registry import DataError

NAMES = ("math_cot_100.jsonl.gz", "llm_samples_gsm8k.jsonl.gz", "llm_samples_math_l5.jsonl.gz")
BUDGETS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
MOST_FAULTS = 10


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files themselves; of a folder those with known names, or all of them if it has none of these."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            known_ones = [path / name for name in NAMES if (path / name).is_file()]
            found += known_ones or sorted(path.glob("*.jsonl*"))
        else:
            found.append(path)
    return found


def recorded(path: Path) -> list[RecordedProblem]:
    """The problems of a file; what cannot be used is named on standard error.

    Raises:
        DataError: nothing can be used.
    """
    stored = stored_problems(read_rows(str(path), field="FILE"))
    faults = [each.fault for each in stored if each.problem is None]
    for fault in faults[:MOST_FAULTS]:
        print(f"left out: {fault}", file=sys.stderr)
    if len(faults) > MOST_FAULTS:
        print(f"left out: {len(faults) - MOST_FAULTS} rows more", file=sys.stderr)
    problems = [each.problem for each in stored if each.problem is not None]
    if not problems:
        raise DataError(f"{path}: no row holds a problem with stored solutions")
    return problems


def weakest(problems: Sequence[RecordedProblem], count: int) -> list[RecordedProblem]:
    """The problems with the samples of the models that are right least often."""
    labels: dict[str, list[bool]] = defaultdict(list)
    for problem in problems:
        for sample in problem.samples:
            labels[sample.model].append(bool(sample.correct))
    ranked = sorted(labels, key=lambda model: sum(labels[model]) / len(labels[model]))[:count]
    kept = [problem._replace(samples=tuple(s for s in problem.samples if s.model in ranked)) for problem in problems]
    return [problem for problem in kept if problem.samples]


def points_of(path: Path, problems: Sequence[RecordedProblem], draws: int) -> list[Point]:
    """The curves.

    Raises:
        DataError: nothing tells right from wrong.
    """
    grader = Grader()
    judged = [each for each in Judge("stored", grader).judged([known(problem) for problem in problems], str) if each]
    grader.close()
    if not judged:
        what = f"{path}: no problem has labels for its samples (correct) or a reference (answer)"
        raise DataError(f"{what}\n    without them nothing tells how often a selection is right")
    if len(judged) < len(problems):
        print(f"left out: {len(problems) - len(judged)} problems without labels and reference", file=sys.stderr)
    return curves(judged, sorted({*BUDGETS, min(map(len, judged))}), draws=draws)


def rows(work: str, size: int, points: Sequence[Point]) -> list[dict[str, Any]]:
    system = {"system": "treewright", "version": version("treewright-math"), "size": size}
    return [
        {
            **system,
            "work": f"{work}: {point.method}, k = {point.k}",
            "metric": name,
            "value": value,
            "unit": "share right",
        }
        for point in points
        for name, value in (("accuracy", point.value), ("accuracy_low", point.low), ("accuracy_high", point.high))
    ]


def table(work: str, points: Sequence[Point]) -> str:
    methods = list(dict.fromkeys(point.method for point in points))
    lines = [work, "     k  " + "".join(f"{name:>24}" for name in methods)]
    for k in sorted({point.k for point in points}):
        cells = {point.method: point for point in points if point.k == k}
        row = "".join(f"{100 * c.value:9.2f} [{100 * c.low:5.1f}, {100 * c.high:5.1f}]" for c in cells.values())
        lines.append(f"{k:6}  {row}")
    return "\n".join(lines)


def draw(path: Path, work: str, points: Sequence[Point]) -> None:
    """A line a method, samples per problem on a logarithmic axis."""
    lines = [
        curve_drawing.Curve(
            method, [curve_drawing.Point(p.k, p.value, p.low, p.high) for p in points if p.method == method]
        )
        for method in dict.fromkeys(point.method for point in points)
    ]
    axes, note = ("samples per problem", "share right"), "bands: 95 %, bootstrap over problems"
    curve_drawing.draw(path, work, axes, lines, logarithmic=True, note=note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, metavar="DIR|FILE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--svg", type=Path, metavar="DIR", help="draw a figure for each file there")
    parser.add_argument("--draws", type=int, default=64, help="subsets of each problem and budget (default 64)")
    parser.add_argument("--weakest", type=int, default=0, metavar="N", help="only the N weakest models' samples")
    options = parser.parse_args()
    try:
        show(options)
    except DataError as error:
        sys.exit(str(error))


def show(options: argparse.Namespace) -> None:
    found: list[dict[str, Any]] = []
    for path in files_of(options.paths):
        problems = recorded(path)
        if options.weakest and all(sample.model for problem in problems for sample in problem.samples):
            problems = weakest(problems, options.weakest)
        work = path.name.split(".")[0] + (f", {options.weakest} weakest models" if options.weakest else "")
        points = points_of(path, problems, options.draws)
        print(table(work, points), end="\n\n", flush=True)
        found += rows(work, len(problems), points)
        if options.svg:
            draw(options.svg / f"recorded_{path.name.split('.')[0]}.svg", work, points)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
