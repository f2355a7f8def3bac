"""How well structures explain a spectrum: likelihoods, soft constraints, plausibility, in one score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from treewright_chemistry.candidates import CandidateBatch, gather_candidates
from treewright_chemistry.commonness import Commonness
from treewright_chemistry.formula import Formula, formula_of
from treewright_chemistry.observations import Observations, observe
from treewright_chemistry.score_parts import (
    attached_part,
    carbon_part,
    class_parts,
    labile_part,
    neighbour_part,
    proton_part,
)
from treewright_chemistry.score_weights import (
    CALIBRATION,
    MISMATCH,
    MISMATCH_CAP,
    PARTS,
    WEIGHTS,
    FitScore,
)
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.structures import Mol
from treewright_chemistry.unequal_pairs import separate_pairs

if TYPE_CHECKING:
    from treewright_chemistry.misfit import Comparison

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SpectrumFit:
    """A spectrum prepared for scoring many candidates of its formula.

    Attributes:
        spectrum: what was observed.
        tables: predict the shifts.
        commonness: how usual environments are; None leaves plausibility out.
        without: names of PARTS that shall not count, for ablations.
    """

    spectrum: Spectrum
    tables: ShiftTables
    commonness: Commonness | None = field(default_factory=Commonness.load)
    without: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        unknown = sorted(self.without - set(PARTS))
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no part of the score; parts are {', '.join(PARTS)}")

    @cached_property
    def weights(self) -> Floats:
        """Weights of the parts, 0 for those left out."""
        kept = np.array([part not in self.without for part in PARTS])
        return np.where(kept, WEIGHTS[self.spectrum.evidence], 0.0)

    def score(self, molecule: Mol) -> FitScore:
        """Score one molecule."""
        parts = self.parts([molecule])
        total = parts @ self.weights
        reward = self._rewards([molecule], parts, total)
        named = dict(zip(PARTS, parts[0].tolist(), strict=True))
        return FitScore(**named, total=float(total[0]), reward=float(reward[0]))

    def score_many(self, molecules: Sequence[Mol]) -> Floats:
        """Return the rewards of many molecules, 0 to 1, shape (molecules,)."""
        parts = self.parts(molecules)
        return self._rewards(molecules, parts, parts @ self.weights)

    def totals(self, molecules: Sequence[Mol]) -> Floats:
        """Return the totals of many molecules: differences are log-odds between them, shape (molecules,)."""
        return self.parts(molecules) @ self.weights

    def parts(self, molecules: Sequence[Mol]) -> Floats:
        """Return the parts of the score in the order of PARTS, shape (molecules, parts).

        Molecules must be sanitized, without explicit hydrogens. One with another formula gets the worst
        value of each part.
        """
        batch = gather_candidates(molecules, self.spectrum.formula)
        result = np.tile(MISMATCH, (len(molecules), 1))
        if batch.matching.any():
            result[batch.matching] = self._parts(batch)
        return result

    def misfits(self, molecule: Mol) -> list[float]:
        """Return how badly each heavy atom fits, in expected errors; see ``misfit.misfits``."""
        from treewright_chemistry.misfit import (
            misfits,
        )  # the table of shifts builds on the fit, not the other way round

        return [float(value) for value in misfits(self, molecule)]

    def compare(self, molecule: Mol) -> list[Comparison]:
        """Return rows atom, predicted, observed, difference; see ``misfit.compare``."""
        from treewright_chemistry.misfit import compare

        return compare(self, molecule)

    def _parts(self, batch: CandidateBatch) -> Floats:
        seen, exact = self.observations, self.spectrum.evidence == "exact"
        shape = batch.hydrogens.shape
        carbon, proton = self.tables.predict_batch(batch.identifiers, batch.carbons, batch.orders)
        keys = batch.identifiers[batch.carbons, -1].reshape(shape)
        offsets, separate = np.zeros(shape), keys
        halves = self.tables.half_differences(batch.identifiers[batch.carbons]).reshape(shape)
        if halves.any():
            offsets, separate = separate_pairs(keys, halves)
        columns = [
            carbon_part(carbon, offsets, seen),
            proton_part(proton, batch.hydrogens, seen, exact=exact),
            *class_parts(keys, separate, seen),
            labile_part(batch.hydrogens, seen, exact=exact),
            neighbour_part(batch, seen),
            attached_part(batch, seen),
            *self._surprises(batch),
        ]
        return np.stack(columns, axis=1)

    @cached_property
    def observations(self) -> Observations:
        """The spectrum as arrays."""
        return observe(self.spectrum)

    def _surprises(self, batch: CandidateBatch) -> tuple[Floats, Floats]:
        number = len(batch.hydrogens)
        if self.commonness is None:
            return np.zeros(number), np.zeros(number)
        values = self.commonness.surprises(batch.identifiers).reshape(number, -1, 2).sum(1)
        return values[:, 0], values[:, 1]

    def _rewards(self, molecules: Sequence[Mol], parts: Floats, totals: Floats) -> Floats:
        """Map totals to 0..1 by the logistic law calibrated on the development set."""
        centre, width = CALIBRATION[self.spectrum.evidence]
        lines = max(self.observations.classes + self.observations.proton_peaks, 1)
        rewards = 1.0 / (1.0 + np.exp(-np.clip((totals / lines - centre) / width, -50.0, 50.0)))
        for number in np.flatnonzero((parts == MISMATCH).all(1)).tolist():
            rewards[number] = mismatch_reward(formula_of(molecules[number]), self.spectrum.formula)
        return rewards


def mismatch_reward(found: Formula, wanted: Formula) -> float:
    """Return the reward of a molecule of another formula: MISMATCH_CAP times the share of atoms in common."""
    elements = {element for formula in (found, wanted) for element, _ in formula.counts}
    common = sum(min(found[element], wanted[element]) for element in elements)
    union = sum(max(found[element], wanted[element]) for element in elements)
    return MISMATCH_CAP * common / union
