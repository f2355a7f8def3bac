"""The reward of a structure: how well it explains the spectra, in [0, 1].

The calibrated mix of ``likelihood.SpectrumFit``: shift likelihoods of both nuclei, equivalence
classes, labile hydrogens, coupling patterns, plausibility; capped where the formula differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from treewright_registry import Score, ScoreRequest


class SpectrumFitScorer:
    """Scores whole structures."""

    level: ClassVar[Literal["step", "outcome"]] = "outcome"
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    link: ClassVar[Literal["probability", "logit", "real"]] = "real"

    def __init__(self) -> None:
        from treewright_chemistry.unknowns import Unknowns

        self._unknowns = Unknowns()

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """The reward of each trajectory's last structure; NaN with a reason if it is no structure."""
        return [self._score(request) for request in requests]

    def _score(self, request: ScoreRequest) -> Score:
        from treewright_chemistry.errors import StructureError
        from treewright_chemistry.structures import parse_structure

        step = request.trajectory.step
        if step is None:
            return Score(float("nan"), reason="there is no structure to score yet")
        try:
            molecule = parse_structure(str(step.content), field="answer")
        except StructureError as error:
            return Score(float("nan"), reason=str(error))
        unknown = self._unknowns.of(request.trajectory.problem.prompt)
        return Score(float(unknown.fit.score_many([molecule])[0]))
