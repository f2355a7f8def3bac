"""Random full molecules of exactly one formula: from single atoms, and from fragments.

Pieces (fragments and single atoms) are joined by single bonds into a random tree; the degrees of unsaturation
still missing are then placed on existing bonds or as ring closures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from treewright_chemistry.bond_edits import draw_index
from treewright_chemistry.fragments import Fragment, FragmentKit
from treewright_chemistry.molgraph import ELEMENTS, MolGraph, hydrogens, is_connected

UNMARKED: Final = 0.02
"""Weight of a bond at a place where the fragment was not cut off, against 1 where it was (ours)."""

__all__ = ["Composition", "assemble", "assemble_symmetric", "random_isomer"]


@dataclass(frozen=True, slots=True)
class Composition:
    """The heavy atoms (atomic numbers, carbon first, then ascending) and the hydrogens of a formula."""

    elements: tuple[int, ...]
    hydrogens: int

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Composition:
        """From atoms by atomic number (1 = hydrogen).

        Raises:
            ValueError: an element has no valence model.
        """
        unknown = sorted(n for n in counts if n != 1 and (n not in ELEMENTS or n == 0))
        if unknown:
            raise ValueError(f"no valence model for the elements with atomic numbers {unknown}")
        heavy = [number for number, times in counts.items() if number != 1 for _ in range(times)]
        return cls(tuple(sorted(heavy, key=lambda number: (number != 6, number))), counts.get(1, 0))

    @property
    def unsaturation(self) -> int:
        """Rings plus extra bond orders, atoms at their lowest valences; negative if there are too many H."""
        valences = sum(ELEMENTS[number][0] for number in self.elements)
        return (valences - 2 * (len(self.elements) - 1) - self.hydrogens) // 2

    def matches(self, graph: MolGraph) -> bool:
        """Whether a graph over these very elements has all its hydrogens, too."""
        counts = hydrogens(graph)
        return min(counts) >= 0 and sum(counts) == self.hydrogens


def random_isomer(composition: Composition, random: Random) -> MolGraph | None:
    """A random molecule of the formula, atoms at their lowest valences; None for a dead end (try again)."""
    elements = composition.elements
    graph = MolGraph(elements, [{} for _ in elements])
    open_places = hydrogens(graph)
    pieces = [_single(i, elements[i]) for i in range(len(elements))]
    if not _join(graph, pieces, open_places, random):
        return None
    return graph if _close(graph, composition.unsaturation, random, on_bonds=0.8) else None


def assemble(composition: Composition, kit: FragmentKit, random: Random) -> MolGraph | None:
    """A random molecule of the formula from drawn fragments and the atoms they leave; None for a dead end."""
    graph = _assemble_part(composition.elements, composition.unsaturation, kit, random)
    return graph if graph is not None and _whole(composition, graph) else None


def assemble_symmetric(composition: Composition, kit: FragmentKit, parts: int, random: Random) -> MolGraph | None:
    """A random molecule of `parts` equal arms around a centre of the atoms left over; None for a dead end."""
    stock = _stock(composition.elements)
    arm_size = {n: (len(atoms) - (random.random() < 0.2)) // parts for n, atoms in stock.items()}
    arm_elements = tuple(n for n, size in arm_size.items() for _ in range(max(size, 0)))
    if not arm_elements:
        return None
    centre_unsaturation = random.choice((0, 0, 0, 1, 1, 4))
    per_arm = max(composition.unsaturation - centre_unsaturation, 0) // parts
    arm = _assemble_part(arm_elements, per_arm, kit, random, every=parts)
    if arm is None:
        return None
    graph = MolGraph(composition.elements, [{} for _ in composition.elements])
    copies = [[stock[n].pop() for n in arm_elements] for _ in range(parts)]
    for atoms in copies:
        for i, j, order in arm.bond_list():
            graph.shift_order(atoms[i], atoms[j], order)
    if not _join_copies(graph, copies, [i for left in stock.values() for i in left], random):
        return None
    missing = composition.unsaturation - per_arm * parts
    return graph if _close(graph, missing, random, on_bonds=0.5) and _whole(composition, graph) else None


def _assemble_part(
    elements: tuple[int, ...], unsaturation: int, kit: FragmentKit, random: Random, *, every: int = 1
) -> MolGraph | None:
    drawn = kit.draw(Counter(elements), unsaturation, random, every=every)
    graph = MolGraph(elements, [{} for _ in elements])
    places = [ELEMENTS[number][0] for number in elements]
    stock = _stock(elements)
    pieces = [_lay_out(graph, fragment, stock, places) for fragment in drawn]
    pieces += [_single(i, number) for number, left in stock.items() for i in left]
    if not _join(graph, pieces, places, random):
        return None
    missing = unsaturation - sum(fragment.unsaturation for fragment in drawn)
    return graph if _close(graph, missing, random, on_bonds=0.5) else None


def _join_copies(graph: MolGraph, copies: Sequence[Sequence[int]], centre: list[int], random: Random) -> bool:
    """Bind every copy through the same atom to the centre (to one atom if it can), or two copies directly."""
    places = hydrogens(graph)
    roots = [k for k, atom in enumerate(copies[0]) if places[atom] > 0]
    if not roots or not _join(graph, [_single(i, graph.elements[i]) for i in centre], places, random):
        return False
    root = roots[int(random.random() * len(roots))]
    if not centre:
        if len(copies) != 2:
            return False
        graph.shift_order(copies[0][root], copies[1][root], 1)
        return True
    hub = centre[int(random.random() * len(centre))]
    for atoms in copies:
        if places[hub] < 1:
            able = [i for i in centre if places[i] > 0]
            if not able:
                return False
            hub = able[int(random.random() * len(able))]
        graph.shift_order(atoms[root], hub, 1)
        places[hub] -= 1
    return True


def _whole(composition: Composition, graph: MolGraph) -> bool:
    return composition.matches(graph) and is_connected(graph)


def _stock(elements: Sequence[int]) -> dict[int, list[int]]:
    """Indices of the atoms of each element."""
    stock: dict[int, list[int]] = {}
    for i, number in enumerate(elements):
        stock.setdefault(number, []).append(i)
    return stock


@dataclass(frozen=True, slots=True)
class _Piece:
    """Atoms with weights of being bound; `ends` is how many bonds the piece expects."""

    atoms: tuple[int, ...]
    weights: tuple[float, ...]
    ends: float


def _single(atom: int, number: int) -> _Piece:
    return _Piece((atom,), (0.5,), float(ELEMENTS[number][0]))


def _lay_out(graph: MolGraph, fragment: Fragment, stock: dict[int, list[int]], places: list[int]) -> _Piece:
    """Bind atoms from the stock as the fragment says; `places` gets its open places."""
    atoms = tuple(stock[number].pop() for number in fragment.elements)
    for i, j, order in fragment.bonds:
        graph.shift_order(atoms[i], atoms[j], order)
    for atom, count in zip(atoms, fragment.free, strict=True):
        places[atom] = count
    weights = tuple(UNMARKED + marks for marks in fragment.marked)
    ends = sum(fragment.marked) + (6.0 if fragment.required and sum(fragment.marked) > 1 else 0.0)
    return _Piece(atoms, weights, ends)


def _join(graph: MolGraph, pieces: Sequence[_Piece], places: list[int], random: Random) -> bool:
    """Join the pieces by single bonds into one tree, in place; False on a dead end.

    Pieces that expect more bonds come first (with some jitter), so that ends stay ends; a bridging
    hypervalent group comes early because all its places must be used.
    """
    if not pieces:
        return True
    ordered = sorted(pieces, key=lambda piece: 1.5 * random.random() - piece.ends)
    atoms = list(ordered[0].atoms)
    weights = list(ordered[0].weights)
    for piece in ordered[1:]:
        own = list(piece.weights)
        i = _draw_place(atoms, weights, places, random)
        j = _draw_place(piece.atoms, own, places, random)
        if i is None or j is None:
            return False
        graph.shift_order(atoms[i], piece.atoms[j], 1)
        for members, values, k in ((atoms, weights, i), (piece.atoms, own, j)):
            places[members[k]] -= 1
            values[k] = max(values[k] - 1.0, UNMARKED)
        atoms.extend(piece.atoms)
        weights.extend(own)
    return True


def _draw_place(atoms: Sequence[int], weights: Sequence[float], places: Sequence[int], random: Random) -> int | None:
    """Position in `atoms` of an atom with an open place, drawn by weight."""
    able = [w if places[i] > 0 else 0.0 for i, w in zip(atoms, weights, strict=True)]
    return draw_index(random, able) if any(able) else None


def _close(graph: MolGraph, missing: int, random: Random, *, on_bonds: float) -> bool:
    """Place `missing` degrees of unsaturation in place, `on_bonds` of them on existing bonds."""
    return missing >= 0 and all(any(_close_once(graph, random, on_bonds) for _ in range(8)) for _ in range(missing))


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
