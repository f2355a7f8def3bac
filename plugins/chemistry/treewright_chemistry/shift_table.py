"""The table of predicted against observed shifts, and the lines that no atom was given.

Equivalent atoms are one unit and share their lines. Units are assigned to lines at least total cost:

    cost = -log density of the deviation
           + REUSE for a further use of a line
           + SPLIT for each atom of the unit beyond the line's count (its atoms may have lines of their own)
           + EXCESS for each atom by which a further use exceeds the count

Lines left over join the nearest unit that has room for their atoms, if they are near (the hydrogens of a CH2
beside a stereocentre, for instance); the others are reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from treewright_chemistry.environments import environments
from treewright_chemistry.likelihood import SpectrumFit
from treewright_chemistry.matching import NucleusName, log_density
from treewright_chemistry.observations import SAME_SHIFT
from treewright_chemistry.shift_types import Shifts
from treewright_chemistry.spectrum import Group
from treewright_chemistry.structures import Mol, hydrogen_counts, symmetry_classes
from treewright_chemistry.unequal_pairs import separate_pairs

REUSE: Final = 2.0
SPLIT: Final = 2.0
MOST_SPLIT: Final = 6.0
FIRST_USES: Final = 4
"""Offers of each line to begin with."""
EXCESS: Final = 5.0
FAR: Final = 5.0
"""Expected errors; of right assignments about 1 in 30 deviates more."""
DOUBTFUL: Final = 4.0
DOUBTFUL_PPM: Final[dict[NucleusName, float]] = {"13C": 10.0, "1H": 1.0}
"""Expected errors, and ppm, that an atom must both exceed to be named as explained badly. Chosen on 100 held-out
measured molecules: 1 of the 69 right first answers and 10 of the 31 wrong ones have such an atom."""
NEAR: Final[dict[NucleusName, float]] = {"13C": 5.0, "1H": 0.5}
"""ppm from the prediction within which a line left over joins a unit."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row of the table of shifts.

    Attributes:
        atom: number of the heavy atom, from 0.
        nucleus: ``13C`` or ``1H`` (the hydrogens on that atom).
        predicted, scale: ppm; scale is the expected absolute error.
        observed, difference: ppm; the mean of the lines, and observed minus predicted. None without lines.
        lines: the observed lines of the atom and its equivalents, ppm, ascending.
    """

    atom: int
    nucleus: NucleusName
    predicted: float
    scale: float
    observed: float | None
    difference: float | None
    lines: tuple[float, ...] = ()


class ShiftTable(NamedTuple):
    """Rows, 13C first, by atom; and by nucleus the observed lines that no atom was given, ppm, ascending."""

    rows: list[Comparison]
    unassigned: dict[NucleusName, tuple[float, ...]]

    @property
    def far_share(self) -> float:
        """Share of the rows that deviate by more than ``FAR`` expected errors; 0 without lines."""
        far = [abs(row.difference) > FAR * row.scale for row in self.rows if row.difference is not None]
        return sum(far) / len(far) if far else 0.0

    @property
    def doubtful(self) -> list[Comparison]:
        """Rows whose lines are too far away for the structure to explain them."""
        return [
            row
            for row in self.rows
            if row.difference is not None and abs(row.difference) > max(DOUBTFUL * row.scale, DOUBTFUL_PPM[row.nucleus])
        ]


@dataclass(slots=True)
class _Unit:
    """Equivalent atoms: their numbers, how many nuclei they have, what is predicted, the lines they get."""

    atoms: list[int]
    size: int
    mean: float
    scale: float
    lines: list[float] = field(default_factory=list)
    room: int = 0

    def take(self, line: _Line) -> None:
        """One line more."""
        self.lines.append(line.shift)
        self.room -= line.atoms or 1

    @property
    def deviation(self) -> float:
        return abs(float(np.mean(self.lines)) - self.mean) if self.lines else 0.0


class _Line(NamedTuple):
    shift: float
    atoms: int | None


def shift_table(fit: SpectrumFit, molecule: Mol) -> ShiftTable:
    """Assign the observed lines to the atoms of a molecule."""
    prediction = fit.tables.predict(molecule)
    keys = np.array(symmetry_classes(molecule), dtype=np.uint64)[prediction.carbons]
    halves = fit.tables.half_differences(environments(molecule)[prediction.carbons])
    offsets, separate = separate_pairs(keys[None], halves[None])
    carbons, ones = prediction.carbons.tolist(), np.ones(len(keys), np.int64)
    carbon_lines, proton_lines = _lines(fit.visible.carbon, "13C"), _lines(fit.visible.proton, "1H")
    joined = _units(carbons, keys, ones, prediction.carbon, np.zeros(len(keys)))
    apart = _units(carbons, separate[0], ones, prediction.carbon, offsets[0])
    # members of unequal pairs are told apart where that explains the spectrum better
    left = [_assign(units, carbon_lines, "13C") for units in (joined, apart)]
    better = int(_deviation(apart) < _deviation(joined))
    protons = _units(carbons, keys, hydrogen_counts(molecule)[prediction.carbons], prediction.proton, 0.0 * halves)
    rows = _rows((joined, apart)[better], "13C")
    unassigned: dict[NucleusName, tuple[float, ...]] = {
        "13C": left[better],
        "1H": _assign(protons, proton_lines, "1H"),
    }
    return ShiftTable(rows + _rows(protons, "1H"), unassigned)


def _lines(groups: Sequence[Group], nucleus: NucleusName) -> list[_Line]:
    """The distinct lines, ascending; a count is known where a group is a single peak and tells it."""
    found: list[_Line] = []
    same = SAME_SHIFT if nucleus == "13C" else 0.0
    peaks = [(peak.shift, group.count if len(group.peaks) == 1 else None) for group in groups for peak in group.peaks]
    for shift, count in sorted(peaks, key=lambda peak: peak[0]):
        if found and shift - found[-1].shift <= same:
            before = found[-1].atoms
            found[-1] = _Line(found[-1].shift, None if before is None or count is None else before + count)
        else:
            found.append(_Line(shift, count))
    return found


def _units(
    atoms: list[int], keys: npt.NDArray[np.uint64], sizes: npt.NDArray[np.int64], shifts: Shifts, offsets: Floats
) -> list[_Unit]:
    """One unit for each key whose atoms have the nucleus."""
    units: dict[int, _Unit] = {}
    means = shifts.mean + offsets
    for number, key in enumerate(keys.tolist()):
        if sizes[number] < 1:
            continue
        unit = units.setdefault(key, _Unit([], 0, float(means[number]), float(shifts.scale[number])))
        unit.atoms.append(atoms[number])
        unit.size += int(sizes[number])
        unit.room = unit.size
    return list(units.values())


def _assign(units: Sequence[_Unit], lines: Sequence[_Line], nucleus: NucleusName) -> tuple[float, ...]:
    """Give the units their lines; the shifts that are left."""
    if not units or not lines:
        return tuple(line.shift for line in lines)
    for row, column in _matched(units, lines, nucleus):
        units[row].take(lines[column])
    used = {shift for unit in units for shift in unit.lines}
    return tuple(line.shift for line in lines if line.shift not in used and not _joins(line, units, nucleus))


def _matched(units: Sequence[_Unit], lines: Sequence[_Line], nucleus: NucleusName) -> Iterator[tuple[int, int]]:
    """Each unit with its line, at least total cost.

    Every line is offered a few times. A further use never costs less, so where no line is used up, more offers would
    change nothing; else there are twice as many, at most one for each unit.
    """
    uses = min(FIRST_USES, len(units))
    while True:
        cost = _costs(units, lines, uses, nucleus)
        rows, columns = linear_sum_assignment(cost.reshape(len(units), -1))
        if uses == len(units) or not (columns // len(lines) == uses - 1).any():
            return zip(rows.tolist(), (columns % len(lines)).tolist(), strict=True)
        uses = min(2 * uses, len(units))


def _costs(units: Sequence[_Unit], lines: Sequence[_Line], uses: int, nucleus: NucleusName) -> Floats:
    """Cost of each unit's being the n-th use of a line, shape (units, uses, lines); earlier uses count as one atom."""
    atoms = np.array([np.inf if line.atoms is None else line.atoms for line in lines])
    sizes = np.array([unit.size for unit in units])[:, None]
    scales = np.array([unit.scale for unit in units])[:, None]
    distance = np.abs(np.array([line.shift for line in lines]) - np.array([unit.mean for unit in units])[:, None])
    split = np.minimum(SPLIT * np.maximum(sizes - atoms, 0), MOST_SPLIT)
    # the density is flat far away: the last term prefers the nearer line there
    first = split - log_density(distance, scales, nucleus) + 1e-3 * distance / scales
    use = np.arange(uses)[:, None]
    excess = EXCESS * np.minimum(use, np.maximum(sizes[:, :, None] + use - atoms, 0))
    costs: Floats = first[:, None, :] + excess + REUSE * (use > 0)
    return costs


def _joins(line: _Line, units: Sequence[_Unit], nucleus: NucleusName) -> bool:
    """Give a line that is left to the nearest unit that can have it."""
    near = [each for each in units if each.room >= (line.atoms or 1) and abs(line.shift - each.mean) <= NEAR[nucleus]]
    if not near:
        return False
    min(near, key=lambda unit: abs(line.shift - unit.mean) / unit.scale).take(line)
    return True


def _deviation(units: Sequence[_Unit]) -> float:
    return sum(len(unit.atoms) * unit.deviation for unit in units)


def _rows(units: Sequence[_Unit], nucleus: NucleusName) -> list[Comparison]:
    rows: list[Comparison] = []
    for unit in units:
        observed = float(np.mean(unit.lines)) if unit.lines else None
        difference = None if observed is None else observed - unit.mean
        lines = tuple(sorted(unit.lines))
        rows.extend(
            Comparison(atom, nucleus, unit.mean, unit.scale, observed, difference, lines) for atom in unit.atoms
        )
    return sorted(rows, key=lambda row: row.atom)
