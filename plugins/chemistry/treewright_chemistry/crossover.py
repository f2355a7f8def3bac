"""Exchange of whole arms between molecules of one formula, and copying an arm inside a molecule.

An arm is one side of a single bond outside rings. Two arms with the same atoms and hydrogens may replace
each other: the formula is kept without repair. Copying an arm over another one of the same composition
makes the two places equivalent, which molecules with few and strong lines ask for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from treewright_chemistry.bond_edits import is_hypervalent
from treewright_chemistry.molgraph import MolGraph, hydrogens

__all__ = ["Arm", "Arms", "copy_arm", "find_arms", "graft"]

ArmKey: TypeAlias = tuple[tuple[int, ...], int, bool]


@dataclass(frozen=True, slots=True)
class Arm:
    """Atoms of one side of an acyclic single bond; `root` is the atom of the arm, `host` that of the rest."""

    atoms: tuple[int, ...]
    root: int
    host: int


Arms: TypeAlias = dict[ArmKey, list[Arm]]
"""Arms by what they are made of: sorted elements, hydrogens, whether the root is hypervalent."""


def find_arms(graph: MolGraph, *, smallest: int = 2) -> Arms:
    """All arms with at least `smallest` heavy atoms and at least one atom left over."""
    free = hydrogens(graph)
    arms: Arms = {}
    for i, j, order in graph.bond_list():
        if order != 1:
            continue
        side = _side(graph, i, j)
        if side is None:
            continue
        rest = set(range(len(graph.elements))) - side
        for atoms, root, host in ((side, i, j), (rest, j, i)):
            if smallest <= len(atoms) < len(graph.elements):
                members = tuple(sorted(atoms, key=lambda k: (graph.elements[k], k)))
                made_of = tuple(graph.elements[k] for k in members)
                key = (made_of, sum(free[k] for k in members), is_hypervalent(graph, root))
                arms.setdefault(key, []).append(Arm(members, root, host))
    return arms


def graft(graph: MolGraph, place: Arm, donor: MolGraph, arm: Arm) -> MolGraph:
    """Replace the arm at `place` of `graph` by an arm of the same composition from `donor`."""
    index = dict(zip(arm.atoms, place.atoms, strict=True))
    inside = set(place.atoms)
    changed = MolGraph(graph.elements, [{} for _ in graph.elements])
    for i, j, order in graph.bond_list():
        if i not in inside and j not in inside:
            changed.shift_order(i, j, order)
    for i, j, order in donor.bond_list():
        if i in index and j in index:
            changed.shift_order(index[i], index[j], order)
    changed.shift_order(index[arm.root], place.host, 1)
    return changed


def exchange_arms(graph: MolGraph, arms: Arms, donor: MolGraph, donor_arms: Arms, random: Random) -> MolGraph | None:
    """Put a random fitting arm of `donor` into `graph`; None if the two share no composition."""
    shared = sorted(arms.keys() & donor_arms.keys())
    if not shared:
        return None
    key = shared[int(random.random() * len(shared))]
    place, arm = _pick(arms[key], random), _pick(donor_arms[key], random)
    return graft(graph, place, donor, arm)


def copy_arm(graph: MolGraph, arms: Arms, random: Random) -> MolGraph | None:
    """Copy an arm over another, disjoint one of the same composition; None if there is none."""
    repeated = sorted(key for key, found in arms.items() if len(found) > 1)
    if not repeated:
        return None
    key = repeated[int(random.random() * len(repeated))]
    place, arm = _pick(arms[key], random), _pick(arms[key], random)
    if set(place.atoms) & set(arm.atoms):
        return None
    return graft(graph, place, graph, arm)


def _pick(arms: Sequence[Arm], random: Random) -> Arm:
    return arms[int(random.random() * len(arms))]


def _side(graph: MolGraph, start: int, blocked: int) -> set[int] | None:
    """Atoms on the side of `start` when the bond to `blocked` is cut; None if the bond is in a ring."""
    found, stack = {start}, [k for k in graph.bonds[start] if k != blocked]
    while stack:
        i = stack.pop()
        if i == blocked:
            return None
        if i not in found:
            found.add(i)
            stack.extend(graph.bonds[i].keys() - found)
    return found
