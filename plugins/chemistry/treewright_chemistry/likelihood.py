"""How well structures explain a spectrum: likelihoods, soft constraints, plausibility, in one score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.ablation import checked_names, dropped_parts, visible
from treewright_chemistry.candidates import CandidateBatch, gather_candidates
from treewright_chemistry.commonness import Commonness
from treewright_chemistry.formula import Formula, formula_of
from treewright_chemistry.matching import NucleusName
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
    SURPLUS_COST,
    WEIGHTS,
    FitScore,
)
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.structures import Mol
from treewright_chemistry.unequal_pairs import separate_pairs

if TYPE_CHECKING:
    from treewright_chemistry.cosine_part import CosinePart
    from treewright_chemistry.shift_table import Comparison

Floats = npt.NDArray[np.float64]
NUCLEI: Final[dict[NucleusName, str]] = {"13C": "carbon", "1H": "proton"}
"""The part that holds the shift likelihood of each nucleus."""


@dataclass(frozen=True)
class SpectrumFit:
    """A spectrum prepared for scoring many candidates of its formula.

    Attributes:
        spectrum: what was observed.
        tables: predict the shifts.
        commonness: how usual environments are; None leaves plausibility out.
        without: names of ``ablation.NAMES`` that shall not count.
        cosine: the encoder's part; None leaves it out.
    """

    spectrum: Spectrum
    tables: ShiftTables
    commonness: Commonness | None = field(default_factory=Commonness.load)
    without: frozenset[str] = frozenset()
    cosine: CosinePart | None = None

    def __post_init__(self) -> None:
        checked_names(self.without)

    @cached_property
    def weights(self) -> Floats:
        """Weights of the parts, 0 for those left out."""
        weights = WEIGHTS[self.spectrum.evidence].copy()
        if self.cosine is not None:
            weights[PARTS.index("cosine")] = self.cosine.weight
        return np.where([part not in self._dropped for part in PARTS], weights, 0.0)

    @cached_property
    def visible(self) -> Spectrum:
        """The spectrum without the nuclei that are left out."""
        return visible(self.spectrum, self.without)

    @cached_property
    def _dropped(self) -> frozenset[str]:
        return dropped_parts(self.without)

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
            chosen = [molecules[number] for number in np.flatnonzero(batch.matching).tolist()]
            result[batch.matching] = np.column_stack([self._parts(batch), self._cosines(chosen)])
        return result

    def misfits(self, molecule: Mol) -> list[float]:
        """Return how badly each heavy atom fits, in expected errors; see ``misfit.misfits``.

        All alike where no shifts count: an ablation must not aim by what it leaves out, nor a search by a nucleus
        that was not measured.
        """
        from treewright_chemistry.misfit import misfits  # it builds on the fit, not the other way round

        measured = {"13C": self.observations.carbon.size > 0, "1H": len(self.observations.proton) > 0}
        parts = NUCLEI.items()
        counted = frozenset(nucleus for nucleus, part in parts if measured[nucleus] and part not in self._dropped)
        return [float(value) for value in misfits(self, molecule, counted)]

    def compare(self, molecule: Mol) -> list[Comparison]:
        """Return rows atom, predicted, observed, difference; see ``shift_table``."""
        from treewright_chemistry.shift_table import shift_table

        return shift_table(self, molecule).rows

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
        return observe(self.visible)

    def _cosines(self, molecules: Sequence[Mol]) -> Floats:
        if self.cosine is None or "cosine" in self._dropped:
            return np.zeros(len(molecules))
        return self.cosine.values(self._vector, molecules)

    @cached_property
    def _vector(self) -> npt.NDArray[np.float32]:
        assert self.cosine is not None
        return self.cosine.spectrum_vector(self.visible)

    def _surprises(self, batch: CandidateBatch) -> tuple[Floats, Floats]:
        number = len(batch.hydrogens)
        if self.commonness is None:
            return np.zeros(number), np.zeros(number)
        values = self.commonness.surprises(batch.identifiers).reshape(number, -1, 2).sum(1)
        return values[:, 0], values[:, 1]

    def _rewards(self, molecules: Sequence[Mol], parts: Floats, totals: Floats) -> Floats:
        """Map totals to 0..1; see ``calibration_fit``."""
        formula = self.spectrum.formula
        heavy = sum(count for element, count in formula.counts if element != "H")
        surplus = max(self.observations.classes - formula["C"], 0)
        rewards = CALIBRATION[self.spectrum.evidence].rewards(totals - SURPLUS_COST * surplus, heavy)
        for number in np.flatnonzero((parts == MISMATCH).all(1)).tolist():
            rewards[number] = mismatch_reward(formula_of(molecules[number]), self.spectrum.formula)
        return rewards


def mismatch_reward(found: Formula, wanted: Formula) -> float:
    """Return the reward of a molecule of another formula: MISMATCH_CAP times the share of atoms in common."""
    elements = {element for formula in (found, wanted) for element, _ in formula.counts}
    common = sum(min(found[element], wanted[element]) for element in elements)
    union = sum(max(found[element], wanted[element]) for element in elements)
    return MISMATCH_CAP * common / union
