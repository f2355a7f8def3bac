"""Common substructures: what they are, how they are counted from a stream of molecules.

Knows nothing about files (`substructure_file`) or texts (`substructure_text`). Memory is bounded: when
more than `capacity` different substructures are held, those seen least often are forgotten (lossy
counting), so a count can be too small by at most the number seen before the last forgetting; frequent
ones are not touched.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from treewright_chemistry.cutting import Piece, cut_molecule, without_hydrogens
from treewright_chemistry.molgraph import UnsupportedMolecule

__all__ = ["Kind", "Substructure", "SubstructureCounter", "Window", "collect"]

Kind = Literal["ring", "ring system", "substituted ring", "chain", "functional group", "charged group"]
Shifts = Callable[[Any], Sequence[float | None]]
"""Predicts for a molecule one shift in ppm per atom, None where it has none to give."""


@dataclass(frozen=True, slots=True)
class Window:
    """Where the 13C line of an atom was expected in the molecules cut: mean and spread, ppm."""

    atom: int
    mean: float
    spread: float


@dataclass(frozen=True, slots=True)
class Substructure:
    """A piece of molecules.

    `smiles` is canonical without stereo, with a dummy atom at every open place; `count` is the number of
    occurrences; `formula` is without the dummies; `unsaturation` is rings plus extra bonds (charge-separated
    bonds counted as drawn); `attachments` are the heavy atoms of the open places, by position in the SMILES.
    """

    smiles: str
    count: int
    formula: str
    unsaturation: int
    heavy_atoms: int
    kind: Kind
    attachments: tuple[int, ...]
    windows: tuple[Window, ...] = ()


_SUMS = 3
"""Numbers kept per atom: observations, sum of shifts, sum of their squares."""


@dataclass(slots=True)
class _Tally:
    count: int
    place: str
    shifts: array[float] = field(default_factory=lambda: array("d"))  # _SUMS per heavy atom, empty without shifts

    def observe(self, sums: Sequence[float]) -> None:
        if not self.shifts:
            self.shifts.extend(sums)
        else:
            for k, value in enumerate(sums):
                self.shifts[k] += value


class SubstructureCounter:
    """Counts the pieces of molecules one by one; `most_common` makes substructures of the most frequent.

    Pickled, a counter travels without its predictor of shifts.

    Attributes:
        molecules: how many were cut.
        skipped: how many the light graph cannot hold.
        undercount: by how much a count can be too small, because of what was forgotten.
    """

    def __init__(self, *, capacity: int = 200_000, shifts: Shifts | None = None) -> None:
        self._tallies: dict[str, _Tally] = {}
        self._capacity = capacity
        self._shifts = shifts
        self.molecules = 0
        self.skipped = 0
        self.undercount = 0

    def add(self, mol: Any, place: str = "") -> None:
        """Count the pieces of one molecule; one that the light graph cannot hold is counted as skipped.

        Args:
            mol: the molecule.
            place: where it comes from; kept for the pieces that it is the first to show.
        """
        mol = without_hydrogens(mol)
        try:
            pieces = list(cut_molecule(mol))
        except UnsupportedMolecule:
            self.skipped += 1
            return
        self.molecules += 1
        predicted = self._shifts(mol) if self._shifts is not None and pieces else None
        for piece in pieces:
            self._count(piece, predicted, place)
        self._forget_rare()

    def merge(self, later: SubstructureCounter) -> None:
        """Add what another counter found in molecules that come after those counted here."""
        for smiles, theirs in later._tallies.items():
            ours = self._tallies.setdefault(smiles, theirs)
            if ours is not theirs:
                ours.count += theirs.count
                ours.observe(theirs.shifts)
        self.molecules += later.molecules
        self.skipped += later.skipped
        self.undercount += later.undercount
        self._forget_rare()

    def most_common(
        self, limit: int, least: int = 1, *, allowed: Callable[[str], bool] | None = None
    ) -> list[Substructure]:
        """The `limit` most frequent substructures found at least `least` times, ties by SMILES.

        Args:
            limit: how many.
            least: occurrences needed.
            allowed: tells of a SMILES whether it may be among them; None allows all.
        """
        frequent = [(smiles, tally) for smiles, tally in self._tallies.items() if tally.count >= least]
        frequent.sort(key=lambda item: (-item[1].count, item[0]))
        usable = (item for item in frequent if allowed is None or allowed(item[0]))
        return [_substructure(smiles, tally) for smiles, tally in islice(usable, limit)]

    def place_of(self, smiles: str) -> str:
        """Where a substructure was seen first."""
        return self._tallies[smiles].place

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_shifts": None}

    def _count(self, piece: Piece, predicted: Sequence[float | None] | None, place: str) -> None:
        tally = self._tallies.get(piece.smiles)
        if tally is None:
            tally = self._tallies[piece.smiles] = _Tally(0, place)
        tally.count += 1
        if predicted is not None:
            tally.observe([value for atom in piece.atoms for value in _sums(predicted[atom])])

    def _forget_rare(self) -> None:
        if len(self._tallies) <= self._capacity:
            return
        counts = Counter(tally.count for tally in self._tallies.values())
        threshold, dropped = 0, 0
        while dropped < self._capacity // 2:
            threshold += 1
            dropped += counts[threshold]
        self.undercount += threshold
        self._tallies = {s: t for s, t in self._tallies.items() if t.count > threshold}


def _sums(shift: float | None) -> tuple[float, float, float]:
    return (1.0, shift, shift * shift) if shift is not None else (0.0, 0.0, 0.0)


def collect(
    molecules: Iterable[Any], *, limit: int, capacity: int = 200_000, shifts: Shifts | None = None
) -> list[Substructure]:
    """The `limit` most common substructures of a stream of RDKit molecules."""
    counter = SubstructureCounter(capacity=capacity, shifts=shifts)
    for mol in molecules:
        counter.add(mol)
    return counter.most_common(limit)


def _substructure(smiles: str, tally: _Tally) -> Substructure:
    mol = Chem.MolFromSmiles(smiles)
    heavy = sum(1 for atom in mol.GetAtoms() if atom.GetAtomicNum() > 0)
    return Substructure(
        smiles=smiles,
        count=tally.count,
        formula=rdMolDescriptors.CalcMolFormula(_without_dummies(mol)),
        unsaturation=_unsaturation(mol),
        heavy_atoms=heavy,
        kind=_kind(mol),
        attachments=attachments_of(mol),
        windows=_windows(tally.shifts),
    )


def attachments_of(mol: Any) -> tuple[int, ...]:
    """Heavy atoms next to a dummy, by position among the heavy atoms, once per dummy."""
    heavy = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() > 0]
    position = {index: k for k, index in enumerate(heavy)}
    dummies = [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() == 0]
    return tuple(sorted(position[near.GetIdx()] for dummy in dummies for near in dummy.GetNeighbors()))


def _without_dummies(mol: Any) -> Any:
    """The heavy atoms alone, open places left open, so that the formula holds no capping hydrogen."""
    bare = Chem.RWMol(mol)
    for atom in bare.GetAtoms():
        atom.SetNumExplicitHs(atom.GetTotalNumHs())
        atom.SetNoImplicit(True)
    for index in sorted((a.GetIdx() for a in mol.GetAtoms() if a.GetAtomicNum() == 0), reverse=True):
        bare.RemoveAtom(index)
    return bare


def _windows(shifts: Sequence[float]) -> tuple[Window, ...]:
    starts = range(0, len(shifts), _SUMS)
    return tuple(_window(start // _SUMS, *shifts[start : start + _SUMS]) for start in starts if shifts[start])


def _window(atom: int, n: float, total: float, squares: float) -> Window:
    mean = total / n
    return Window(atom, round(mean, 1), round(max(squares / n - mean * mean, 0.0) ** 0.5, 1))


def _unsaturation(mol: Any) -> int:
    kekule = Chem.Mol(mol)
    Chem.Kekulize(kekule, clearAromaticFlags=True)
    orders = sum(int(bond.GetBondTypeAsDouble()) for bond in kekule.GetBonds())
    return orders - int(kekule.GetNumAtoms()) + 1


def _kind(mol: Any) -> Kind:
    rings = mol.GetRingInfo()
    if any(atom.GetFormalCharge() for atom in mol.GetAtoms()) and rings.NumRings() == 0:
        return "charged group"
    if rings.NumRings() == 0:
        only_carbon = all(atom.GetAtomicNum() in (0, 6) for atom in mol.GetAtoms())
        return "chain" if only_carbon else "functional group"
    if any(rings.NumAtomRings(atom.GetIdx()) == 0 for atom in mol.GetAtoms() if atom.GetAtomicNum() > 0):
        return "substituted ring"
    return "ring" if rings.NumRings() == 1 else "ring system"
