"""Training data of the encoder: measured and simulated spectra with their molecules.

Sources: nmrshiftdb2 (measured; the 13C spectra of CASCADE Exp5K are among them), CASCADE DFT8K (shifts
from quantum chemistry, printed in the calculator's form), and molecules of the SMILES pool with spectra
from the shift tables. Reserved molecules are dropped while reading and asserted absent from the result.
Needs no torch.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase

from treewright_chemistry.cutting import cut_molecule
from treewright_chemistry.edits import EDITS, apply_edit
from treewright_chemistry.encoder_features import MoleculeArrays, molecule_arrays
from treewright_chemistry.encoder_simulation import calculated_spectrum, class_lines
from treewright_chemistry.encoder_store import EncoderStore, join_molecules
from treewright_chemistry.encoder_tokens import COLUMNS, formula_row, peak_rows
from treewright_chemistry.errors import ChemistryError, StructureError
from treewright_chemistry.formula import formula_of, parse_formula
from treewright_chemistry.held_out import assert_absent, in_validation, reserved_blocks
from treewright_chemistry.measured import measured_spectrum
from treewright_chemistry.molgraph import MolGraph, UnsupportedMolecule
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
PIECES: Final = 2_000
DFT_SCALE: Final = (1.5, 0.15)
"""ppm; noise put on computed 13C and 1H shifts."""
CHUNK: Final = 2_000

Integers = npt.NDArray[np.int64]
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Example:
    """A molecule and one spectrum of it; ``scales`` is the noise of each peak in ppm, 0 if measured."""

    molecule: Mol
    block: str
    spectrum: Spectrum
    scales: tuple[float, ...]
    measured: bool


@dataclass(frozen=True, slots=True)
class DataOptions:
    """How much to read: at most so many molecules of each source."""

    measured: int = 100_000
    computed: int = 10_000
    pool: int = 60_000


def load_store(data_dir: Path, tables: ShiftTables, options: DataOptions, log: Log = print) -> EncoderStore:
    """Read all sources and return the store.

    Raises:
        LeakError: a reserved molecule slipped in (a fault of this code, asserted rather than trusted).
    """
    reserved = reserved_blocks(data_dir)
    examples: list[Example] = []
    for name, source, limit in (
        ("measured", measured_examples(data_dir, reserved), options.measured),
        ("computed", computed_examples(data_dir, reserved), options.computed),
        ("pool", pool_examples(data_dir, reserved, tables, options.pool), options.pool),
    ):
        taken = [example for _, example in zip(range(limit), source, strict=False)]
        log(f"{len(taken)} {name} spectra")
        examples += taken
    return build_store(examples, tables, reserved, log)


def build_store(
    examples: list[Example], tables: ShiftTables, reserved: frozenset[str], log: Log = print
) -> EncoderStore:
    """Lay examples out in flat arrays, with an edited isomer of each molecule and its common pieces.

    Raises:
        LeakError: an example is reserved for evaluation.
    """
    assert_absent((example.block for example in examples), reserved, field="encoder training data")
    owners, firsts = _owners(examples)
    own = [examples[first] for first in firsts]
    with rdBase.BlockLogs():  # impossible edits are refused, not worth a line each
        edited = [edited_isomer(example.molecule, Random(example.block)) for example in own]
    log(f"{len(own)} molecules, {sum(e is not None for e in edited)} with an edited isomer")
    pieces, contains = _pieces(own)
    log(f"{len(pieces)} pieces, {len(contains)} times contained")
    kept = [molecule for molecule in edited if molecule is not None]
    numbers = iter(range(len(own), len(own) + len(kept)))
    parts = _arrays([e.molecule for e in own] + kept + pieces, tables, log)
    peaks = [peak_rows(example.spectrum) for example in examples]
    return EncoderStore(
        molecules=join_molecules(parts),
        blocks=np.array([example.block for example in own]),
        formulas=_numbered([str(example.spectrum.formula) for example in own]),
        validation=np.array([in_validation(example.block) for example in own]),
        edited=np.array([-1 if e is None else next(numbers) for e in edited], dtype=np.int64),
        piece_numbers=np.arange(len(pieces), dtype=np.int64) + len(own) + len(kept),
        contains=contains,
        peaks=np.concatenate(peaks).reshape(-1, COLUMNS),
        scales=np.array([scale for example in examples for scale in example.scales], dtype=np.float32),
        formula_rows=np.stack([formula_row(e.spectrum.formula, exact=not e.measured) for e in examples]),
        owners=owners,
        measured=np.array([example.measured for example in examples]),
        starts=np.cumsum([0, *map(len, peaks)], dtype=np.int64),
    )


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


def pool_examples(
    data_dir: Path, reserved: frozenset[str], tables: ShiftTables, limit: int
) -> Iterator[Example]:
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


def edited_isomer(molecule: Mol, random: Random, *, moves: int = 1, tries: int = 12) -> Mol | None:
    """Return another molecule of the same formula, a few edits away; None where none was found."""
    try:
        start = MolGraph.from_mol(molecule)
    except UnsupportedMolecule:
        return None
    graph, done, names = start, 0, list(EDITS)
    for _ in range(tries):
        changed = apply_edit(random.choice(names), graph, random, [1.0] * len(graph.elements))
        if changed is not None:
            graph, done = changed, done + 1
        if done >= moves and (found := graph.to_mol()) is not None:
            if Chem.MolToSmiles(found) != Chem.MolToSmiles(molecule, isomericSmiles=False):
                return found
    return None


def _owners(examples: list[Example]) -> tuple[Integers, list[int]]:
    """Return the molecule of each example, and the first example of each molecule."""
    numbers: dict[str, int] = {}
    firsts: list[int] = []
    owners = []
    for position, example in enumerate(examples):
        if example.block not in numbers:
            numbers[example.block] = len(firsts)
            firsts.append(position)
        owners.append(numbers[example.block])
    return np.array(owners, dtype=np.int64), firsts


def _pieces(own: list[Example]) -> tuple[list[Mol], Integers]:
    """Return the most common pieces of the measured molecules, and which molecule holds which."""
    found = [_cut(example.molecule) if example.measured else frozenset() for example in own]
    counts = Counter(piece for pieces in found for piece in pieces)
    ranked = sorted(counts, key=lambda piece: (-counts[piece], piece))[:PIECES]
    numbers = {piece: number for number, piece in enumerate(ranked)}
    pairs = [(row, numbers[p]) for row, pieces in enumerate(found) for p in sorted(pieces) if p in numbers]
    return [Chem.MolFromSmiles(piece) for piece in ranked], np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _cut(molecule: Mol) -> frozenset[str]:
    try:
        return frozenset(piece.smiles for piece in cut_molecule(molecule))
    except UnsupportedMolecule:
        return frozenset()


def _arrays(molecules: list[Mol], tables: ShiftTables, log: Log) -> list[MoleculeArrays]:
    parts = []
    for start in range(0, len(molecules), CHUNK):
        parts.append(molecule_arrays(molecules[start : start + CHUNK], tables))
        if start % (10 * CHUNK) == 0:
            log(f"features of {start} of {len(molecules)} molecules")
    return parts


def _computed(explicit: Mol, shifts: dict[int, float]) -> tuple[Mol, Prediction]:
    """Return the molecule without explicit hydrogens, and its computed shifts as a prediction."""
    carbon, proton = {}, {}
    for atom in explicit.GetAtoms():
        atom.SetIntProp("source", atom.GetIdx())
        own = [
            shifts[n.GetIdx()] for n in atom.GetNeighbors() if n.GetAtomicNum() == 1 and n.GetIdx() in shifts
        ]
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


def _numbered(texts: list[str]) -> Integers:
    """Return the same number for the same text."""
    return np.unique(texts, return_inverse=True)[1].astype(np.int64)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
