"""Shift prediction by environment tables: 13C of every carbon, 1H of every carbon's hydrogens.

An atom is looked up at the largest environment the tables know, 5 bonds down to 0. One sorted key array
serves both nuclei, so a prediction for a whole batch of atoms is one binary search.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.environments import RADII, check_scheme, environments
from treewright_chemistry.model_files import read_arrays
from treewright_chemistry.shift_network import ShiftNetwork, batch_bonds
from treewright_chemistry.shift_types import Prediction, Shifts
from treewright_chemistry.structures import Mol, bond_orders

FILE: Final = "shifts.npz"
PAIR_RADIUS: Final = 3
"""Bonds of the environment that tells whether the methyls of a pair differ."""
LEVEL_BITS: Final = np.uint64(32)
_LEVELS: Final = np.arange(RADII, dtype=np.uint64) << LEVEL_BITS

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class NucleusTable:
    """Shifts of one nucleus, one row per key of the tables and a last row for an unknown atom.

    Attributes:
        mean: ppm, shrunk towards the smaller environment, shape (keys + 1,).
        scale: expected absolute error in ppm, the scale of a Laplace law, shape (keys + 1,).
        count: observations behind the mean, capped at 255; 0 where this nucleus does not know the key.
    """

    mean: Floats
    scale: Floats
    count: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ShiftTables:
    """The environment tables of both nuclei.

    Attributes:
        keys: sorted; radius in the upper, environment identifier in the lower 32 bits.
        carbon, proton: the nuclei.
        pair_keys, pair_halves: environments (radius PAIR_RADIUS, sorted) of methyl pairs that differ, and
            half of the difference in ppm.
        network: refines the look-up; None leaves the tables alone.
    """

    keys: Keys
    carbon: NucleusTable
    proton: NucleusTable
    pair_keys: Keys
    pair_halves: Floats
    network: ShiftNetwork | None = None

    @staticmethod
    def load(folder: Path | None = None, *, network: bool = True) -> ShiftTables:
        """Return the tables shipped with the package, or those in a folder; each file is read once.

        Args:
            folder: holds ``shifts.npz`` and, with ``network``, ``shift_network.npz``.
            network: refine predictions by the graph network.

        Raises:
            TableError: the file is missing, truncated, corrupted, or made for other environment identifiers.
        """
        place = folder or Path(str(resources.files(__package__).joinpath("data")))
        tables = _load(place / FILE)
        return replace(tables, network=ShiftNetwork.load(place)) if network else tables

    def rows(self, identifiers: Keys) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return the row of every identifier and whether the tables hold it, shapes (atoms, RADII)."""
        wanted = identifiers | _LEVELS
        rows = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return rows, self.keys[rows] == wanted

    def look_up(self, identifiers: Keys) -> tuple[Shifts, Shifts]:
        """Predict 13C and 1H of atoms by their environment identifiers, shape (atoms, RADII)."""
        rows, known = self.rows(identifiers)
        return _deepest(self.carbon, rows, known), _deepest(self.proton, rows, known)

    def half_differences(self, identifiers: Keys) -> Floats:
        """Return by how many ppm a carbon may lie off the mean of its pair, 0 as a rule, shape (atoms,)."""
        wanted = identifiers[:, PAIR_RADIUS]
        rows = np.minimum(np.searchsorted(self.pair_keys, wanted), len(self.pair_keys) - 1)
        return np.where(self.pair_keys[rows] == wanted, self.pair_halves[rows], 0.0)

    def predict(self, molecule: Mol) -> Prediction:
        """Predict the shifts of a sanitized molecule with implicit hydrogens."""
        carbons = carbon_atoms(molecule)
        carbon, proton = self.predict_batch(environments(molecule), carbons, bond_orders(molecule)[None])
        return Prediction(carbons, carbon, proton)

    def predict_batch(
        self, identifiers: Keys, carbons: npt.NDArray[np.int64], orders: npt.NDArray[np.float64]
    ) -> tuple[Shifts, Shifts]:
        """Predict 13C and 1H of the carbons of equally sized molecules.

        Args:
            identifiers: of all heavy atoms, molecule by molecule, shape (molecules * atoms, RADII).
            carbons: rows of the carbons among them, shape (carbons,).
            orders: bond orders, shape (molecules, atoms, atoms).
        """
        found = self.look_up(identifiers[carbons])
        if self.network is None:
            return found
        return self.network.refine(identifiers, batch_bonds(orders), carbons, found)


def carbon_atoms(molecule: Mol) -> npt.NDArray[np.int64]:
    """Return the numbers of the carbon atoms."""
    return np.array([a.GetIdx() for a in molecule.GetAtoms() if a.GetAtomicNum() == 6], dtype=np.int64)


def _deepest(table: NucleusTable, rows: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]) -> Shifts:
    usable = known & (table.count[rows] > 0)
    radius = RADII - 1 - np.argmax(usable[:, ::-1], axis=1)
    seen = usable[np.arange(len(rows)), radius]
    row = np.where(seen, rows[np.arange(len(rows)), radius], len(table.mean) - 1)
    return Shifts(table.mean[row], table.scale[row], np.where(seen, radius, -1), table.count[row].astype(np.float64))


@cache
def _load(path: Path) -> ShiftTables:
    arrays = read_arrays(path)
    check_scheme(arrays["scheme"], path, "treewright train chemistry/shifts")
    levels = np.repeat(np.arange(RADII, dtype=np.uint64), arrays["level_sizes"])
    return ShiftTables(
        keys=(levels << LEVEL_BITS) | arrays["identifiers"].astype(np.uint64),
        carbon=_nucleus(arrays, "carbon", unknown=(80.0, 40.0)),
        proton=_nucleus(arrays, "proton", unknown=(3.5, 2.0)),
        pair_keys=arrays["pair_keys"].astype(np.uint64),
        pair_halves=arrays["pair_halves"].astype(np.float64),
    )


def _nucleus(arrays: dict[str, npt.NDArray[np.generic]], name: str, unknown: tuple[float, float]) -> NucleusTable:
    mean = arrays[f"{name}_mean"].astype(np.float64) * float(arrays[f"{name}_unit"])
    scale = arrays[f"{name}_scale"].astype(np.float64)
    count = np.append(arrays[f"{name}_count"].astype(np.uint8), np.uint8(0))
    return NucleusTable(np.append(mean, unknown[0]), np.append(scale, unknown[1]), count)
