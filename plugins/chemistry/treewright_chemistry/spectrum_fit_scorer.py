"""The reward of a structure: how well it explains the spectra, in [0, 1].

The calibrated mix of ``likelihood.SpectrumFit``: shift likelihoods of both nuclei, equivalence
classes, labile hydrogens, coupling patterns, plausibility, and the encoder's cosine where it helps;
capped where the formula differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from treewright_registry import Score, ScoreRequest


class SpectrumFitScorer:
    """Scores whole structures.

    Args:
        cosine: mix the encoder's cosine in: ``auto`` for the kinds of evidence where it improved the
            ranking of held-out molecules (``cosine_weights.json``), ``true`` always, ``false`` never; a
            number is used as its weight, in log-odds per unit of cosine. Costs some 5 ms a structure.
        without: parts that shall not count: ``shifts`` (both shift likelihoods), ``plausibility``, ``13C``
            and ``1H`` (a whole nucleus, in the cosine too), ``cosine``, or the name of a single part, see
            ``ablation.NAMES``. The policy's inner score has the same option.
        encoder: folder of the encoder; empty for the shipped one.
        tables: folder of shift tables of one's own (``treewright train chemistry/shifts --out FOLDER``); empty for
            the shipped ones. The policy has the same option; the encoder goes on seeing the shipped tables.

    Raises:
        ValueError: ``without`` holds an unknown name; lists the known ones.
        TableError: a folder is incomplete, or a model file is missing, damaged or does not fit; names it. An encoder
            is loaded with the first spectrum that needs it.
    """

    level: ClassVar[Literal["step", "outcome"]] = "outcome"
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    link: ClassVar[Literal["probability", "logit", "real"]] = "real"

    def __init__(
        self,
        *,
        cosine: bool | float | Literal["auto"] = "auto",
        without: tuple[str, ...] = (),
        encoder: str = "",
        tables: str = "",
    ) -> None:
        from treewright_chemistry.unknowns import Unknowns

        self._unknowns = Unknowns(cosine=cosine, without=without, encoder=encoder, tables=tables)

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """The reward of each trajectory's last structure; NaN with a reason if it is no structure."""
        return [self._score(request) for request in requests]

    def _score(self, request: ScoreRequest) -> Score:
        from treewright_chemistry.proposed_structure import proposed_structure

        molecule = proposed_structure(request.trajectory)
        if isinstance(molecule, Score):
            return molecule
        unknown = self._unknowns.of(request.trajectory.problem.prompt)
        return Score(float(unknown.fit.score_many([molecule])[0]))
