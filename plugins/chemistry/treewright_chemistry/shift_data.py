"""Training data of the shift tables: carbons with their environments, and what is known of their shifts.

Three sources: nmrshiftdb2 (measured, unassigned 13C and 1H), CASCADE Exp5K (measured, assigned 13C) and
CASCADE DFT8K (computed, assigned 1H). Reserved molecules are dropped while reading and asserted absent.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase

from treewright_chemistry.environments import environments
from treewright_chemistry.errors import StructureError
from treewright_chemistry.held_out import assert_absent, reserved_blocks
from treewright_chemistry.nmrshiftdb import Record, read_records
from treewright_chemistry.structures import Mol, inchikey14, symmetry_classes

EXP5K: Final = "chemistry/cascade_exp5k.sdf.gz"
DFT8K_STRUCTURES: Final = "chemistry/cascade_dft8k.sdf.gz"
DFT8K_SHIFTS: Final = "chemistry/cascade_dft8k.csv.gz"
MAX_HEAVY: Final = 40
"""Larger molecules are left out: their assignment is uncertain and their environments seldom recur."""

LISTED_SHARE: Final = 0.6
"""Share of the classes of hydrogens that a 1H list must hold to be used; sources often leave a few out."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TrainingMolecule:
    """The carbons of one molecule and its shifts.

    Attributes:
        block: first InChIKey block.
        identifiers: environment identifiers of all heavy atoms, shape (heavy atoms, radii).
        bonds: first atom, second atom, twice the bond order, shape (bonds, 3).
        carbons: numbers of the carbon atoms, shape (carbons,).
        hydrogens: hydrogens on each carbon, shape (carbons,).
        classes: topological class of each carbon, shape (carbons,).
        labile: hydrogens on other atoms.
        carbon: assigned 13C shift of each carbon in ppm, NaN where unknown, shape (carbons,).
        proton: assigned mean 1H shift of each carbon's hydrogens in ppm, NaN where unknown, shape (carbons,).
        slots: unassigned observations, shape (slots, 3): 13C shift, attached hydrogens, mean 1H shift; NaN
            where unknown. One slot is one atom of the source; its values belong together.
        computed: the proton shifts come from quantum chemistry and need a map to measured ones.
    """

    block: str
    identifiers: npt.NDArray[np.uint64]
    bonds: Integers
    carbons: Integers
    hydrogens: Integers
    classes: Integers
    labile: int
    carbon: Floats
    proton: Floats
    slots: Floats
    computed: bool = False

    @property
    def environments(self) -> npt.NDArray[np.uint64]:
        """Identifiers of the carbons, shape (carbons, radii)."""
        return self.identifiers[self.carbons]


def load_training_molecules(data_dir: Path) -> list[TrainingMolecule]:
    """Return all usable training molecules, none of them reserved.

    Raises:
        LeakError: a reserved molecule slipped in (a fault of this code, asserted rather than trusted).
    """
    reserved = reserved_blocks(data_dir)
    assigned = list(_exp5k(data_dir, reserved))
    known = {molecule.block for molecule in assigned}
    molecules = assigned + list(_dft8k(data_dir, reserved)) + list(_measured(data_dir, reserved, known))
    assert_absent((molecule.block for molecule in molecules), reserved, field="shift training data")
    return molecules


def _exp5k(data_dir: Path, reserved: frozenset[str]) -> Iterator[TrainingMolecule]:
    for molecule in _structures(data_dir / EXP5K):
        entries = molecule.GetProp("C13 chemical shift").strip().split("|")
        shifts = {int(atom): float(shift) for atom, shift in (entry.split(",") for entry in entries if entry)}
        block = inchikey14(molecule)
        if block not in reserved:
            yield _assigned(molecule, block, shifts, computed=False)


def _dft8k(data_dir: Path, reserved: frozenset[str]) -> Iterator[TrainingMolecule]:
    shifts: dict[str, dict[int, float]] = defaultdict(dict)
    with gzip.open(data_dir / DFT8K_SHIFTS, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["atom_type"] == "1":
                shifts[row["mol_id"]][int(row["atom_index"])] = float(row["Shift"])
    for molecule in _structures(data_dir / DFT8K_STRUCTURES):
        block = inchikey14(molecule)
        if block not in reserved:
            yield _assigned(molecule, block, shifts[molecule.GetProp("_Name")], computed=True)


def _structures(path: Path) -> Iterator[Mol]:
    with rdBase.BlockLogs(), gzip.open(path) as stream:
        for molecule in Chem.ForwardSDMolSupplier(stream, removeHs=False):
            if molecule is not None and molecule.GetNumHeavyAtoms() <= MAX_HEAVY:
                yield molecule


def _assigned(molecule: Mol, block: str, shifts: dict[int, float], *, computed: bool) -> TrainingMolecule:
    """Carry shifts by explicit atom number over to the molecule without explicit hydrogens."""
    carbon, proton = {}, {}
    for atom in molecule.GetAtoms():
        if atom.GetAtomicNum() != 6:
            continue
        atom.SetIntProp("source", atom.GetIdx())
        carbon[atom.GetIdx()] = shifts.get(atom.GetIdx(), np.nan)
        own = [shifts[n.GetIdx()] for n in atom.GetNeighbors() if n.GetAtomicNum() == 1 and n.GetIdx() in shifts]
        proton[atom.GetIdx()] = float(np.mean(own)) if own else np.nan
    bare = Chem.RemoveHs(molecule)
    sources = [atom.GetIntProp("source") for atom in bare.GetAtoms() if atom.GetAtomicNum() == 6]
    return _training_molecule(
        bare,
        block,
        carbon=np.array([carbon[source] for source in sources]),
        proton=np.array([proton[source] for source in sources]),
        computed=computed,
    )


def _measured(data_dir: Path, reserved: frozenset[str], known: set[str]) -> Iterator[TrainingMolecule]:
    for record in read_records(data_dir):
        if record.block in reserved or "." in record.smiles:
            continue
        molecule = _parsed(record)
        if molecule is None:
            continue
        # Exp5K holds the 13C spectra of its molecules with their assignment; here they would count twice.
        slots = _slots(record, carbon=record.block not in known)
        candidate = _training_molecule(molecule, record.block, slots=slots)
        if _usable(candidate):
            yield candidate


def _parsed(record: Record) -> Mol | None:
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(record.smiles)
    if molecule is None or molecule.GetNumHeavyAtoms() > MAX_HEAVY:
        return None
    try:
        # The key of the source is checked: a record whose SMILES and key differ could hide a reserved
        # molecule.
        return molecule if inchikey14(molecule) == record.block else None
    except StructureError:
        return None


def _slots(record: Record, *, carbon: bool) -> Floats:
    """Return the observations of each nucleus, joined by the atom numbers of the source."""
    rows: dict[str, list[float]] = {}
    for atom, (shift, attached) in _carbon_lines(record).items() if carbon else ():
        rows[atom] = [shift, attached, np.nan]
    protons: dict[str, list[float]] = defaultdict(list)
    for signal in record.proton[0] if record.proton else ():
        protons[signal.atom].append(signal.shift)
    for atom, shifts in protons.items():
        rows.setdefault(atom, [np.nan, np.nan, np.nan])[2] = float(np.mean(shifts))
    return np.array(list(rows.values())).reshape(-1, 3)


def _carbon_lines(record: Record) -> dict[str, tuple[float, float]]:
    """Return shift and attached hydrogens by atom: medians over all 13C spectra of the same atoms."""
    spectra = [{signal.atom: signal for signal in spectrum} for spectrum in record.carbon]
    alike = [spectrum for spectrum in spectra if spectrum.keys() == spectra[0].keys()]
    lines = {}
    for atom in spectra[0] if spectra else ():
        letters = {spectrum[atom].attached for spectrum in alike} - {None}
        attached = float(letters.pop() or 0) if len(letters) == 1 else np.nan
        lines[atom] = (float(np.median([spectrum[atom].shift for spectrum in alike])), attached)
    return lines


def _usable(molecule: TrainingMolecule) -> bool:
    """Tell whether the number of observations allows an assignment of either nucleus."""
    slots = molecule.slots
    carbons, classes = len(molecule.hydrogens), len(set(molecule.classes))
    lines = int(np.isfinite(slots[:, 0]).sum())
    if lines:
        return classes <= lines <= carbons and carbons > 0
    bearing = molecule.hydrogens > 0
    groups, distinct = len(slots), len(set(molecule.classes[bearing]))
    return LISTED_SHARE * distinct <= groups <= int(bearing.sum()) + molecule.labile and groups > 0


def bond_rows(molecule: Mol) -> Integers:
    """Return first atom, second atom and twice the order of every bond, shape (bonds, 3)."""
    rows = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx(), round(2 * b.GetBondTypeAsDouble())) for b in molecule.GetBonds()]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def _training_molecule(
    molecule: Mol,
    block: str,
    *,
    carbon: Floats | None = None,
    proton: Floats | None = None,
    slots: Floats | None = None,
    computed: bool = False,
) -> TrainingMolecule:
    atoms: list[Any] = list(molecule.GetAtoms())
    carbons = np.array([atom.GetIdx() for atom in atoms if atom.GetAtomicNum() == 6], dtype=np.int64)
    hydrogens = np.array([atoms[index].GetTotalNumHs() for index in carbons.tolist()], dtype=np.int64)
    unknown = np.full(len(carbons), np.nan)
    return TrainingMolecule(
        block=block,
        identifiers=environments(molecule),
        bonds=bond_rows(molecule),
        carbons=carbons,
        hydrogens=hydrogens,
        classes=np.array(symmetry_classes(molecule), dtype=np.int64)[carbons],
        labile=sum(atom.GetTotalNumHs() for atom in atoms) - int(hydrogens.sum()),
        carbon=unknown if carbon is None else carbon,
        proton=unknown if proton is None else proton,
        slots=np.empty((0, 3)) if slots is None else slots,
        computed=computed,
    )
