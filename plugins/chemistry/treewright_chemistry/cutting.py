"""Cutting a molecule into substructures: ring systems, chains, functional and charged groups.

Three cuts of growing coarseness, all through single bonds outside rings:
- fine: bonds that end at a ring, and carbon-heteroatom bonds whose ends both go on;
- with terminals: the same, but terminal atoms stay on (aniline, toluene, chlorobenzene beside benzene);
- substituents: only bonds between a ring and the rest, so that whole substituents remain (acetamido).
Groups such as nitro, sulfonyl, azide or isocyanide hold together because their bonds are multiple. A
dummy atom marks every place where a piece was cut off (`*c1ccc(*)cc1`, `*S(*)(=O)=O`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rdkit import Chem

from treewright_chemistry.molgraph import MolGraph

__all__ = ["Piece", "cut_molecule", "without_hydrogens"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One occurrence of a substructure in a molecule.

    `smiles` is canonical, with a dummy for every cut bond; `atoms[k]` is the index in the molecule (without its
    explicit hydrogens) of the k-th heavy atom of that SMILES (dummies left out of the count).
    """

    smiles: str
    atoms: tuple[int, ...]


def cut_molecule(mol: Any, *, smallest: int = 2, largest: int = 18) -> Iterator[Piece]:
    """All pieces of `smallest` to `largest` heavy atoms from the three cuts, without repeats.

    A molecule that no cut divides gives nothing: pieces are parts, never whole molecules.

    Raises:
        UnsupportedMolecule: the light graph cannot hold the molecule.
    """
    mol = without_hydrogens(mol)
    graph = MolGraph.from_mol(mol)
    in_rings = {bond for ring in mol.GetRingInfo().BondRings() for bond in ring}
    ring_bonds = {_bond_ends(mol.GetBondWithIdx(bond)) for bond in in_rings}
    ring_atoms = {i for ends in ring_bonds for i in ends}
    seen: set[tuple[int, ...]] = set()
    whole = len(graph.elements)
    for level in ("fine", "terminals", "substituents"):
        cuts = _cuts(graph, ring_bonds, ring_atoms, level)
        for atoms in _components(graph, cuts):
            if smallest <= len(atoms) <= largest and len(atoms) < whole and atoms not in seen:
                seen.add(atoms)
                piece = _piece(graph, atoms, cuts)
                if piece is not None:
                    yield piece


def without_hydrogens(mol: Any) -> Any:
    """The molecule without explicit hydrogens and deuterium: atoms are then numbered as in the light graph."""
    if mol.GetNumHeavyAtoms() == mol.GetNumAtoms():
        return mol
    explicit = any(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms())  # else the others are open places
    return Chem.RemoveAllHs(mol) if explicit else mol


def _bond_ends(bond: Any) -> tuple[int, int]:
    i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    return (i, j) if i < j else (j, i)


def _cuts(graph: MolGraph, ring_bonds: set[tuple[int, int]], ring_atoms: set[int], level: str) -> set[tuple[int, int]]:
    cuts = set()
    for i, j, order in graph.bond_list():
        if order != 1 or (i, j) in ring_bonds:
            continue
        at_ring = i in ring_atoms or j in ring_atoms
        hetero = (graph.elements[i] == 6) != (graph.elements[j] == 6)
        terminal = len(graph.bonds[i]) == 1 or len(graph.bonds[j]) == 1
        cut = at_ring if level == "substituents" else at_ring or (hetero and not terminal)
        if cut and not (terminal and level == "terminals"):
            cuts.add((i, j))
    return cuts


def _components(graph: MolGraph, cuts: set[tuple[int, int]]) -> Iterator[tuple[int, ...]]:
    left = set(range(len(graph.elements)))
    while left:
        start = left.pop()
        found, stack = {start}, [start]
        while stack:
            i = stack.pop()
            for j in graph.bonds[i]:
                if j in left and ((i, j) if i < j else (j, i)) not in cuts:
                    left.discard(j)
                    found.add(j)
                    stack.append(j)
        yield tuple(sorted(found))


def _piece(graph: MolGraph, atoms: tuple[int, ...], cuts: set[tuple[int, int]]) -> Piece | None:
    """The piece, or None where RDKit refuses it without its surroundings."""
    place = {atom: k for k, atom in enumerate(atoms)}
    inside = [(i, j, o) for i in atoms for j, o in graph.bonds[i].items() if i < j and j in place]
    bonds = [(place[i], place[j], o) for i, j, o in inside]
    bonds = [(i, j, o) for i, j, o in bonds if (atoms[i], atoms[j]) not in cuts]
    kept = {(i, j) for i, j, _ in bonds}
    open_ends = [place[i] for i in atoms for j in graph.bonds[i] if not _is_kept(kept, place.get(i), place.get(j))]
    smiles, order = _canonical(tuple(graph.elements[i] for i in atoms), tuple(bonds), tuple(open_ends))
    return Piece(smiles, tuple(atoms[k] for k in order)) if smiles else None


def _is_kept(kept: set[tuple[int, int]], i: int | None, j: int | None) -> bool:
    return i is not None and j is not None and ((i, j) in kept or (j, i) in kept)


@lru_cache(maxsize=200_000)
def _canonical(
    elements: tuple[int, ...], bonds: tuple[tuple[int, int, int], ...], dummies: tuple[int, ...]
) -> tuple[str, tuple[int, ...]]:
    """Canonical SMILES of a piece and its heavy atoms in the order of that SMILES."""
    size = len(elements)
    graph = MolGraph(elements + (0,) * len(dummies), [{} for _ in range(size + len(dummies))])
    for i, j, order in bonds:
        graph.shift_order(i, j, order)
    for extra, atom in enumerate(dummies):
        graph.shift_order(atom, size + extra, 1)
    mol = graph.to_mol()
    if mol is None:
        return "", ()
    smiles = Chem.MolToSmiles(mol)
    output = [int(k) for k in mol.GetProp("_smilesAtomOutputOrder").strip("[],").split(",")]
    return smiles, tuple(k for k in output if k < size)
