"""Fragments from retrieved records: a hit's id is the SMILES of a substructure, ``*`` at its open places.

Where its carbons resonate is not told by a hit, so the shift tables say it, looking only at what the substructure
holds: at an open place they fall back to smaller environments, and the window widens by their expected error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from rdkit.Chem import rdMolDescriptors

from treewright_chemistry.errors import StructureError
from treewright_chemistry.fragments import Fragment
from treewright_chemistry.molgraph import UnsupportedMolecule
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.structures import Mol, parse_structure
from treewright_chemistry.substructures import Substructure, Window, attachments_of

__all__ = ["TYPICAL_COUNT", "RetrievedFragments", "windows_of"]

TYPICAL_COUNT: Final = 27
"""Occurrences that a substructure unknown to the shipped table counts as: the table's median. Counts of another
collection could not be compared with the table's."""


class RetrievedFragments:
    """Makes the fragments of hits, each once.

    Args:
        shipped: fragments of the shipped substructures by SMILES, taken as they are.
        tables: predict the windows of the others.
    """

    def __init__(self, shipped: Mapping[str, Fragment], tables: ShiftTables) -> None:
        self._known: dict[str, Fragment | None] = dict(shipped)
        self._tables = tables

    def of(self, smiles: Iterable[str]) -> list[Fragment]:
        """The fragments of some substructures, each once, in order, without those that the light graph cannot hold.

        Raises:
            StructureError: one is no SMILES; names it.
        """
        found = (self._fragment(each) for each in dict.fromkeys(smiles))
        return [fragment for fragment in found if fragment is not None]

    def _fragment(self, smiles: str) -> Fragment | None:
        if smiles not in self._known:
            self._known[smiles] = self._made(smiles)
        return self._known[smiles]

    def _made(self, smiles: str) -> Fragment | None:
        molecule = parse_structure(smiles, field=f"retrieved record {smiles[:60]!r}")
        heavy = sum(atom.GetAtomicNum() > 0 for atom in molecule.GetAtoms())
        if not heavy:
            raise StructureError("it has no atoms", field=f"retrieved record {smiles[:60]!r}", repair="Leave it out")
        substructure = Substructure(
            smiles,
            TYPICAL_COUNT,
            rdMolDescriptors.CalcMolFormula(molecule),
            unsaturation=0,  # the fragment counts its own
            heavy_atoms=heavy,
            kind="functional group",
            attachments=attachments_of(molecule),
            windows=windows_of(molecule, self._tables),
        )
        try:
            return Fragment.from_substructure(substructure)
        except UnsupportedMolecule:
            return None


def windows_of(molecule: Mol, tables: ShiftTables) -> tuple[Window, ...]:
    """Where the tables expect the 13C lines of a substructure's carbons, by position among its heavy atoms."""
    heavy = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum() > 0]
    position = {index: k for k, index in enumerate(heavy)}
    predicted = tables.predict(molecule)
    rows = zip(predicted.carbons.tolist(), predicted.carbon.mean.tolist(), predicted.carbon.scale.tolist(), strict=True)
    return tuple(Window(position[atom], round(mean, 1), round(scale, 1)) for atom, mean, scale in rows)
