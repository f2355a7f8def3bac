"""Candidate molecules as flat arrays: everything the score needs, gathered in one pass over the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from treewright_chemistry.atom_kinds import atom_kind
from treewright_chemistry.environments import RADII, identifier_rows
from treewright_chemistry.structures import Mol

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CandidateBatch:
    """A batch of candidates.

    Attributes:
        codes: formula code of each candidate.
        sizes: heavy atoms of each candidate, shape (candidates,).
        identifiers: of all heavy atoms, candidate by candidate, shape (atoms, RADII).
        carbon: whether each heavy atom is a carbon, shape (atoms,).
        hydrogens: on each heavy atom, shape (atoms,).
        vicinal: hydrogens on carbons bonded to each heavy atom, shape (atoms,).
    """

    codes: list[int]
    sizes: Integers
    identifiers: npt.NDArray[np.uint64]
    carbon: npt.NDArray[np.bool_]
    hydrogens: Integers
    vicinal: Integers


def gather_candidates(molecules: Sequence[Mol]) -> CandidateBatch:
    """Gather the arrays of sanitized molecules with implicit hydrogens."""
    rows: list[tuple[int, ...]] = []
    kinds: list[tuple[bool, int, int, int]] = []
    codes, sizes = [], []
    for molecule in molecules:
        own_rows = identifier_rows(molecule)
        own = [atom_kind(molecule, number, row[1]) for number, row in enumerate(own_rows)]
        rows += own_rows
        kinds += own
        codes.append(sum(kind.code for kind in own))
        sizes.append(len(own))
    carbon, hydrogens, vicinal, _ = zip(*kinds, strict=True) if kinds else ((), (), (), ())
    return CandidateBatch(
        codes=codes,
        sizes=np.array(sizes, dtype=np.int64),
        identifiers=np.array(rows, dtype=np.uint64).reshape(-1, RADII),
        carbon=np.array(carbon, dtype=np.bool_),
        hydrogens=np.array(hydrogens, dtype=np.int64),
        vicinal=np.array(vicinal, dtype=np.int64),
    )
