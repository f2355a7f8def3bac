"""Reading spectra with their molecules for the encoder, measured and simulated.

Sources: nmrshiftdb2 (measured; the 13C spectra of CASCADE Exp5K are among them), CASCADE DFT8K (shifts
from quantum chemistry, printed in the calculator's form), and molecules of the SMILES pool with spectra
from the shift tables. Reserved molecules are dropped here, and asserted absent in `encoder_data`.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from rdkit import Chem, rdBase

from treewright_chemistry.encoder_simulation import calculated_spectrum, class_lines
from treewright_chemistry.encoder_tokens import peak_rows
from treewright_chemistry.errors import ChemistryError, StructureError
from treewright_chemistry.formula import formula_of, parse_formula
from treewright_chemistry.measured import measured_spectrum
from treewright_chemistry.nmrshiftdb import read_records
from treewright_chemistry.shift_types import Prediction, Shifts
from treewright_chemistry.shifts import ShiftTables, carbon_atoms
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.structures import Mol, inchikey14

POOL: Final = "chemistry/smiles_pool.tsv.gz"
DFT_STRUCTURES: Final = "chemistry/cascade_dft8k.sdf.gz"
DFT_SHIFTS: Final = "chemistry/cascade_dft8k.csv.gz"
MAX_HEAVY: Final = {"measured": 32, "pool": 22}
SMALL: Final = 10
"""Heavy atoms up to which a formula has many isomers in the pool."""
ISOMERS: Final = {True: 40, False: 6}
"""Pool molecules taken of one formula, small ones and others."""
DFT_SCALE: Final = (1.5, 0.15)
"""ppm; noise put on computed 13C and 1H shifts."""


@dataclass(frozen=True, slots=True)
class Example:
    """A molecule and one spectrum of it; ``scales`` is the noise of each peak in ppm, 0 if measured."""

    molecule: Mol
    block: str
    spectrum: Spectrum
    scales: tuple[float, ...]
    measured: bool


def measured_examples(data_dir: Path, reserved: frozenset[str]) -> Iterator[Example]:
    """Yield the usable measured spectra of nmrshiftdb2."""
    for record in read_records(data_dir):
        molecule = None if record.block in reserved else usable_molecule(record.smiles, MAX_HEAVY["measured"])
        # A record whose SMILES does not fit its key could hide a reserved molecule.
        if molecule is None or block_of(molecule) != record.block:
            continue
        try:
            spectrum = measured_spectrum(record, formula_of(molecule), letters=True)
        except ChemistryError:
            continue
        yield Example(molecule, record.block, spectrum, (0.0,) * len(peak_rows(spectrum)), measured=True)


def computed_examples(data_dir: Path, reserved: frozenset[str]) -> Iterator[Example]:
    """Yield the molecules of CASCADE DFT8K with their computed shifts in the calculator's form."""
    shifts: dict[str, dict[int, float]] = defaultdict(dict)
    with gzip.open(data_dir / DFT_SHIFTS, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            shifts[row["mol_id"]][int(row["atom_index"])] = float(row["Shift"])
    with rdBase.BlockLogs(), gzip.open(data_dir / DFT_STRUCTURES) as stream:
        for explicit in Chem.ForwardSDMolSupplier(stream, removeHs=False):
            if explicit is None:
                continue
            bare, predicted = _computed(explicit, shifts[explicit.GetProp("_Name")])
            molecule = usable_molecule(Chem.MolToSmiles(bare), MAX_HEAVY["pool"])
            block = "" if molecule is None else block_of(molecule)
            if not block or block in reserved:
                continue
            if len(predicted.carbons) and np.isfinite(predicted.carbon.mean).all():
                yield simulated_example(bare, block, predicted)


def pool_examples(data_dir: Path, reserved: frozenset[str], tables: ShiftTables, limit: int) -> Iterator[Example]:
    """Yield pool molecules with the shifts of the tables, isomers together."""
    for _, smiles_list in pool_isomers(data_dir, MAX_HEAVY["pool"], limit):
        for smiles in smiles_list:
            molecule = usable_molecule(smiles, MAX_HEAVY["pool"])
            block = "" if molecule is None else block_of(molecule)
            if block and block not in reserved and len(carbon_atoms(molecule)):
                yield simulated_example(molecule, block, tables.predict(molecule))


def pool_isomers(data_dir: Path, largest: int, limit: int) -> list[tuple[str, list[str]]]:
    """Return formulas with at least two molecules, and some of these, in an order fixed by hashes."""
    groups: dict[str, list[tuple[bytes, str]]] = defaultdict(list)
    sizes: dict[str, int] = {}
    with gzip.open(data_dir / POOL, "rt", encoding="utf-8") as lines:
        for line in lines:
            smiles, formula, heavy, _ = line.rstrip("\n").split("\t")
            if int(heavy) <= largest:
                groups[formula].append((_hash(smiles), smiles))
                sizes[formula] = int(heavy)
    chosen, total = [], 0
    for formula in sorted((f for f, group in groups.items() if len(group) > 1), key=_hash):
        isomers = [smiles for _, smiles in sorted(groups[formula])[: ISOMERS[sizes[formula] <= SMALL]]]
        chosen.append((formula, isomers))
        total += len(isomers)
        if total > 1.1 * limit:
            break
    return chosen


def simulated_example(molecule: Mol, block: str, predicted: Prediction) -> Example:
    """Return a molecule with the bare predicted spectrum; the noise comes when batches are drawn."""
    spectrum = calculated_spectrum(molecule, predicted, np.random.default_rng(0), noise=0.0)
    lines = class_lines(molecule, predicted)
    carbon = sorted((round(line.carbon, 1), line.carbon_scale) for line in lines)
    proton = sorted((round(line.proton, 2), line.proton_scale) for line in lines if line.hydrogens)
    scales = tuple(scale for _, scale in carbon + proton)
    return Example(molecule, block, spectrum, scales, measured=False)


def usable_molecule(smiles: str, largest: int) -> Mol | None:
    """Return the molecule if it is one neutral fragment of supported elements, and not too large."""
    with rdBase.BlockLogs():
        molecule = None if "." in smiles or len(smiles) > 300 else Chem.MolFromSmiles(smiles)
    if molecule is None or not 2 <= molecule.GetNumHeavyAtoms() <= largest:
        return None
    try:
        parse_formula(str(formula_of(molecule)))
    except ChemistryError:
        return None
    return None if Chem.GetFormalCharge(molecule) else molecule


def block_of(molecule: Mol) -> str:
    """Return the first InChIKey block, empty where none can be computed."""
    try:
        return inchikey14(molecule)
    except StructureError:
        return ""


def _computed(explicit: Mol, shifts: dict[int, float]) -> tuple[Mol, Prediction]:
    """Return the molecule without explicit hydrogens, and its computed shifts as a prediction."""
    carbon, proton = {}, {}
    for atom in explicit.GetAtoms():
        atom.SetIntProp("source", atom.GetIdx())
        own = [shifts[n.GetIdx()] for n in atom.GetNeighbors() if n.GetAtomicNum() == 1 and n.GetIdx() in shifts]
        carbon[atom.GetIdx()] = shifts.get(atom.GetIdx(), np.nan)
        proton[atom.GetIdx()] = float(np.mean(own)) if own else 0.0
    bare = Chem.RemoveHs(explicit)
    sources = [atom.GetIntProp("source") for atom in bare.GetAtoms() if atom.GetAtomicNum() == 6]
    plain = Shifts(
        np.zeros(len(sources)), np.ones(len(sources)), np.zeros(len(sources), np.int64), np.ones(len(sources))
    )
    return bare, Prediction(
        carbons=carbon_atoms(bare),
        carbon=replace(plain, mean=np.array([carbon[s] for s in sources]), scale=plain.scale * DFT_SCALE[0]),
        proton=replace(plain, mean=np.array([proton[s] for s in sources]), scale=plain.scale * DFT_SCALE[1]),
    )


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
