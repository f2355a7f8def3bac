"""The fragments that can be parts of one unknown: filtered by its formula, weighted by its observed 13C lines.

A fragment that explains observed lines (every carbon finds a line of its own within the window that the
knowledge base gives) is drawn more often; drawing goes on with the lines that are left.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from random import Random
from typing import Final

from treewright_chemistry.molgraph import MolGraph, UnsupportedMolecule, hydrogens
from treewright_chemistry.substructures import Substructure

__all__ = ["Fragment", "FragmentKit"]

TOLERANCE: Final = 3.0
"""Mean distance in ppm, beyond the windows, at which the weight of a fragment has fallen to 1/e (ours)."""
MOST_FRAGMENTS: Final = 400
"""Fragments kept for one unknown; the weights of later ones are too small to matter."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A substructure ready for joining; atoms in the order of its SMILES, dummies removed.

    `open_places[i]` bonds can start at atom i; `required` holds atoms (hypervalent ones) whose places must all be
    used. `places[i]` says how likely a bond starts there. `windows` are (mean, spread) of its carbons, ppm, sorted.
    """

    smiles: str
    elements: tuple[int, ...]
    bonds: tuple[tuple[int, int, int], ...]
    open_places: tuple[int, ...]
    required: frozenset[int]
    places: tuple[float, ...]
    windows: tuple[tuple[float, float], ...]
    unsaturation: int
    prior: float

    @classmethod
    def from_substructure(cls, substructure: Substructure) -> Fragment:
        """Strip the dummies and note where they were."""
        graph = MolGraph.from_smiles(substructure.smiles)
        kept = [i for i, number in enumerate(graph.elements) if number > 0]
        index = {i: k for k, i in enumerate(kept)}
        free = hydrogens(graph)
        slots = Counter(index[j] for i, near in enumerate(graph.bonds) if graph.elements[i] == 0 for j in near)
        return cls(
            smiles=substructure.smiles,
            elements=tuple(graph.elements[i] for i in kept),
            bonds=tuple((index[i], index[j], o) for i, j, o in graph.bond_list() if i in index and j in index),
            open_places=tuple(slots[k] or free[i] for k, i in enumerate(kept)),
            required=frozenset(slots),
            places=tuple(0.02 + times / substructure.count for times in substructure.attachments),
            windows=tuple(sorted((w.mean, w.spread) for w in substructure.windows)),
            unsaturation=_unsaturation(graph, len(kept)),
            prior=substructure.count**0.5 * (1.0 + 2.0 * substructure.unsaturation),
        )


def _unsaturation(graph: MolGraph, atoms: int) -> int:
    """Rings and extra bonds as the light graph counts them: hypervalence pays for its own multiple bonds."""
    dummies = len(graph.elements) - atoms
    orders = sum(order for _, _, order in graph.bond_list()) - dummies
    lifted = sum(_lift(number, sum(near.values())) for number, near in zip(graph.elements, graph.bonds, strict=True))
    return orders - (atoms - 1) - lifted


def _lift(number: int, used: int) -> int:
    """Half the valences that a hypervalent atom has gained over its lowest valence."""
    lowest = {7: 3, 15: 3, 16: 2, 34: 2}.get(number)
    return 0 if lowest is None or used <= lowest else (used - lowest + 1) // 2


class FragmentKit:
    """The fragments of one unknown with their weights; draws some that fit together."""

    def __init__(
        self, fragments: Iterable[Fragment], atoms: Mapping[int, int], unsaturation: int, lines: Sequence[float]
    ) -> None:
        self._lines = sorted(lines)
        fitting = [f for f in fragments if f.unsaturation <= unsaturation and _fits(Counter(f.elements), atoms)]
        weighted = [(f.prior * exp(-mismatch(f, self._lines)[0] / TOLERANCE), f) for f in fitting]
        weighted.sort(key=lambda pair: (-pair[0], pair[1].smiles))
        self.fragments = [f for _, f in weighted[:MOST_FRAGMENTS]]
        self.weights = [w for w, _ in weighted[:MOST_FRAGMENTS]]
        self._total = sum(self.weights)

    def draw(self, atoms: Mapping[int, int], unsaturation: int, random: Random) -> list[Fragment]:
        """Fragments that together need no more than `atoms` and `unsaturation`; may be none."""
        left = Counter(dict(atoms))
        lines = list(self._lines)
        drawn: list[Fragment] = []
        while self.fragments and not (unsaturation == 0 and random.random() < 0.25):
            fragment = self._next(left, unsaturation, lines, drawn, random)
            if fragment is None:
                break
            drawn.append(fragment)
            left.subtract(fragment.elements)
            unsaturation -= fragment.unsaturation
            lines = mismatch(fragment, lines)[1]
        return drawn

    def _next(
        self, left: Counter[int], unsaturation: int, lines: list[float], drawn: list[Fragment], random: Random
    ) -> Fragment | None:
        """One more fragment by rejection: it must fit the atoms left and should explain lines left."""
        for attempt in range(10):
            again = drawn and attempt == 0 and random.random() < 0.3
            fragment = drawn[-1] if again else random.choices(self.fragments, self.weights)[0]
            if fragment.unsaturation > unsaturation or not _fits(Counter(fragment.elements), left):
                continue
            first = mismatch(fragment, self._lines)[0]
            now = mismatch(fragment, lines)[0]
            if random.random() < exp((first - now) / TOLERANCE):
                return fragment
        return None


def mismatch(fragment: Fragment, lines: Sequence[float]) -> tuple[float, list[float]]:
    """Mean distance (ppm) of the fragment's windows to lines of their own, and the lines that remain.

    `lines` is sorted; each window takes the nearest line still there (25 ppm if there is none).
    """
    left = list(lines)
    total = 0.0
    for mean, spread in fragment.windows:
        k = bisect_left(left, mean)
        if k and (k == len(left) or mean - left[k - 1] < left[k] - mean):
            k -= 1
        if left:
            total += max(0.0, min(abs(left.pop(k) - mean) - spread, 25.0))
        else:
            total += 25.0
    return (total / len(fragment.windows) if fragment.windows else 0.0), left


def _fits(needed: Mapping[int, int], available: Mapping[int, int]) -> bool:
    return all(available.get(number, 0) >= n for number, n in needed.items())


def ready_fragments(substructures: Iterable[Substructure]) -> list[Fragment]:
    """Fragments of all substructures that the light graph can hold."""
    ready = []
    for substructure in substructures:
        try:
            ready.append(Fragment.from_substructure(substructure))
        except UnsupportedMolecule:
            continue
    return ready
