"""Scorer ``math/recorded-step-scores``: step scores that stand in the file beside the steps."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from treewright_registry import Capability, Score, ScoreRequest

KEY = "stored_step_scores"
"""Where a problem's metadata hold them."""


class RecordedStepScores:
    """Replays a reward model's step scores, as far as the solution is written; the value is the least of them."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.STEP_SCORES, Capability.PARTIAL})
    level: ClassVar[Literal["step", "outcome"]] = "step"
    range: ClassVar[tuple[float, float]] = (float("-inf"), float("inf"))
    link: ClassVar[Literal["probability", "logit", "real"]] = "real"

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """Stored scores for each request."""
        return [_scored(request) for request in requests]


def _scored(request: ScoreRequest) -> Score:
    stored: Sequence[float] = request.trajectory.problem.metadata.get(KEY) or ()
    written = request.trajectory.depth
    if not 1 <= written <= len(stored):
        return Score(float("nan"), reason=f"{len(stored)} step scores are stored with this problem, {written} wanted")
    steps = tuple(float(value) for value in stored[:written])
    return Score(min(steps), steps)
