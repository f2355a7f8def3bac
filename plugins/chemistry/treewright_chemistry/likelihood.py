"""How well a structure explains a spectrum: log-likelihoods, soft constraints, and their calibrated sum.

Shifts are matched in sorted order, which for a common scale is the assignment of least total deviation; each deviation is
judged by a Laplace law with the scale of its prediction, plus a small share of gross errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.atom_kinds import formula_code
from treewright_chemistry.candidates import CandidateBatch, gather_candidates
from treewright_chemistry.observations import MAX_NEIGHBOURS, observe
from treewright_chemistry.shifts import Shifts, ShiftTables
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.structures import Mol

GROSS_SHARE: Final = 0.02
"""Share of lines that no prediction explains."""
WIDTH: Final = {"13C": 220.0, "1H": 12.0}
"""ppm over which gross errors spread."""
MISMATCH_CAP: Final = 0.2
"""Largest reward of a candidate whose formula is not that of the spectrum."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FitScore:
    """The parts of a score; larger is better.

    Attributes:
        carbon: mean 13C log-likelihood per line.
        proton: mean 1H log-likelihood per hydrogen.
        missing_classes: observed 13C peaks in excess of the candidate's classes, 0 or more.
        surplus_classes: classes in excess of the observed 13C peaks, 0 or more.
        sizes: 0 where the class sizes equal the line counts, else the share of carbons that differ.
        labile: difference in hydrogens on heteroatoms.
        neighbours: share of hydrogens whose number of neighbours differs from the patterns.
        total: weighted sum, in units of log-odds.
        reward: total on a scale of 0 to 1; at most MISMATCH_CAP where the formula differs.
    """

    carbon: float
    proton: float
    missing_classes: float
    surplus_classes: float
    sizes: float
    labile: float
    neighbours: float
    total: float
    reward: float


PARTS: Final = tuple(field.name for field in fields(FitScore))[:-2]
WEIGHTS: Final = {
    "exact": np.array([6.0, 3.0, -1.5, -3.0, -3.0, -2.0, -3.0]),
    "soft": np.array([6.0, 3.0, -0.5, -1.0, -1.0, -0.3, -1.0]),
}


@dataclass(frozen=True)
class SpectrumFit:
    """A spectrum prepared for scoring many candidates of its formula."""

    spectrum: Spectrum
    tables: ShiftTables

    @cached_property
    def _code(self) -> int:
        return formula_code(self.spectrum.formula)

    def score(self, molecule: Mol) -> FitScore:
        """Score one molecule."""
        parts = self.parts([molecule])[0]
        total = float(parts @ WEIGHTS[self.spectrum.evidence])
        return FitScore(*map(float, parts), total, float(self.score_many([molecule])[0]))

    def score_many(self, molecules: Sequence[Mol]) -> Floats:
        """Return the rewards of many molecules, shape (molecules,)."""
        totals = self.totals(molecules)
        return 1.0 / (1.0 + np.exp(-(totals + 10.0) / 5.0))

    def totals(self, molecules: Sequence[Mol]) -> Floats:
        """Return the totals of many molecules, shape (molecules,)."""
        return self.parts(molecules) @ WEIGHTS[self.spectrum.evidence]

    def parts(self, molecules: Sequence[Mol]) -> Floats:
        """Return the parts of the score in the order of PARTS, shape (molecules, parts)."""
        batch = gather_candidates(molecules)
        result = np.full((len(molecules), len(PARTS)), [-30.0, -30.0, 10.0, 10.0, 1.0, 10.0, 1.0])
        same = np.array([code == self._code for code in batch.codes])
        if same.any():
            rows = np.flatnonzero(batch.carbon & np.repeat(same, batch.sizes))
            result[same] = self._parts(batch, rows, int(same.sum()))
        return result

    def _parts(self, batch: CandidateBatch, rows: npt.NDArray[np.int64], number: int) -> Floats:
        seen = self._observations
        identifiers = batch.identifiers[rows]
        carbon, proton = self.tables.look_up(identifiers)
        shape = (number, len(rows) // number)
        hydrogens = batch.hydrogens[rows].reshape(shape)
        columns = [
            _carbon_part(carbon, shape, seen.carbon) if seen.carbon.size else np.zeros(number),
            self._proton_part(proton, hydrogens),
            *self._class_parts(identifiers[:, -1].reshape(shape)),
            np.abs(self.spectrum.formula["H"] - hydrogens.sum(1) - seen.labile) if seen.labile is not None else np.zeros(number),
            self._neighbour_part(hydrogens, batch.vicinal[rows].reshape(shape)),
        ]
        return np.stack(columns, axis=1)

    @cached_property
    def _observations(self):
        return observe(self.spectrum)

    def _proton_part(self, proton: Shifts, hydrogens: npt.NDArray[np.int64]) -> Floats:
        observed = self._observations.proton
        result = np.zeros(len(hydrogens))
        if not len(observed):
            return result
        totals = hydrogens.sum(1)
        mean, scale = proton.mean.reshape(hydrogens.shape), proton.scale.reshape(hydrogens.shape)
        for total in np.unique(totals):
            here = totals == total
            if total == 0:
                result[here] = -5.0
                continue
            repeat = hydrogens[here].ravel()
            p = np.repeat(mean[here].ravel(), repeat).reshape(-1, total)
            s = np.repeat(scale[here].ravel(), repeat).reshape(-1, total)
            order = np.argsort(p, axis=1)
            o = observed[((np.arange(total) + 0.5) * len(observed) / total).astype(int)]
            result[here] = log_density(np.take_along_axis(p, order, 1) - o, np.take_along_axis(s, order, 1), "1H").mean(1)
        return result

    def _class_parts(self, keys: npt.NDArray[np.uint64]) -> list[Floats]:
        seen = self._observations
        ordered = np.sort(keys, axis=1)
        new = np.concatenate([np.ones((len(keys), 1), bool), ordered[:, 1:] != ordered[:, :-1]], axis=1)
        classes = new.sum(1)
        missing = np.maximum(seen.classes - classes, 0)
        surplus = np.maximum(classes - seen.classes, 0)
        sizes = np.zeros(len(keys))
        if seen.sizes and seen.carbon.size:
            width = keys.shape[1]
            got = np.zeros((len(keys), width))
            got_flat = np.bincount((np.arange(len(keys))[:, None] * width + np.cumsum(new, 1) - 1).ravel(), minlength=len(keys) * width)
            got = -np.sort(-got_flat.reshape(len(keys), width), axis=1)
            want = np.zeros(width)
            want[: min(width, len(seen.sizes))] = seen.sizes[:width]
            sizes = np.abs(got - want).sum(1) / (2 * width)
        return [missing.astype(float), surplus.astype(float), sizes]

    def _neighbour_part(self, hydrogens: npt.NDArray[np.int64], vicinal: npt.NDArray[np.int64]) -> Floats:
        want = self._observations.neighbours
        if want.sum() == 0:
            return np.zeros(len(hydrogens))
        n = len(hydrogens)
        slot = np.minimum(vicinal, MAX_NEIGHBOURS) + (MAX_NEIGHBOURS + 1) * np.arange(n)[:, None]
        got = np.bincount(slot.ravel(), hydrogens.ravel().astype(float), minlength=n * (MAX_NEIGHBOURS + 1)).reshape(n, -1)
        got /= np.maximum(got.sum(1, keepdims=True), 1)
        return np.abs(got - want / want.sum()).sum(1) / 2


def _carbon_part(carbon: Shifts, shape: tuple[int, int], readings: Floats) -> Floats:
    p, s = carbon.mean.reshape(shape), carbon.scale.reshape(shape)
    order = np.argsort(p, axis=1)
    p, s = np.take_along_axis(p, order, 1), np.take_along_axis(s, order, 1)
    lines = readings.shape[1]
    if lines != shape[1]:
        readings = readings[:, ((np.arange(shape[1]) + 0.5) * lines / shape[1]).astype(int)]
    return np.max([log_density(p - o, s, "13C").mean(1) for o in readings], axis=0)


def log_density(difference: Floats, scale: Floats, nucleus: str) -> Floats:
    """Return the log of the Laplace density with a share of gross errors, per ppm."""
    laplace = np.exp(-np.abs(difference) / scale) / (2.0 * scale)
    return np.log((1.0 - GROSS_SHARE) * laplace + GROSS_SHARE / WIDTH[nucleus])
