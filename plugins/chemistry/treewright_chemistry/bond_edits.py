"""Formula-preserving edits of single bond orders: exchange, move, order shift.

Every edit takes a graph, a random source and aim weights (one positive number per atom, larger =
worse fit, so more likely to be changed) and returns a new graph, or None where the drawn place does
not allow it. The bonds inside hypervalent groups (nitro, sulfonyl, azide, ...) are left alone: those groups
move as a whole. Connectivity is not checked here, but by `edits.apply_edit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from treewright_chemistry.molgraph import ELEMENTS, MolGraph, hydrogens

__all__ = ["draw_bond", "exchange_bonds", "is_locked", "move_bond", "order_shift", "retarget_locally"]

MAX_ORDER = 3
HALOGENS = frozenset({9, 17, 35, 53})


def is_locked(graph: MolGraph, i: int, j: int) -> bool:
    """Whether the bond stays as part of a hypervalent group: a multiple bond at N(V), S(IV), S(VI), ..."""
    return graph.bonds[i][j] > 1 and (is_hypervalent(graph, i) or is_hypervalent(graph, j))


def is_hypervalent(graph: MolGraph, i: int) -> bool:
    """Whether the atom uses more than its lowest valence."""
    return sum(graph.bonds[i].values()) > ELEMENTS[graph.elements[i]][0]


def draw_bond(graph: MolGraph, random: Random, aim: Sequence[float]) -> tuple[int, int] | None:
    """A bond whose first atom is drawn by `aim` and which is not locked; None after three tries."""
    for _ in range(3):
        i = draw_index(random, aim)
        near = list(graph.bonds[i])
        if near:
            j = near[int(random.random() * len(near))]
            if not is_locked(graph, i, j):
                return i, j
    return None


def draw_index(random: Random, weights: Sequence[float]) -> int:
    """An index drawn in proportion to `weights` (not negative, sum positive)."""
    left = random.random() * sum(weights)
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return index
    return len(weights) - 1


def exchange_bonds(graph: MolGraph, random: Random, aim: Sequence[float]) -> MolGraph | None:
    """a-b, c-d become a-c, b-d by one order. All valences stay as they are."""
    first = draw_bond(graph, random, aim)
    second = draw_bond(graph, random, [1.0] * len(aim))
    if first is None or second is None or len({*first, *second}) < 4:
        return None
    (a, b), (c, d) = first, second
    changed = graph.copy()
    changed.shift_order(a, b, -1)
    changed.shift_order(c, d, -1)
    changed.shift_order(a, c, 1)
    changed.shift_order(b, d, 1)
    return changed if _orders_fit(changed, ((a, c), (b, d))) else None


def move_bond(graph: MolGraph, random: Random, aim: Sequence[float]) -> MolGraph | None:
    """a-b becomes a-c by one order; c gives a hydrogen to b."""
    bond = draw_bond(graph, random, aim)
    if bond is None:
        return None
    a, b = bond if random.random() < 0.5 else bond[::-1]
    free = hydrogens(graph)
    targets = [c for c, h in enumerate(free) if h > 0 and c != a and c != b]
    return _reattach(graph, a, b, targets, random)


def retarget_locally(graph: MolGraph, random: Random, aim: Sequence[float]) -> MolGraph | None:
    """Walk a substituent: a-b becomes a-c, c one to three bonds from b (ortho, meta, para; along a chain)."""
    bond = draw_bond(graph, random, aim)
    if bond is None:
        return None
    a, b = bond if random.random() < 0.5 else bond[::-1]
    free = hydrogens(graph)
    reached = {b}
    for _ in range(3):
        reached |= {k for i in reached for k in graph.bonds[i] if k != a}
    return _reattach(graph, a, b, [c for c in reached if c != b and free[c] > 0], random)


def order_shift(graph: MolGraph, random: Random, aim: Sequence[float]) -> MolGraph | None:
    """One order less on a bond, one more elsewhere; half of the time the gain goes to an existing bond."""
    bond = draw_bond(graph, random, aim)
    if bond is None or _is_hypervalent_end(graph, bond):
        return None
    changed = graph.copy()
    changed.shift_order(*bond, -1)
    free = hydrogens(changed)
    givers = [i for i, h in enumerate(free) if h > 0]
    c = givers[int(random.random() * len(givers))]
    partners = [i for i in givers if i != c]
    if random.random() < 0.5:
        partners = [i for i in changed.bonds[c] if free[i] > 0]
    if not partners:
        return None
    d = partners[int(random.random() * len(partners))]
    if {c, d} == set(bond):
        return None
    changed.shift_order(c, d, 1)
    return changed if _orders_fit(changed, ((c, d),)) else None


def _reattach(graph: MolGraph, a: int, b: int, targets: list[int], random: Random) -> MolGraph | None:
    """Move one order of a-b to a-c, c drawn from `targets`; b must not lose its hypervalence."""
    if not targets or is_hypervalent(graph, b):
        return None
    c = targets[int(random.random() * len(targets))]
    changed = graph.copy()
    changed.shift_order(a, b, -1)
    changed.shift_order(a, c, 1)
    return changed if _orders_fit(changed, ((a, c),)) else None


def _is_hypervalent_end(graph: MolGraph, bond: tuple[int, int]) -> bool:
    return is_hypervalent(graph, bond[0]) or is_hypervalent(graph, bond[1])


def _orders_fit(graph: MolGraph, pairs: Sequence[tuple[int, int]]) -> bool:
    return all(graph.bonds[i].get(j, 0) <= MAX_ORDER for i, j in pairs)
