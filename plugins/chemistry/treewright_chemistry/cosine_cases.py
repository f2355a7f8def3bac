"""Spectra, truths and decoys that the weight of the cosine is fitted on.

Every molecule belongs to the validation share, which shift tables, shift network and encoder were not
trained on, and to none of the reserved sets (MolPuzzle, NMRArena, ``held_out.txt``): so all figures on those
stay honest. Soft evidence: measured nmrshiftdb2 spectra. Exact evidence: CASCADE DFT8K, computed shifts in
the form of a calculator. Decoys: pool molecules of the same formula, and what a search finds: the best of a burst
that starts from the truth. These decide, since a search brings forth just what the score without the cosine likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.burst import burst
from treewright_chemistry.encoder import DualEncoder
from treewright_chemistry.encoder_decoys import Pool
from treewright_chemistry.encoder_sources import block_of, computed_examples, usable_molecule
from treewright_chemistry.errors import ChemistryError
from treewright_chemistry.formula import formula_of
from treewright_chemistry.held_out import assert_absent, hash_order, in_validation, reserved_blocks
from treewright_chemistry.hold_out_selection import ELEMENTS, HEAVY_ATOMS
from treewright_chemistry.likelihood import SpectrumFit
from treewright_chemistry.measured import measured_spectrum
from treewright_chemistry.nmrshiftdb import read_records
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum import Evidence, Spectrum
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.structures import Mol, constitution, parse_structure
from treewright_chemistry.substructure_file import shipped_substructures
from treewright_chemistry.torch_threads import one_torch_thread
from treewright_chemistry.unknowns import Unknowns

POOL_DECOYS: Final = 30
FOUND_DECOYS: Final = 30
EVALUATIONS: Final = 600
"""Candidates that the burst scores."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Held:
    """A spectrum and its molecule, both unknown to every model."""

    block: str
    molecule: Mol
    spectrum: Spectrum


@dataclass(frozen=True, slots=True)
class Scored:
    """Totals without the cosine, and cosines, of a truth (first) and its decoys, shape (1 + decoys,) each."""

    totals: Floats
    cosines: Floats


def held_spectra(data_dir: Path, evidence: Evidence, number: int) -> list[Held]:
    """Return at most ``number`` spectra of one evidence, chosen by the hash of their molecules.

    Raises:
        LeakError: a reserved molecule slipped in.
    """
    reserved = reserved_blocks(data_dir)
    found = _measured(data_dir, reserved) if evidence == "soft" else _computed(data_dir, reserved)
    by_block: dict[str, Held] = {}
    for held in found:
        by_block.setdefault(held.block, held)
    chosen = [by_block[block] for block in sorted(by_block, key=hash_order)[:number]]
    assert_absent((held.block for held in chosen), reserved, field="spectra of the cosine's weight")
    return chosen


class Scoring:
    """Finds decoys and scores them.

    Args:
        data_dir: the data folder.
        encoder: gives the cosines.
    """

    def __init__(self, data_dir: Path, encoder: DualEncoder) -> None:
        self._reserved = reserved_blocks()
        self._pool = Pool(data_dir)
        self._encoder = encoder
        self._tables = ShiftTables.load()
        self._unknowns = Unknowns(shipped_substructures(), network=False)

    def of(self, held: Held) -> Scored | None:
        """Return what the weight is fitted on; None where no decoy is known."""
        truth = constitution(held.molecule)
        decoys = {constitution(each): each for each in self._decoys(held, truth)}
        decoys.pop(truth, None)
        # deuterium stands in the pool as an atom of its own, which no candidate of a search has
        plain = [decoy for decoy in decoys.values() if decoy.GetNumAtoms() == decoy.GetNumHeavyAtoms()]
        molecules = [held.molecule, *(decoy for decoy in plain if block_of(decoy) not in self._reserved)]
        if len(molecules) < 2:
            return None
        totals = SpectrumFit(held.spectrum, self._tables).totals(molecules)
        with one_torch_thread():
            cosines = self._encoder.cosines(held.spectrum, molecules).astype(np.float64)
        return Scored(totals, cosines)

    def _decoys(self, held: Held, truth: str) -> list[Mol]:
        seed = hash_order(held.block)
        unknown = self._unknowns.of(SpectrumCodec().encode(held.spectrum))
        found = burst(
            unknown.composition,
            unknown.fit,
            seed=seed,
            evaluations=EVALUATIONS,
            kit=unknown.kit,
            starts=[truth],
            keep=FOUND_DECOYS,
        )
        listed = self._pool.isomers(held.molecule, Random(seed), POOL_DECOYS)
        return [*listed, *(parse_structure(each.smiles) for each in found.best)]


def _measured(data_dir: Path, reserved: frozenset[str]) -> Iterator[Held]:
    for record in read_records(data_dir):
        if record.block in reserved or not in_validation(record.block) or not record.carbon:
            continue
        molecule = usable_molecule(record.smiles, HEAVY_ATOMS[-1])
        if molecule is None or not _suitable(molecule) or block_of(molecule) != record.block:
            continue
        try:
            yield Held(record.block, molecule, measured_spectrum(record, formula_of(molecule)))
        except ChemistryError:
            continue


def _computed(data_dir: Path, reserved: frozenset[str]) -> Iterator[Held]:
    for example in computed_examples(data_dir, reserved):
        if in_validation(example.block) and _suitable(example.molecule):
            yield Held(example.block, example.molecule, example.spectrum)


def _suitable(molecule: Mol) -> bool:
    """Tell whether a molecule is of the size and the elements of the held-out evaluation set."""
    atoms = list(molecule.GetAtoms())
    return len(atoms) in HEAVY_ATOMS and {atom.GetAtomicNum() for atom in atoms} <= ELEMENTS
