"""What the molecule encoder sees of a molecule: compact arrays of atoms, bonds and fingerprints.

Atoms carry what the graph tells and the shifts that the environment tables expect. Only environments seen
several times are used there: a molecule of the training set would otherwise find its own measured shifts
in the tables. Knows nothing about torch or about spectra.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

from treewright_chemistry.environments import RADII, identifier_rows
from treewright_chemistry.formula import VALENCE
from treewright_chemistry.shifts import NucleusTable, ShiftTables
from treewright_chemistry.structures import Mol

ELEMENTS: Final = (0, 6, 7, 8, 9, 16, 17, 35, 53, 5, 14, 15, 34)
"""Atomic numbers with a place of their own, 0 for an open place; all others share a last place."""
SYMBOLS: Final = tuple(VALENCE)
"""Elements counted in a formula, hydrogen first."""
LEAST_SEEN: Final = 3
"""Observations that an environment needs for its shifts to be used."""
MORGAN_BITS: Final = 2048
MACCS_BITS: Final = 167
GLOBALS: Final = MACCS_BITS + len(SYMBOLS) + 2

_MORGAN: Final = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=MORGAN_BITS)
_LOW: Final = np.uint64(0xFFFFFFFF)

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class MoleculeArrays:
    """Molecules one after the other in flat arrays.

    Attributes:
        atoms: element place, degree, hydrogens, charge + 2, aromatic, smallest ring (0 to 7), then for 13C
            and 1H the radius found (-1 to 5) and observations behind it (at most 255); shape (atoms, 10).
        shifts: 13C and 1H expected on carbons in ppm, 0 elsewhere; shape (atoms, 2).
        bonds: first atom, second atom (counted within the molecule), twice the order; shape (bonds, 3).
        bits: Morgan bit and its count; shape (bits, 2).
        globals: MACCS keys, element counts, degrees of unsaturation, open places; shape (molecules, GLOBALS).
        sizes: atoms, bonds and bits of each molecule; shape (molecules, 3).
    """

    atoms: Bytes
    shifts: Floats
    bonds: Bytes
    bits: Bytes
    globals: Floats
    sizes: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sizes)


def molecule_arrays(molecules: Sequence[Mol], tables: ShiftTables) -> MoleculeArrays:
    """Return the arrays of sanitized molecules with implicit hydrogens; dummy atoms are open places."""
    rows: list[tuple[int, ...]] = []
    parts = []
    for molecule in molecules:
        rows += identifier_rows(molecule)
        parts.append(_one(molecule))
    known, shifts = expected_shifts(np.array(rows, dtype=np.uint64).reshape(-1, RADII), tables)
    atoms = np.concatenate([part[0] for part in parts])
    carbon = atoms[:, 0] == ELEMENTS.index(6)
    shifts[~carbon] = 0.0
    known[~carbon] = (-1, 0, -1, 0)
    return MoleculeArrays(
        atoms=np.concatenate([atoms, known], axis=1),
        shifts=shifts,
        bonds=np.concatenate([part[1] for part in parts]),
        bits=np.concatenate([part[2] for part in parts]),
        globals=np.stack([part[3] for part in parts]),
        sizes=np.array([[len(part[0]), len(part[1]), len(part[2])] for part in parts], dtype=np.int64),
    )


def expected_shifts(identifiers: npt.NDArray[np.uint64], tables: ShiftTables) -> tuple[Bytes, Floats]:
    """Return (radius, observations) and expected shift of both nuclei, shapes (atoms, 4) and (atoms, 2)."""
    rows, known = tables.rows(identifiers & _LOW)
    found = [_deepest(table, rows, known) for table in (tables.carbon, tables.proton)]
    marks = np.stack([found[0][0], found[0][1], found[1][0], found[1][1]], axis=1).astype(np.int16)
    return marks, np.stack([found[0][2], found[1][2]], axis=1).astype(np.float32)


def _deepest(
    table: NucleusTable, rows: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    usable = known & (table.count[rows] >= LEAST_SEEN)
    radius = RADII - 1 - np.argmax(usable[:, ::-1], axis=1)
    here = np.arange(len(rows))
    seen = usable[here, radius]
    row = np.where(seen, rows[here, radius], len(table.mean) - 1)
    return np.where(seen, radius, -1), table.count[row], table.mean[row]


def _one(molecule: Mol) -> tuple[Bytes, Bytes, Bytes, Floats]:
    atoms = list(molecule.GetAtoms())
    rings = _smallest_rings(molecule)
    rows = [
        (
            _place(atom.GetAtomicNum()),
            min(atom.GetDegree(), 6),
            min(atom.GetTotalNumHs(), 4),
            min(max(atom.GetFormalCharge(), -2), 2) + 2,
            int(atom.GetIsAromatic()),
            rings[index],
        )
        for index, atom in enumerate(atoms)
    ]
    bonds = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx(), round(2 * b.GetBondTypeAsDouble())) for b in molecule.GetBonds()]
    bits = list(_MORGAN.GetCountFingerprint(molecule).GetNonzeroElements().items())
    return (
        np.array(rows, dtype=np.int16).reshape(-1, 6),
        np.array(bonds, dtype=np.int16).reshape(-1, 3),
        np.array(bits, dtype=np.int16).reshape(-1, 2),
        _globals(molecule, atoms),
    )


def _place(number: int) -> int:
    return ELEMENTS.index(number) if number in ELEMENTS else len(ELEMENTS)


def _smallest_rings(molecule: Mol) -> list[int]:
    """Return 0 for atoms outside rings, the ring size for rings of 3 to 6, 7 for larger ones."""
    sizes = [0] * molecule.GetNumAtoms()
    for ring in sorted(molecule.GetRingInfo().AtomRings(), key=len, reverse=True):
        for atom in ring:
            sizes[atom] = min(len(ring), 7)
    return sizes


def _globals(molecule: Mol, atoms: list[Mol]) -> Floats:
    values = np.zeros(GLOBALS, dtype=np.float32)
    values[list(rdMolDescriptors.GetMACCSKeysFingerprint(molecule).GetOnBits())] = 1.0
    counts = dict.fromkeys(SYMBOLS, 0)
    for atom in atoms:
        counts["H"] += atom.GetTotalNumHs()
        if atom.GetSymbol() in counts:
            counts[atom.GetSymbol()] += 1
    values[MACCS_BITS:-2] = list(counts.values())
    values[-2] = unsaturation(counts)
    values[-1] = sum(atom.GetAtomicNum() == 0 for atom in atoms)
    return values


def unsaturation(counts: dict[str, int]) -> float:
    """Return rings plus extra bonds of element counts, each element in its lowest common valence."""
    return 1.0 + sum(number * (VALENCE[element] - 2) for element, number in counts.items()) / 2.0
