"""Whether a molecule holds a substructure, and whether a formula allows it."""

from __future__ import annotations

from typing import Any

from rdkit import Chem

from treewright_chemistry.formula import Formula
from treewright_chemistry.structures import Mol
from treewright_chemistry.substructures import Substructure


def query_of(record: Substructure) -> Mol:
    """Return the substructure as a query: an open place matches any heavy atom."""
    parameters: Any = Chem.AdjustQueryParameters.NoAdjustments()
    parameters.makeDummiesQueries = True
    return Chem.AdjustQueryProperties(Chem.MolFromSmiles(record.smiles), parameters)


def fits(piece: dict[str, int], record: Substructure, formula: Formula) -> bool:
    """Tell whether a formula has the atoms of a substructure and its unsaturation."""
    return record.unsaturation <= formula.unsaturation + 2 * _hypervalent(formula) and all(
        number <= formula[element] for element, number in piece.items()
    )


def element_counts_of(record: Substructure) -> dict[str, int]:
    """Return the element counts of a substructure, its open places left out."""
    counts: dict[str, int] = {}
    for atom in Chem.MolFromSmiles(record.smiles).GetAtoms():
        if atom.GetAtomicNum():
            counts[atom.GetSymbol()] = counts.get(atom.GetSymbol(), 0) + 1
            counts["H"] = counts.get("H", 0) + atom.GetTotalNumHs()
    return counts


def _hypervalent(formula: Formula) -> int:
    """Return the extra bonds that nitro, sulfonyl and the like may add to the unsaturation."""
    return formula["N"] + 2 * formula["S"] + formula["P"]
