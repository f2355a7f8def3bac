"""The end of a run over recorded samples: what each selection makes of them, in words and as ``curves.json``."""

import json
from collections.abc import Sequence
from pathlib import Path

from treewright_math.recorded.curves import Point, curves
from treewright_math.recorded.judging import Known
from treewright_math.recorded.sample_counts import faults_text, rewards_text
from treewright_math.recorded.selections import Judged, figures_text, selections

FILE = "curves.json"
_SHOWN = ("mean", "pass_at_1", "majority", "best", "weighted_vote", "oracle")


def presented(
    judged: Sequence[Sequence[Judged]], problems: Sequence[Known], ungraded: Sequence[Known], folder: Path
) -> str:
    """What a reader of the run should know; writes the curves into the folder if there are any labels.

    Args:
        judged: the samples of each problem that can be judged; empty for a row that could not be read.
        problems: all problems that could be read.
        ungraded: those of them that cannot be judged.
        folder: of the run.
    """
    lines = [*faults_text(problems), *rewards_text(problems), *_ungraded_text(ungraded, len(problems))]
    if any(judged):
        lines += ["of all stored samples:", figures_text(selections(judged), _SHOWN)]
        points = curves(judged)
        write_curves(folder / FILE, points, len(judged))
        lines += [f"by samples per problem (bands: {FILE}):", curves_text(points)]
    return "\n".join(lines)


def _ungraded_text(ungraded: Sequence[Known], problems: int) -> list[str]:
    """How many problems are in no figure, and why."""
    bare = sum(not problem.has_labels for problem in ungraded)
    partly = sum(any(sample.correct is None for sample in problem.samples) for problem in ungraded) - bare
    reasons = {
        "neither labels nor a reference": bare,
        "labels for some of their samples only, and no reference": partly,
        "no reference, which task.labels=math-verify needs": len(ungraded) - bare - partly,
    }
    return [f"{n} of {problems} problems have {why}: they are not graded" for why, n in reasons.items() if n]


def write_curves(path: Path, points: Sequence[Point], problems: int) -> None:
    """A list of ``{method, k, accuracy, low, high, n}``; n problems."""
    rows = [
        {"method": p.method, "k": p.k, "accuracy": p.value, "low": p.low, "high": p.high, "n": problems} for p in points
    ]
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def curves_text(points: Sequence[Point]) -> str:
    """A line for each method, a column for each budget, in per cent."""
    budgets = sorted({point.k for point in points})
    lines = [f"{'samples':<14} " + " ".join(f"{k:>8}" for k in budgets)]
    for method in dict.fromkeys(point.method for point in points):
        values = {point.k: point.value for point in points if point.method == method}
        lines.append(f"{method:<14} " + " ".join(f"{values[k]:>8.2%}" for k in budgets))
    return "\n".join(lines)
