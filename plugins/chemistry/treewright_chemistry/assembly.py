"""Random full molecules of exactly one formula: from single atoms, and from fragments.

A molecule is joined as a random tree of pieces (atoms or fragments), then the degrees of unsaturation that
are still missing are placed, half of them on existing bonds, half as ring closures.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from treewright_chemistry.molgraph import ELEMENTS, MolGraph, hydrogens

__all__ = ["close_unsaturation", "join_pieces", "random_isomer"]


def random_isomer(elements: tuple[int, ...], unsaturation: int, random: Random) -> MolGraph | None:
    """A random molecule of the given heavy atoms with `unsaturation` rings plus extra bond orders.

    Atoms keep their lowest valence. None if the draw led into a dead end; try again.
    """
    graph = MolGraph(elements, [{} for _ in elements])
    pieces = [[i] for i in range(len(elements))]
    if not join_pieces(graph, pieces, random):
        return None
    return graph if close_unsaturation(graph, unsaturation, random, on_bonds=0.8) else None


def join_pieces(graph: MolGraph, pieces: Sequence[Sequence[int]], random: Random) -> bool:
    """Join the pieces (atom index lists) by single bonds into one tree, in place; False on a dead end.

    Pieces with more open valences come first (with some jitter), so that ends stay ends.
    """
    open_valence = hydrogens(graph)
    order = sorted(pieces, key=lambda piece: -sum(open_valence[i] for i in piece) + 2.0 * random.random())
    placed: list[int] = list(order[0])
    for piece in order[1:]:
        i = _draw_open(placed, open_valence, random)
        j = _draw_open(piece, open_valence, random)
        if i is None or j is None:
            return False
        graph.shift_order(i, j, 1)
        open_valence[i] -= 1
        open_valence[j] -= 1
        placed.extend(piece)
    return True


def close_unsaturation(graph: MolGraph, missing: int, random: Random, *, on_bonds: float) -> bool:
    """Place `missing` degrees of unsaturation in place, each on an existing bond with probability `on_bonds`."""
    for _ in range(missing):
        if not any(_close_once(graph, random, on_bonds) for _ in range(8)):
            return False
    return True


def _close_once(graph: MolGraph, random: Random, on_bonds: float) -> bool:
    free = hydrogens(graph)
    givers = [i for i, h in enumerate(free) if h > 0]
    if len(givers) < 2:
        return False
    i = givers[int(random.random() * len(givers))]
    if random.random() < on_bonds:
        partners = [j for j, order in graph.bonds[i].items() if free[j] > 0 and order < 3]
    else:
        partners = [j for j in givers if j != i and j not in graph.bonds[i]]
    if not partners:
        return False
    graph.shift_order(i, partners[int(random.random() * len(partners))], 1)
    return True


def _draw_open(atoms: Sequence[int], open_valence: Sequence[int], random: Random) -> int | None:
    able = [i for i in atoms if open_valence[i] > 0]
    return able[int(random.random() * len(able))] if able else None


def lowest_hydrogens(elements: Sequence[int]) -> int:
    """Hydrogens of the saturated open-chain molecule of these atoms at their lowest valences."""
    return sum(ELEMENTS[number][0] for number in elements) - 2 * (len(elements) - 1)
