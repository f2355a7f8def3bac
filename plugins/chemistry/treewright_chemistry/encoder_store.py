"""The training set of the encoder as flat arrays: molecules, spectra, and what belongs to what.

Knows nothing about where the data come from (`encoder_data`) or how batches are drawn (`encoder_batches`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from treewright_chemistry.encoder_features import MoleculeArrays
from treewright_chemistry.model_files import read_arrays, write_arrays

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EncoderStore:
    """Spectra and molecules.

    Molecules come in this order: those with spectra, edited isomers of them, pieces of them.

    Attributes:
        molecules: all molecules.
        blocks: first InChIKey block of each molecule with spectra, shape (own,).
        formulas: number of its formula, shape (own,).
        validation: whether it is held out, shape (own,).
        edited: number of an edited isomer of it, -1 where there is none, shape (own,).
        piece_numbers: numbers of the piece molecules, shape (pieces,).
        contains: molecule and piece (by position in ``piece_numbers``), sorted by molecule, shape (pairs, 2).
        peaks: rows of all spectra (``encoder_tokens``), shape (peaks, COLUMNS).
        scales: noise scale of each peak in ppm, 0 for a measured one, shape (peaks,).
        formula_rows: one per spectrum, shape (spectra, FORMULA_COLUMNS).
        owners: molecule of each spectrum, shape (spectra,).
        measured: whether the spectrum was measured, shape (spectra,).
        starts: first peak of each spectrum and the end, shape (spectra + 1,).
    """

    molecules: MoleculeArrays
    blocks: npt.NDArray[np.str_]
    formulas: Integers
    validation: npt.NDArray[np.bool_]
    edited: Integers
    piece_numbers: Integers
    contains: Integers
    peaks: Floats
    scales: Floats
    formula_rows: Floats
    owners: Integers
    measured: npt.NDArray[np.bool_]
    starts: Integers


def write_store(path: Path, store: EncoderStore) -> None:
    """Write a store, so that training can be resumed without preparing the data again."""
    arrays = {field.name: getattr(store, field.name) for field in fields(store) if field.name != "molecules"}
    molecules = {f"molecules_{field.name}": getattr(store.molecules, field.name) for field in fields(MoleculeArrays)}
    write_arrays(path, arrays | molecules)


def read_store(path: Path) -> EncoderStore:
    """Return a store.

    Raises:
        TableError: the file is missing or damaged.
    """
    arrays = read_arrays(path)
    molecules = {field.name: arrays.pop(f"molecules_{field.name}") for field in fields(MoleculeArrays)}
    return EncoderStore(molecules=MoleculeArrays(**molecules), **arrays)


def join_molecules(parts: Sequence[MoleculeArrays]) -> MoleculeArrays:
    """Return the molecules of all parts, in order."""
    return MoleculeArrays(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(MoleculeArrays)))


class MoleculePicker:
    """Takes chosen molecules out of flat arrays."""

    def __init__(self, molecules: MoleculeArrays) -> None:
        self._molecules = molecules
        self._starts = np.concatenate([np.zeros((1, 3), np.int64), np.cumsum(molecules.sizes, axis=0)])

    def pick(self, numbers: Integers) -> MoleculeArrays:
        """Return the molecules with these numbers, in the given order."""
        m, sizes = self._molecules, self._molecules.sizes[numbers]
        atoms, bonds, bits = (ranges(self._starts[numbers, k], sizes[:, k]) for k in range(3))
        return MoleculeArrays(m.atoms[atoms], m.shifts[atoms], m.bonds[bonds], m.bits[bits], m.globals[numbers], sizes)


def ranges(starts: Integers, lengths: Integers) -> Integers:
    """Return start, start + 1, ... of every range, one range after the other."""
    ends = np.cumsum(lengths)
    offsets = np.repeat(starts - (ends - lengths), lengths)
    numbers: Integers = np.arange(len(offsets), dtype=np.int64) + offsets
    return numbers
