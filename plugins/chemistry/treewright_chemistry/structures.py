"""Reading foreign structures safely, and the identities that structures are compared by.

RDKit ships without type information; the rest of the package gets its molecules through here.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase

from treewright_chemistry.errors import StructureError

Mol: TypeAlias = Any  # rdkit.Chem.Mol; RDKit's own annotations are not complete enough for strict checking

MAX_ATOMS: Final = 200
"""Heavy atoms a foreign structure may have; beyond it, parsing costs more than any answer is worth."""
MAX_RING: Final = 60
"""Atoms in the largest ring of a foreign structure."""
MAX_TEXT: Final = 2_000
"""Characters of a foreign SMILES; checked before RDKit sees the text, so that a bomb is never parsed."""

_REPAIR: Final = "Give one neutral or zwitterionic molecule of ordinary size as SMILES"


def parse_structure(text: str, *, field: str = "structure", max_atoms: int = MAX_ATOMS) -> Mol:
    """Return the molecule that a SMILES text from outside describes.

    Args:
        text: SMILES, with or without stereo marks.
        field: where the text came from, for the error.
        max_atoms: heavy atoms allowed.

    Raises:
        StructureError: the text is empty, too long, not valid, or the molecule exceeds the limits.
    """
    stripped = text.strip()
    if not stripped:
        raise StructureError("the SMILES is empty", field=field, repair=_REPAIR)
    if len(stripped) > MAX_TEXT:
        raise StructureError(f"{len(stripped)} characters exceed the limit of {MAX_TEXT}", field=field, repair=_REPAIR)
    raw = _quietly(Chem.MolFromSmiles, stripped, sanitize=False)  # cheap: nothing is perceived yet
    if raw is None or raw.GetNumAtoms() == 0:
        raise StructureError(f"{_quoted(stripped)} is not a valid SMILES", field=field, repair=_REPAIR)
    _check_heavy_atoms(raw, field, max_atoms)
    molecule = _quietly(Chem.MolFromSmiles, stripped)
    if molecule is None:
        what = f"{_quoted(stripped)} is not a valid SMILES{_fault(raw)}"
        raise StructureError(what, field=field, repair=_REPAIR)
    _check_rings(molecule, field)
    return molecule


def constitution(molecule: Mol) -> str:
    """Return the canonical SMILES without stereo marks and isotopes: the identity used for grading.

    Atom numbers (``[CH3:1]``) and explicit hydrogens (``[2H]``) are no part of a constitution either;
    RDKit's SMILES without stereo would show both.
    """
    if any(_is_marked(atom) for atom in molecule.GetAtoms()):
        molecule = without_marks(molecule)
    return str(Chem.MolToSmiles(molecule, isomericSmiles=False))


def _is_marked(atom: Any) -> bool:
    return bool(atom.GetIsotope() or atom.GetAtomMapNum() or (atom.GetAtomicNum() == 1 and atom.GetDegree() > 0))


def without_marks(molecule: Mol) -> Mol:
    """Return the molecule without isotopes and atom numbers, all its hydrogens implicit."""
    plain = Chem.Mol(molecule)
    for atom in plain.GetAtoms():
        atom.SetIsotope(0)
        atom.SetAtomMapNum(0)
    return Chem.RemoveHs(plain)


def inchikey14(molecule: Mol) -> str:
    """Return the first block of the InChIKey (14 letters), which holds the constitution without stereo."""
    block = _quietly(Chem.MolToInchiKey, molecule)[:14]
    if not block:
        raise StructureError("no InChIKey can be computed", field="structure", repair="Check valences and charges")
    return str(block)


def symmetry_classes(molecule: Mol) -> list[int]:
    """Return one class number per heavy atom; topologically equivalent atoms share a number."""
    return list(Chem.CanonicalRankAtoms(molecule, breakTies=False))


def carbon_class_count(molecule: Mol) -> int:
    """Return the number of topological classes of carbon atoms."""
    classes = symmetry_classes(molecule)
    return len({classes[atom.GetIdx()] for atom in molecule.GetAtoms() if atom.GetAtomicNum() == 6})


def carbon_hydrogens(molecule: Mol) -> int:
    """Return the number of hydrogens on carbon."""
    return sum(atom.GetTotalNumHs() for atom in molecule.GetAtoms() if atom.GetAtomicNum() == 6)


def count_matches(molecule: Mol, smarts: str) -> int:
    """Return the number of atoms that match a SMARTS pattern (or one of several, separated by blanks)."""
    first = {match[0] for pattern in _patterns(smarts) for match in molecule.GetSubstructMatches(pattern)}
    return len(first)


@cache
def _patterns(smarts: str) -> tuple[Any, ...]:
    return tuple(Chem.MolFromSmarts(part) for part in smarts.split(" "))


def element_counts(molecule: Mol) -> dict[str, int]:
    """Return the number of atoms of each element, implicit hydrogens included."""
    counts: dict[str, int] = {}
    for atom in molecule.GetAtoms():
        counts[atom.GetSymbol()] = counts.get(atom.GetSymbol(), 0) + 1
        hydrogens = atom.GetTotalNumHs()
        if hydrogens:
            counts["H"] = counts.get("H", 0) + hydrogens
    return counts


def hydrogen_counts(molecule: Mol) -> npt.NDArray[np.int64]:
    """Return the hydrogens on each heavy atom, shape (heavy atoms,)."""
    return np.array([atom.GetTotalNumHs() for atom in molecule.GetAtoms()], dtype=np.int64)


def bond_orders(molecule: Mol) -> npt.NDArray[np.float64]:
    """Return the bond orders between heavy atoms (aromatic 1.5, no bond 0), shape (atoms, atoms)."""
    orders: npt.NDArray[np.float64] = Chem.GetAdjacencyMatrix(molecule, useBO=True)
    return orders


def _check_heavy_atoms(molecule: Mol, field: str, max_atoms: int) -> None:
    heavy = sum(1 for atom in molecule.GetAtoms() if atom.GetAtomicNum() != 1)
    if heavy > max_atoms:
        raise StructureError(f"{heavy} heavy atoms exceed the limit of {max_atoms}", field=field, repair=_REPAIR)
    if molecule.GetNumAtoms() > 5 * max_atoms:
        what = f"{molecule.GetNumAtoms()} atoms exceed the limit of {5 * max_atoms}"
        raise StructureError(what, field=field, repair=_REPAIR)


def _check_rings(molecule: Mol, field: str) -> None:
    largest = max((len(ring) for ring in molecule.GetRingInfo().AtomRings()), default=0)
    if largest > MAX_RING:
        raise StructureError(f"a ring of {largest} atoms exceeds the limit of {MAX_RING}", field=field, repair=_REPAIR)


def _fault(raw: Mol) -> str:
    """What RDKit holds against a molecule that could be parsed and not sanitized."""
    faults = _quietly(Chem.DetectChemistryProblems, raw)
    return f" ({faults[0].Message()[:120].strip()})" if faults else ""


def _quietly(function: Any, *args: Any, **options: Any) -> Any:
    """Call an RDKit function with its log switched off: the caller turns the result into one clear error."""
    with rdBase.BlockLogs():
        return function(*args, **options)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
