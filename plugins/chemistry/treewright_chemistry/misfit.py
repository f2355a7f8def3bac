"""Which atoms of a structure fit the spectrum worst.

Searches ask this often, so lines are assigned atom by atom, in one step; the table that people read
(``shift_table``) treats equivalent atoms alike, which takes longer.
"""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from treewright_chemistry.environments import environments
from treewright_chemistry.likelihood import SpectrumFit
from treewright_chemistry.matching import NucleusName, log_density
from treewright_chemistry.observations import Observations
from treewright_chemistry.shift_types import Prediction, Shifts
from treewright_chemistry.structures import Mol, hydrogen_counts, symmetry_classes
from treewright_chemistry.unequal_pairs import separate_pairs

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class _Row(NamedTuple):
    """Atom, nucleus, expected error and deviation (ppm; NaN where no line was left for the atom)."""

    atom: int
    nucleus: NucleusName
    scale: float
    difference: float


def misfits(fit: SpectrumFit, molecule: Mol, counted: frozenset[NucleusName] = frozenset({"13C", "1H"})) -> Floats:
    """Return how badly each heavy atom fits, in expected errors (1: as good as predictions are).

    A carbon takes the mean over the nuclei that are counted. Other atoms take the mean of their neighbours: where a
    heteroatom is misplaced, the carbons beside it show it.
    """
    total, number = np.zeros(molecule.GetNumAtoms()), np.zeros(molecule.GetNumAtoms())
    for row in (row for row in _assigned_rows(fit, molecule) if row.nucleus in counted):
        distance = abs(row.difference) / row.scale if isfinite(row.difference) else 5.0
        total[row.atom] += min(distance, 20.0)
        number[row.atom] += 1
    own = total / np.maximum(number, 1)
    for atom in np.flatnonzero(number == 0).tolist():
        bonded = [neighbour.GetIdx() for neighbour in molecule.GetAtomWithIdx(atom).GetNeighbors()]
        neighbours = [own[index] for index in bonded if number[index]]
        own[atom] = float(np.mean(neighbours)) if neighbours else 1.0
    return own


def _assigned_rows(fit: SpectrumFit, molecule: Mol) -> list[_Row]:
    """Assign the observed lines to the atoms of a molecule at least cost; 13C first, by atom."""
    prediction = _predicted(fit, molecule)
    rows = _rows(prediction.carbons, "13C", prediction.carbon, _carbon_lines(fit.observations, prediction.carbon))
    bearing = np.flatnonzero(hydrogen_counts(molecule)[prediction.carbons] > 0)
    proton = _subset(prediction.proton, bearing)
    lines = _proton_lines(fit.observations.proton, proton, hydrogen_counts(molecule)[prediction.carbons[bearing]])
    return rows + _rows(prediction.carbons[bearing], "1H", proton, lines)


def _predicted(fit: SpectrumFit, molecule: Mol) -> Prediction:
    """Predict, with the members of unequal pairs apart where that explains the spectrum better."""
    plain = fit.tables.predict(molecule)
    if not fit.observations.carbon.size:
        return plain
    keys = np.array(symmetry_classes(molecule), dtype=np.uint64)[plain.carbons][None]
    halves = fit.tables.half_differences(environments(molecule)[plain.carbons])[None]
    offsets, _ = separate_pairs(keys, halves)
    moved = Shifts(plain.carbon.mean + offsets[0], plain.carbon.scale, plain.carbon.radius, plain.carbon.count)
    lines = [_carbon_lines(fit.observations, shifts) for shifts in (plain.carbon, moved)]
    gain = [np.nansum(np.abs(found - shifts.mean)) for found, shifts in zip(lines, (plain.carbon, moved), strict=True)]
    return Prediction(plain.carbons, moved, plain.proton) if gain[1] < gain[0] else plain


def _carbon_lines(seen: Observations, shifts: Shifts) -> Floats:
    """Return the line of each carbon, of the reading that fits best; NaN where there is none."""
    if not seen.carbon.size:
        return np.full(len(shifts.mean), np.nan)
    found = [_assigned(shifts, lines, "13C", reuse=not seen.counted) for lines in seen.carbon]
    best = np.argmin([np.nansum(np.abs(lines - shifts.mean)) for lines in found])
    return found[int(best)]


def _proton_lines(lines: Floats, shifts: Shifts, hydrogens: Integers) -> Floats:
    """Return the mean line of each carbon's hydrogens, NaN where there is none."""
    if not len(lines) or not len(hydrogens):
        return np.full(len(hydrogens), np.nan)
    repeated = np.repeat(np.arange(len(hydrogens)), hydrogens)
    found = _assigned(_subset(shifts, repeated), lines, "1H", reuse=len(lines) < len(repeated))
    return np.array([_mean(found[repeated == number]) for number in range(len(hydrogens))])


def _assigned(shifts: Shifts, lines: Floats, nucleus: NucleusName, *, reuse: bool) -> Floats:
    """Assign lines to predictions at least cost; with ``reuse`` a line may serve several."""
    number = len(shifts.mean)
    copies = -(-number // len(lines)) if reuse else 1
    offered = np.repeat(lines, copies)
    cost = -log_density(shifts.mean[:, None] - offered, shifts.scale[:, None], nucleus)
    # A second use of a line costs a little, so that every line is used before one is used twice.
    cost += 0.5 * np.tile(np.arange(copies), len(lines))
    rows, columns = linear_sum_assignment(cost)
    result = np.full(number, np.nan)
    result[rows] = offered[columns]
    return result


def _rows(atoms: Integers, nucleus: NucleusName, shifts: Shifts, lines: Floats) -> list[_Row]:
    columns = zip(atoms.tolist(), shifts.scale.tolist(), (lines - shifts.mean).tolist(), strict=True)
    return [_Row(atom, nucleus, scale, difference) for atom, scale, difference in columns]


def _subset(shifts: Shifts, rows: Integers) -> Shifts:
    return Shifts(shifts.mean[rows], shifts.scale[rows], shifts.radius[rows], shifts.count[rows])


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan
