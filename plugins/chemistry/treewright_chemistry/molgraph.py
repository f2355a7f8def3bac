"""A light molecular graph for editing: elements, bond orders, nothing else.

Hydrogens are implicit: an atom carries as many as its smallest allowed valence that is at least
the sum of its bond orders leaves open. Charge-separated groups are written with their hypervalent
neutral form (nitro as N(=O)=O, azide as N=N#N, isocyanide as N with a bond of order four to C),
so that every edit is an exchange of whole bond orders and the hydrogen count tells whether the
formula survived. `to_mol` writes them back with charges.

Knows nothing about aromaticity, scores or moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from rdkit import Chem

__all__ = ["ELEMENTS", "MolGraph", "UnsupportedMolecule", "charges_fit", "hydrogens", "is_connected"]

# Atomic number -> allowed valences, smallest first, of the neutral (hypervalent) form.
# 0 is the dummy atom of an open place in a substructure.
ELEMENTS: dict[int, tuple[int, ...]] = {
    0: (1,),
    5: (3,),
    6: (4,),
    7: (3, 5),
    8: (2,),
    9: (1,),
    14: (4,),
    15: (3, 5),
    16: (2, 4, 6),
    17: (1,),
    34: (2, 4, 6),
    35: (1,),
    53: (1,),
}

_MOST_ORDERS = 64
_OPEN = {
    number: [next((v - used for v in valences if v >= used), -1) for used in range(_MOST_ORDERS)]
    for number, valences in ELEMENTS.items()
}

_BOND_TYPES = {
    1: Chem.BondType.SINGLE,
    2: Chem.BondType.DOUBLE,
    3: Chem.BondType.TRIPLE,
    4: Chem.BondType.QUADRUPLE,
}
_ORDERS = {kind: order for order, kind in _BOND_TYPES.items()}


class UnsupportedMolecule(ValueError):
    """A molecule that the light graph cannot hold: unknown element, isolated charge or radical."""


class MolGraph:
    """Heavy atoms and bond orders of one neutral molecule.

    `elements[i]` is the atomic number of atom i, `bonds[i]` maps a neighbour to the order (1-4).
    Edits copy a graph and change the copy; a graph that has been handed out is not changed again.
    """

    __slots__ = ("bonds", "elements")

    def __init__(self, elements: tuple[int, ...], bonds: list[dict[int, int]]) -> None:
        self.elements = elements
        self.bonds = bonds

    def copy(self) -> MolGraph:
        """An independent graph with the same atoms and bonds."""
        return MolGraph(self.elements, [near.copy() for near in self.bonds])

    def bond_list(self) -> list[tuple[int, int, int]]:
        """All bonds as (i, j, order) with i < j."""
        return [(i, j, o) for i, near in enumerate(self.bonds) for j, o in near.items() if i < j]

    def shift_order(self, i: int, j: int, change: int) -> None:
        """Add `change` to the order between i and j; order zero removes the bond."""
        order = self.bonds[i].get(j, 0) + change
        if order:
            self.bonds[i][j] = self.bonds[j][i] = order
        else:
            del self.bonds[i][j], self.bonds[j][i]

    @classmethod
    def from_mol(cls, mol: Any) -> MolGraph:
        """The graph of an RDKit molecule; raises UnsupportedMolecule where it has none."""
        kekule = Chem.Mol(mol)
        Chem.Kekulize(kekule, clearAromaticFlags=True)
        # by index: RDKit's own iterators look up the number of atoms at every step
        every = map(kekule.GetAtomWithIdx, range(kekule.GetNumAtoms()))
        atoms = [atom for atom in every if atom.GetAtomicNum() != 1]
        index = {atom.GetIdx(): i for i, atom in enumerate(atoms)}
        graph = cls(tuple(a.GetAtomicNum() for a in atoms), [{} for _ in atoms])
        for bond in map(kekule.GetBondWithIdx, range(kekule.GetNumBonds())):
            i, j = index.get(bond.GetBeginAtomIdx()), index.get(bond.GetEndAtomIdx())
            if i is not None and j is not None:
                graph.shift_order(i, j, _order_of(bond))
        _neutralise(graph, [atom.GetFormalCharge() for atom in atoms])
        _check_hydrogens(graph, atoms)
        return graph

    @classmethod
    def from_smiles(cls, smiles: str) -> MolGraph:
        """The graph of a SMILES; raises UnsupportedMolecule for one that RDKit refuses."""
        mol = Chem.MolFromSmiles(smiles)
        if mol is None:
            raise UnsupportedMolecule(f"RDKit cannot read the SMILES {smiles[:80]!r}")
        return cls.from_mol(mol)

    def to_mol(self) -> Any:
        """A sanitised RDKit molecule with the same atom order, or None if RDKit refuses it."""
        writable = Chem.RWMol(_template(self.elements))
        charged = self._charged_pairs()
        for i, near in enumerate(self.bonds):
            for j, order in near.items():
                if i < j:
                    lowered = order - ((i, j) in charged or (j, i) in charged)
                    writable.AddBond(i, j, _BOND_TYPES[lowered])
        for plus, minus in charged:
            writable.GetAtomWithIdx(plus).SetFormalCharge(1)
            writable.GetAtomWithIdx(minus).SetFormalCharge(-1)
        failed = Chem.SanitizeMol(writable, catchErrors=True)
        return None if failed else writable

    def _charged_pairs(self) -> set[tuple[int, int]]:
        """(positive, negative) atoms of each charge-separated bond: one for every pentavalent N."""
        pairs = set()
        for i, number in enumerate(self.elements):
            if number == 7 and sum(self.bonds[i].values()) > 3:
                partner = _negative_partner(self, i)
                if partner is not None:
                    pairs.add((i, partner))
        return pairs


def hydrogens(graph: MolGraph) -> list[int]:
    """Hydrogens on each atom; -1 where the bond orders exceed every allowed valence."""
    # The hottest function of a search: a table by element and order sum instead of a loop over valences.
    return [_OPEN[n][sum(near.values())] for n, near in zip(graph.elements, graph.bonds, strict=True)]


def is_connected(graph: MolGraph) -> bool:
    """Whether all atoms hang together."""
    bonds = graph.bonds
    seen = {0}
    stack = [0]
    while stack:
        for j in bonds[stack.pop()]:
            if j not in seen:
                seen.add(j)
                stack.append(j)
    return len(seen) == len(bonds)


def charges_fit(graph: MolGraph) -> bool:
    """Whether every pentavalent N still has the terminal neighbour that takes the negative charge."""
    return all(
        _negative_partner(graph, i) is not None
        for i, number in enumerate(graph.elements)
        if number == 7 and sum(graph.bonds[i].values()) > 3
    )


@lru_cache(maxsize=256)
def _template(elements: tuple[int, ...]) -> Any:
    writable = Chem.RWMol()
    for number in elements:
        writable.AddAtom(Chem.Atom(number))
    return writable.GetMol()


def _order_of(bond: Any) -> int:
    order = _ORDERS.get(bond.GetBondType())
    if order is None:
        raise UnsupportedMolecule(f"bond type {bond.GetBondType()} is not supported")
    return order


def _negative_partner(graph: MolGraph, nitrogen: int) -> int | None:
    """The neighbour that takes the negative charge: terminal, of highest order, O before N before C."""
    ends = [
        (order, graph.elements[j], j)
        for j, order in graph.bonds[nitrogen].items()
        if order > 1 and len(graph.bonds[j]) == 1
    ]
    return max(ends)[2] if ends else None


def _neutralise(graph: MolGraph, charges: Sequence[int]) -> None:
    """Turn every bonded +/- pair into one more bond order, in place."""
    open_charges = list(charges)
    for i, charge in enumerate(charges):
        if charge > 0:
            for j in list(graph.bonds[i]):
                if open_charges[i] > 0 and open_charges[j] < 0:
                    graph.shift_order(i, j, 1)
                    open_charges[i] -= 1
                    open_charges[j] += 1
    if any(open_charges):
        raise UnsupportedMolecule("a charge without an opposite charge on a neighbour")


def _check_hydrogens(graph: MolGraph, atoms: Iterable[Any]) -> None:
    for number in graph.elements:
        if number not in ELEMENTS:
            raise UnsupportedMolecule(f"element with atomic number {number} is not supported")
    expected = [atom.GetTotalNumHs(includeNeighbors=True) for atom in atoms]
    if hydrogens(graph) != expected:
        raise UnsupportedMolecule("hydrogen counts do not follow from the valences (radical?)")
