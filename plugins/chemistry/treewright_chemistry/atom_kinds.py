"""Facts about atoms read from their environment identifiers, without asking RDKit again.

The identifier at radius 0 fixes element and hydrogens of an atom, the one at radius 1 its direct neighbours
too. Both are asked from RDKit once, when an identifier is met for the first time, and remembered: a
dictionary look-up takes 50 ns, the RDKit calls it replaces about 2 microseconds an atom.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from treewright_chemistry.formula import VALENCE, Formula
from treewright_chemistry.structures import Mol

MAX_REMEMBERED: Final = 200_000
"""Identifiers kept; beyond it the memory is cleared, so that hostile input cannot fill it."""

_BITS: Final = 10  # per element in a formula code: counts below 1024
_PLACE: Final = {element: place * _BITS for place, element in enumerate(VALENCE)}
_FOREIGN: Final = len(VALENCE) * _BITS


class AtomKind(NamedTuple):
    """What an identifier says about its atom.

    Attributes:
        carbon: whether it is a carbon.
        hydrogens: attached hydrogens.
        vicinal: hydrogens on directly bonded carbons.
        code: the atom and its hydrogens in a formula code; the codes of all atoms add up to that of the
            formula.
    """

    carbon: bool
    hydrogens: int
    vicinal: int
    code: int


_KINDS: dict[int, AtomKind] = {}


def atom_kind(molecule: Mol, atom: int, identifier: int) -> AtomKind:
    """Return the facts about an atom with a given environment identifier at radius 1."""
    kind = _KINDS.get(identifier)
    if kind is None:
        if len(_KINDS) >= MAX_REMEMBERED:
            _KINDS.clear()
        kind = _KINDS[identifier] = _ask(molecule.GetAtomWithIdx(atom))
    return kind


def formula_code(formula: Formula) -> int:
    """Return the number that stands for a formula."""
    return sum(number << _PLACE[element] for element, number in formula.counts)


def _ask(atom: Mol) -> AtomKind:
    hydrogens = atom.GetTotalNumHs()
    vicinal = sum(n.GetTotalNumHs() for n in atom.GetNeighbors() if n.GetAtomicNum() == 6)
    code = (1 << _PLACE.get(atom.GetSymbol(), _FOREIGN)) + (hydrogens << _PLACE["H"])
    return AtomKind(atom.GetAtomicNum() == 6, hydrogens, vicinal, code)
