"""The catalogue of formula-preserving moves, and the one place where a move is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import TypeAlias

from treewright_chemistry.bond_edits import exchange_bonds, move_bond, order_shift, retarget_locally
from treewright_chemistry.group_edits import (
    move_oxide,
    move_terminal_double,
    relocate_atom,
    swap_arms,
    swap_atoms,
)
from treewright_chemistry.molgraph import MolGraph, charges_fit, is_connected

__all__ = ["EDITS", "Edit", "apply_edit"]

Edit: TypeAlias = Callable[[MolGraph, Random, Sequence[float]], MolGraph | None]

EDITS: Mapping[str, Edit] = MappingProxyType(
    {
        "exchange": exchange_bonds,
        "move": move_bond,
        "order": order_shift,
        "walk": retarget_locally,
        "relocate": relocate_atom,
        "double": move_terminal_double,
        "oxide": move_oxide,
        "arms": swap_arms,
        "atoms": swap_atoms,
    }
)
"""Name -> move. A move changes one molecule; crossover and assembly, which need more, live elsewhere."""


def apply_edit(name: str, graph: MolGraph, random: Random, aim: Sequence[float]) -> MolGraph | None:
    """One try of a named move; None where it does not apply or would break the molecule apart."""
    changed = EDITS[name](graph, random, aim)
    if changed is None or not is_connected(changed):
        return None
    return changed if 7 not in changed.elements or charges_fit(changed) else None
