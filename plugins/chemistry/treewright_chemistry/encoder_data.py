"""The training set of the encoder: examples with edited isomers and pieces, laid out for fast drawing.

What is read stands in `encoder_sources`, the layout in `encoder_store`. Needs no torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase

from treewright_chemistry.capped_pieces import allowed_pieces, assert_no_reserved_piece
from treewright_chemistry.cutting import cut_molecule
from treewright_chemistry.edits import EDITS, apply_edit
from treewright_chemistry.encoder_features import MoleculeArrays, molecule_arrays
from treewright_chemistry.encoder_sources import (
    Example,
    block_of,
    computed_examples,
    measured_examples,
    pool_examples,
)
from treewright_chemistry.encoder_store import EncoderStore, join_molecules
from treewright_chemistry.encoder_tokens import COLUMNS, formula_row, peak_rows
from treewright_chemistry.held_out import assert_absent, in_validation, reserved_blocks
from treewright_chemistry.molgraph import MolGraph, UnsupportedMolecule
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.structures import Mol

PIECES: Final = 2_000
"""Most common pieces that spectra are drawn to."""
CHUNK: Final = 2_000

Integers = npt.NDArray[np.int64]
Log = Callable[[str], None]


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
        LeakError: an example, an edited isomer or a piece is reserved for evaluation.
    """
    assert_absent((example.block for example in examples), reserved, field="encoder training data")
    owners, firsts = _owners(examples)
    own = [examples[first] for first in firsts]
    with rdBase.BlockLogs():  # impossible edits are refused, not worth a line each
        edited = [edited_isomer(example.molecule, Random(example.block), reserved=reserved) for example in own]
    log(f"{len(own)} molecules, {sum(e is not None for e in edited)} with an edited isomer")
    pieces, contains = _pieces(own, reserved)
    log(f"{len(pieces)} pieces, {len(contains)} times contained")
    kept = [molecule for molecule in edited if molecule is not None]
    assert_absent(map(block_of, kept), reserved, field="edited isomers of the encoder training data")
    assert_no_reserved_piece(map(Chem.MolToSmiles, pieces), reserved, field="pieces of the encoder training data")
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


def edited_isomer(
    molecule: Mol, random: Random, *, moves: int = 1, tries: int = 12, reserved: frozenset[str] | None = None
) -> Mol | None:
    """Return another molecule of the same formula, a few edits away; None where none was found.

    Args:
        molecule: where the edits begin.
        random: chooses them.
        moves: edits that must be done at least.
        tries: edits that are tried at most.
        reserved: blocks that the result must not have; what InChI cannot name is then passed over too.
    """
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
            if Chem.MolToSmiles(found) == Chem.MolToSmiles(molecule, isomericSmiles=False):
                continue
            if reserved is None or ((block := block_of(found)) and block not in reserved):
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


def _pieces(own: list[Example], reserved: frozenset[str]) -> tuple[list[Mol], Integers]:
    """Return the most common allowed pieces of the measured molecules, and which molecule holds which."""
    found = [_cut(example.molecule) if example.measured else frozenset() for example in own]
    counts = Counter(piece for pieces in found for piece in pieces)
    ranked = list(islice(filter(allowed_pieces(reserved), _by_frequency(counts)), PIECES))
    numbers = {piece: number for number, piece in enumerate(ranked)}
    pairs = [(row, numbers[p]) for row, pieces in enumerate(found) for p in sorted(pieces) if p in numbers]
    return [Chem.MolFromSmiles(piece) for piece in ranked], np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _by_frequency(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda piece: (-counts[piece], piece))


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


def _numbered(texts: list[str]) -> Integers:
    """Return the same number for the same text."""
    return np.unique(texts, return_inverse=True)[1].astype(np.int64)
