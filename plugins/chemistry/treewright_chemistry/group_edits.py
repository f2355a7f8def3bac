"""Formula-preserving edits of whole atoms and groups.

Same contract as `bond_edits`: (graph, random source, aim weights) -> new graph or None. Here a bridging or
terminal atom is taken out and put in elsewhere (chain branching, ring growth and shrinkage, ethers and
esters), an oxo or an oxide oxygen moves, two arms or two atoms trade places, an arm is copied over another.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from treewright_chemistry.bond_edits import draw_bond, draw_index, is_hypervalent
from treewright_chemistry.molgraph import ELEMENTS, MolGraph, hydrogens

__all__ = ["move_oxide", "move_terminal_double", "relocate_atom", "swap_arms", "swap_atoms"]

_OXIDISABLE = {7: 3, 15: 3, 16: 4, 34: 4}  # element -> largest order sum that still takes one more =O


def relocate_atom(graph: MolGraph, random: Random, aim: Sequence[float]) -> MolGraph | None:
    """Take out a bridging or terminal single-bonded atom; put it into a bond or at a hydrogen elsewhere."""
    x = draw_index(random, aim)
    near = graph.bonds[x]
    if len(near) not in (1, 2) or any(order != 1 for order in near.values()):
        return None
    changed = graph.copy()
    if not _take_out(changed, x):
        return None
    return changed if _put_in(changed, x, random) else None


def _take_out(graph: MolGraph, x: int) -> bool:
    """Disconnect x; its two neighbours are joined, a single one gets a hydrogen."""
    ends = list(graph.bonds[x])
    if len(ends) == 1 and is_hypervalent(graph, ends[0]):
        return False
    for end in ends:
        graph.shift_order(x, end, -1)
    if len(ends) == 2:
        if ends[1] in graph.bonds[ends[0]]:
            return False
        graph.shift_order(ends[0], ends[1], 1)
    return True


def _put_in(graph: MolGraph, x: int, random: Random) -> bool:
    """Insert the lone atom x into a single bond, or hang it at an atom that has a hydrogen."""
    bridges = ELEMENTS[graph.elements[x]][0] >= 2
    if bridges and random.random() < 0.6:
        singles = [(i, j) for i, j, order in graph.bond_list() if order == 1]
        if not singles:
            return False
        i, j = singles[int(random.random() * len(singles))]
        graph.shift_order(i, j, -1)
        graph.shift_order(x, i, 1)
        graph.shift_order(x, j, 1)
        return True
    hosts = [i for i, h in enumerate(hydrogens(graph)) if h > 0 and i != x]
    if not hosts:
        return False
    graph.shift_order(x, hosts[int(random.random() * len(hosts))], 1)
    return True


def move_terminal_double(graph: MolGraph, random: Random, aim: Sequence[float]) -> MolGraph | None:
    """A terminal doubly bonded atom (C=O, C=S, C=CH2) moves to an atom with two hydrogens."""
    ends = [x for x, near in enumerate(graph.bonds) if len(near) == 1 and 2 in near.values()]
    ends = [x for x in ends if not is_hypervalent(graph, next(iter(graph.bonds[x])))]
    if not ends:
        return None
    x = ends[int(random.random() * len(ends))]
    home = next(iter(graph.bonds[x]))
    hosts = [i for i, h in enumerate(hydrogens(graph)) if h > 1 and i not in (x, home)]
    if not hosts:
        return None
    host = hosts[draw_index(random, [aim[i] for i in hosts])]
    changed = graph.copy()
    changed.shift_order(x, home, -2)
    changed.shift_order(x, host, 2)
    return changed


def move_oxide(graph: MolGraph, random: Random, aim: Sequence[float]) -> MolGraph | None:
    """An oxygen goes onto S, N or P as an oxide (sulfone, N-oxide, nitro, ...), or from there into a bond."""
    if random.random() < 0.5:
        return _oxidise(graph, random, aim)
    return _reduce(graph, random)


def _oxidise(graph: MolGraph, random: Random, aim: Sequence[float]) -> MolGraph | None:
    """Take a bridging or terminal oxygen and bind it by a double bond to an atom that can take it."""
    oxygens = [i for i, number in enumerate(graph.elements) if number == 8 and 1 in graph.bonds[i].values()]
    hosts = [i for i in range(len(aim)) if _can_oxidise(graph, i)]
    if not oxygens or not hosts:
        return None
    x = oxygens[draw_index(random, [aim[i] for i in oxygens])]
    host = hosts[int(random.random() * len(hosts))]
    changed = graph.copy()
    if not _take_out(changed, x) or not _can_oxidise(changed, host):
        return None
    changed.shift_order(x, host, 2)
    return changed


def _can_oxidise(graph: MolGraph, i: int) -> bool:
    limit = _OXIDISABLE.get(graph.elements[i])
    used = sum(graph.bonds[i].values())
    return limit is not None and used <= limit and used in ELEMENTS[graph.elements[i]][:-1]


def _reduce(graph: MolGraph, random: Random) -> MolGraph | None:
    """Take an oxide oxygen off and put it into a single bond or at a hydrogen."""
    oxides = [
        (x, host)
        for x, number in enumerate(graph.elements)
        if number == 8 and len(graph.bonds[x]) == 1
        for host, order in graph.bonds[x].items()
        if order == 2 and is_hypervalent(graph, host)
    ]
    if not oxides:
        return None
    x, host = oxides[int(random.random() * len(oxides))]
    changed = graph.copy()
    changed.shift_order(x, host, -2)
    return changed if _put_in(changed, x, random) else None


def swap_arms(graph: MolGraph, random: Random, aim: Sequence[float]) -> MolGraph | None:
    """Two substituents trade places: a-x, b-y become a-y, b-x (single bonds)."""
    first = draw_bond(graph, random, aim)
    second = draw_bond(graph, random, [1.0] * len(aim))
    if first is None or second is None or len({*first, *second}) < 4:
        return None
    (a, x), (b, y) = first, second
    if graph.bonds[a][x] != graph.bonds[b][y] or y in graph.bonds[a] or x in graph.bonds[b]:
        return None
    order = graph.bonds[a][x]
    changed = graph.copy()
    for i, j, change in ((a, x, -order), (b, y, -order), (a, y, order), (b, x, order)):
        changed.shift_order(i, j, change)
    return changed


def swap_atoms(graph: MolGraph, random: Random, aim: Sequence[float]) -> MolGraph | None:
    """Two atoms of different elements trade places where their valences allow it."""
    x = draw_index(random, aim)
    others = [i for i, number in enumerate(graph.elements) if number != graph.elements[x]]
    if not others:
        return None
    y = others[int(random.random() * len(others))]
    if not (_fits(graph, x, y) and _fits(graph, y, x)):
        return None
    trade = {x: y, y: x}
    bonds: list[dict[int, int]] = [{} for _ in graph.bonds]
    for i, near in enumerate(graph.bonds):
        bonds[trade.get(i, i)] = {trade.get(j, j): order for j, order in near.items()}
    return MolGraph(graph.elements, bonds)


def _fits(graph: MolGraph, x: int, y: int) -> bool:
    """Whether the element of x can stand at the place of y with its lowest valence."""
    return sum(graph.bonds[y].values()) <= ELEMENTS[graph.elements[x]][0] and not is_hypervalent(graph, y)
