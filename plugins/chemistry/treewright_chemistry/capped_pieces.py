"""Pieces that are reserved molecules themselves, once hydrogen stands at their open places.

Cutting anisole from a longer molecule gives ``*c1ccccc1OC``; with the place capped that piece *is* anisole. A table of
pieces, or a training set with such a piece, would hold the molecule although its source is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from rdkit import Chem, rdBase

from treewright_chemistry.errors import StructureError
from treewright_chemistry.held_out import assert_absent
from treewright_chemistry.structures import inchikey14

__all__ = ["allowed_pieces", "assert_no_reserved_piece", "capped_block"]

UNNAMED = ""
"""Stands for the block of what InChI cannot name: nobody could tell whether it is reserved."""


@lru_cache(maxsize=1 << 17)
def capped_block(smiles: str) -> str:
    """First InChIKey block of a piece with hydrogen at every open place; ``UNNAMED`` where there is none."""
    piece = Chem.MolFromSmiles(smiles)
    if piece is None:
        return UNNAMED
    editable = Chem.RWMol(piece)
    for atom in editable.GetAtoms():
        if atom.GetAtomicNum() == 0:
            atom.SetAtomicNum(1)
            atom.SetNoImplicit(True)
    try:
        with rdBase.BlockLogs():
            return inchikey14(Chem.MolFromSmiles(Chem.MolToSmiles(editable)))
    except StructureError:
        return UNNAMED


def allowed_pieces(reserved: frozenset[str]) -> Callable[[str], bool]:
    """Tell of a piece's SMILES whether it may be used: it has a name, capped, and that is not reserved."""
    refused = reserved | {UNNAMED}
    return lambda smiles: capped_block(smiles) not in refused


def assert_no_reserved_piece(pieces: Iterable[str], reserved: frozenset[str], *, field: str) -> None:
    """Refuse pieces that are reserved molecules when capped.

    Raises:
        LeakError: names the data and the first blocks found.
    """
    assert_absent(map(capped_block, pieces), reserved, field=field)
