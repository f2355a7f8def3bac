"""Scorer ``math/recorded-score``: the reward that was stored with a sample."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from treewright_math.recorded.samples import replayed
from treewright_registry import Score, ScoreRequest


class RecordedScore:
    """Gives each replayed solution its stored reward.

    Args:
        missing: what becomes of a sample without one: ``fail`` gives a failed score, which loses against every other
            and has no weight in votes; ``zero`` gives 0, which beats negative rewards: for files without any.
    """

    level: ClassVar[Literal["step", "outcome"]] = "outcome"
    range: ClassVar[tuple[float, float]] = (float("-inf"), float("inf"))
    link: ClassVar[Literal["probability", "logit", "real"]] = "real"

    def __init__(self, *, missing: Literal["fail", "zero"] = "fail") -> None:
        self._missing = missing

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """A stored reward for each request."""
        return [self._scored(request) for request in requests]

    def _scored(self, request: ScoreRequest) -> Score:
        sample = replayed(request.trajectory)
        if sample is None:
            return Score(float("nan"), reason="the solution is none of the problem's recorded samples")
        if sample["score"] is not None:
            return Score(float(sample["score"]))
        if self._missing == "zero":
            return Score(0.0)
        return Score(float("nan"), reason="no score is stored with this sample")
