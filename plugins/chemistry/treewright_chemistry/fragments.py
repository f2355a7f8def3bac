"""The fragments that can be parts of one unknown: filtered by its formula, weighted by its 13C lines.

A fragment that explains observed lines (every carbon finds a line of its own within the window that the
knowledge base gives) is drawn more often; drawing goes on with the lines that are left.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp
from random import Random
from typing import Final

from treewright_chemistry.bond_edits import is_hypervalent
from treewright_chemistry.molgraph import MolGraph, UnsupportedMolecule, hydrogens
from treewright_chemistry.substructures import Substructure

__all__ = ["Fragment", "FragmentKit"]

TOLERANCE: Final = 3.0
"""Mean distance in ppm, beyond the windows, at which the weight of a fragment has fallen to 1/e (ours)."""
MOST_FRAGMENTS: Final = 400
"""Fragments kept for one unknown; the weights of later ones are too small to matter."""

LEAST_SYMMETRIC: Final = 0.7
"""Share of carbons in repeated lines from which on molecules of equal parts are assembled, too (ours)."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A substructure ready for joining; atoms in the order of its SMILES, dummies removed.

    `free[i]` bonds can start at atom i, `marked[i]` of them where the substructure was cut off; where
    `required` all marked places must be used because hydrogen cannot take them. `windows` are (mean,
    spread) of its carbons, ppm, sorted.
    """

    smiles: str
    elements: tuple[int, ...]
    bonds: tuple[tuple[int, int, int], ...]
    free: tuple[int, ...]
    marked: tuple[int, ...]
    required: bool
    windows: tuple[tuple[float, float], ...]
    unsaturation: int
    prior: float

    @classmethod
    def from_substructure(cls, substructure: Substructure) -> Fragment:
        """Strip the dummies and note where they were."""
        graph = MolGraph.from_smiles(substructure.smiles)
        kept = [i for i, number in enumerate(graph.elements) if number > 0]
        index = {i: k for k, i in enumerate(kept)}
        hydrogen = hydrogens(graph)
        marks = Counter(substructure.attachments)
        unsaturation = _unsaturation(graph, len(kept))
        return cls(
            smiles=substructure.smiles,
            elements=tuple(graph.elements[i] for i in kept),
            bonds=tuple((index[i], index[j], order) for i, j, order in graph.bond_list() if {i, j} <= index.keys()),
            free=tuple(marks[k] + hydrogen[i] for k, i in enumerate(kept)),
            marked=tuple(marks[k] for k in range(len(kept))),
            required=any(is_hypervalent(graph, kept[k]) for k in marks),
            windows=tuple(sorted((w.mean, w.spread) for w in substructure.windows)),
            unsaturation=unsaturation,
            prior=substructure.count**0.5 * (1.0 + 2.0 * unsaturation),
        )


def _unsaturation(graph: MolGraph, atoms: int) -> int:
    """Rings and extra bonds as the light graph counts them: hypervalence pays for its own multiple bonds."""
    dummies = len(graph.elements) - atoms
    orders = sum(order for _, _, order in graph.bond_list()) - dummies
    used = [sum(near.values()) for near in graph.bonds]
    lifted = sum(_lift(number, orders_of) for number, orders_of in zip(graph.elements, used, strict=True))
    return orders - (atoms - 1) - lifted


def _lift(number: int, used: int) -> int:
    """Half the valences that a hypervalent atom has gained over its lowest valence."""
    lowest = {7: 3, 15: 3, 16: 2, 34: 2}.get(number)
    return 0 if lowest is None or used <= lowest else (used - lowest + 1) // 2


class FragmentKit:
    """The fragments of one unknown with their weights; draws some that fit together.

    `symmetries` are the numbers of equal parts that the strengths of the lines speak for.
    """

    def __init__(
        self,
        fragments: Iterable[Fragment],
        atoms: Mapping[int, int],
        unsaturation: int,
        lines: Sequence[float],
    ) -> None:
        self._lines = sorted(lines)
        self.symmetries = [k for k in (2, 3, 4) if _share_repeated(self._lines, k) >= LEAST_SYMMETRIC]
        size = sum(times for number, times in atoms.items() if number > 1)
        fitting = [
            f
            for f in fragments
            if f.unsaturation <= unsaturation
            and len(f.elements) < size  # a fragment is a part, never the answer itself
            and _fits(Counter(f.elements), atoms)
        ]
        weighted = [(f.prior * exp(-mismatch(f, self._lines)[0] / TOLERANCE), f) for f in fitting]
        weighted.sort(key=lambda pair: (-pair[0], pair[1].smiles))
        self.fragments = [f for _, f in weighted[:MOST_FRAGMENTS]]
        self._cumulative = list(accumulate(w for w, _ in weighted[:MOST_FRAGMENTS]))
        self._first = [mismatch(f, self._lines)[0] for f in self.fragments]
        self._needs = [Counter(f.elements) for f in self.fragments]

    def draw(self, atoms: Mapping[int, int], unsaturation: int, random: Random, *, every: int = 1) -> list[Fragment]:
        """Fragments that together need no more than `atoms` and `unsaturation`; may be none.

        With `every` = k only each k-th line counts: the lines of one of k equal parts.
        """
        left = Counter(dict(atoms))
        lines = self._lines[every // 2 :: every]
        drawn: list[int] = []
        while self.fragments and not (unsaturation == 0 and random.random() < 0.25):
            found = self._next(left, unsaturation, lines, drawn, random)
            if found is None:
                break
            k, lines = found
            drawn.append(k)
            left.subtract(self._needs[k])
            unsaturation -= self.fragments[k].unsaturation
        return [self.fragments[k] for k in drawn]

    def _next(
        self, left: Counter[int], unsaturation: int, lines: list[float], drawn: list[int], random: Random
    ) -> tuple[int, list[float]] | None:
        """One more fragment, by rejection, and the lines it leaves: it must fit and should explain lines."""
        for attempt in range(12):
            again = drawn and attempt == 0 and random.random() < 0.3
            k = drawn[-1] if again else bisect_left(self._cumulative, random.random() * self._cumulative[-1])
            fragment = self.fragments[k]
            if fragment.unsaturation > unsaturation or not _fits(self._needs[k], left):
                continue
            distance, rest = mismatch(fragment, lines)
            if random.random() < exp((self._first[k] - distance) / TOLERANCE):
                return k, rest
        return None


def _share_repeated(lines: Sequence[float], times: int) -> float:
    """Share of the carbons whose line stands for a multiple of `times` carbons."""
    counts = Counter(lines)
    return sum(n for n in counts.values() if n % times == 0) / max(len(lines), 1)


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
