"""Candidate molecules as flat arrays: everything the score needs, gathered in one pass over the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from treewright_chemistry.atom_kinds import AtomKind, atom_kind, formula_code
from treewright_chemistry.environments import RADII, identifier_rows
from treewright_chemistry.formula import Formula
from treewright_chemistry.structures import Mol, bond_orders, without_marks

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CandidateBatch:
    """The candidates of one formula among a batch; all have the same number of heavy atoms and carbons.

    Attributes:
        matching: whether each molecule of the batch has the formula, shape (batch,). The rest describes
            those that have.
        identifiers: of all heavy atoms, candidate by candidate, shape (candidates * atoms, RADII).
        orders: bond orders, shape (candidates, atoms, atoms).
        carbons: rows of the carbons, shape (candidates * carbons,).
        hydrogens: on each carbon, shape (candidates, carbons).
        vicinal: hydrogens on carbons bonded to each carbon, shape (candidates, carbons).
    """

    matching: npt.NDArray[np.bool_]
    identifiers: npt.NDArray[np.uint64]
    orders: npt.NDArray[np.float64]
    carbons: Integers
    hydrogens: Integers
    vicinal: Integers


def gather_candidates(molecules: Sequence[Mol], formula: Formula) -> CandidateBatch:
    """Gather the arrays of sanitized molecules; hydrogens that are atoms of their own (``[2H]``) count as implicit."""
    wanted = formula_code(formula)
    matching = np.zeros(len(molecules), dtype=np.bool_)
    rows: list[tuple[int, ...]] = []
    kinds: list[AtomKind] = []
    orders = []
    for number, given in enumerate(molecules):
        molecule = given if given.GetNumAtoms() == given.GetNumHeavyAtoms() else without_marks(given)
        own_rows = identifier_rows(molecule)
        own = [atom_kind(molecule, atom, row[1]) for atom, row in enumerate(own_rows)]
        if sum([kind.code for kind in own]) == wanted:
            matching[number] = True
            rows += own_rows
            kinds += own
            orders.append(bond_orders(molecule))
    return _batch(matching, rows, kinds, orders)


def _batch(
    matching: npt.NDArray[np.bool_],
    rows: list[tuple[int, ...]],
    kinds: list[AtomKind],
    orders: list[npt.NDArray[np.float64]],
) -> CandidateBatch:
    facts = np.array([kind[:3] for kind in kinds], dtype=np.int64).reshape(-1, 3)
    carbons = np.flatnonzero(facts[:, 0])
    return CandidateBatch(
        matching=matching,
        identifiers=np.array(rows, dtype=np.uint64).reshape(-1, RADII),
        orders=np.stack(orders) if orders else np.empty((0, 0, 0)),
        carbons=carbons,
        hydrogens=facts[carbons, 1].reshape(max(len(orders), 1), -1),
        vicinal=facts[carbons, 2].reshape(max(len(orders), 1), -1),
    )
