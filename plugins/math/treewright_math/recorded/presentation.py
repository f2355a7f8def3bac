"""The end of a run over recorded samples: what each selection makes of them, in words and as ``curves.json``."""

import json
from collections.abc import Sequence
from pathlib import Path

from treewright_math.recorded.curves import Point, curves
from treewright_math.recorded.judging import Known
from treewright_math.recorded.selections import Judged, figures_text, selections

FILE = "curves.json"
_SHOWN = ("mean", "pass_at_1", "majority", "best", "weighted_vote", "oracle")


def presented(judged: Sequence[Sequence[Judged]], problems: Sequence[Known], folder: Path) -> str:
    """What a reader of the run should know; writes the curves into the folder if there are any labels.

    Args:
        judged: the samples of each problem that can be judged; empty for a row that could not be read.
        problems: all problems that could be read.
        folder: of the run.
    """
    lines = [*rewards_text(problems)]
    ungraded = len(problems) - sum(map(bool, judged))
    if ungraded:
        lines.append(f"{ungraded} of {len(problems)} problems have neither labels nor a reference: they are not graded")
    if any(judged):
        lines += ["of all stored samples:", figures_text(selections(judged), _SHOWN)]
        points = curves(judged)
        write_curves(folder / FILE, points, len(judged))
        lines += [f"by samples per problem (bands: {FILE}):", curves_text(points)]
    return "\n".join(lines)


def rewards_text(problems: Sequence[Known]) -> list[str]:
    """Which samples have no reward, and what decides there; nothing if all have one."""
    scores = [[sample.score is not None for sample in problem.samples] for problem in problems]
    samples, without = sum(map(len, scores)), sum(not scored for problem in scores for scored in problem)
    if not without:
        return []
    if without == samples:
        return ["no sample has a stored reward: by default the most frequent answer wins"]
    bare = sum(not any(problem) for problem in scores)
    lines = [f"{without} of {samples} samples have no stored reward: they lose to those that have one"]
    if bare:
        lines.append(
            f"{bare} of {len(scores)} problems have none at all: by default the most frequent answer wins there"
        )
    return lines


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
