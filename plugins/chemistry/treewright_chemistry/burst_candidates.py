"""From the graphs that a burst proposes to candidates: molecule, canonical SMILES, exactly the formula.

Knows nothing about scores; remembers the graphs it has met.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rdkit import Chem

from treewright_chemistry.assembly import Composition
from treewright_chemistry.molgraph import MolGraph, UnsupportedMolecule

__all__ = ["Candidate", "CandidateMaker"]


class Candidate(NamedTuple):
    """A graph as a molecule with its canonical SMILES, and the name of the move that made it."""

    graph: MolGraph
    mol: Any
    smiles: str
    move: str


class CandidateMaker:
    """Makes candidates of one formula."""

    def __init__(self, composition: Composition) -> None:
        self._composition = composition
        self._known: dict[int, str | None] = {}  # label of a graph met before -> its SMILES, None if refused

    def start(self, smiles: str) -> Candidate | None:
        """The candidate of a given structure; None if it is of another formula or cannot be held."""
        try:
            graph = _in_order(MolGraph.from_smiles(smiles), self._composition)
        except UnsupportedMolecule:
            return None
        return None if graph is None else self._finish(graph, "start")

    def make(self, graph: MolGraph, move: str, useful: Callable[[str], bool]) -> Candidate | None:
        """The candidate of a graph; None for one that is refused, or was met before and is of no use any more.

        More than half of all proposals repeat a labelled graph. Knowing them by their bonds costs a tenth
        of building a molecule and its canonical SMILES.

        Args:
            graph: what was proposed.
            move: what made it.
            useful: whether a structure met before is still wanted, by its SMILES.
        """
        label = _label(graph)
        smiles = self._known.get(label, "")
        if smiles is None or (smiles and not useful(smiles)):
            return None
        candidate = self._finish(graph, move)
        self._known[label] = None if candidate is None else candidate.smiles
        return candidate

    def _finish(self, graph: MolGraph, move: str) -> Candidate | None:
        """The candidate with molecule and canonical SMILES; None if it is not exactly of the formula."""
        if not self._composition.matches(graph):
            return None
        mol = graph.to_mol()
        return None if mol is None else Candidate(graph, mol, Chem.MolToSmiles(mol), move)


def _label(graph: MolGraph) -> int:
    """A number that tells labelled graphs of one formula apart (64 bits: a clash is as good as impossible)."""
    return hash(tuple([frozenset(near.items()) for near in graph.bonds]))


def _in_order(graph: MolGraph, composition: Composition) -> MolGraph | None:
    """The graph with its atoms in the order of the composition; None if it has other atoms."""
    order = sorted(range(len(graph.elements)), key=lambda i: (graph.elements[i] != 6, graph.elements[i], i))
    if tuple(graph.elements[i] for i in order) != composition.elements:
        return None
    place = {i: k for k, i in enumerate(order)}
    bonds = [{place[j]: o for j, o in graph.bonds[i].items()} for i in order]
    return MolGraph(composition.elements, bonds)
