"""What the tasks of this domain share: reading an answer, comparing it, measuring how near it is."""

from __future__ import annotations

from typing import Any

from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

from treewright_chemistry.errors import StructureError
from treewright_chemistry.structures import Mol, constitution, parse_structure
from treewright_registry import JSON, Trajectory, Verdict

_MORGAN = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)


def answer_of(trajectory: Trajectory) -> JSON:
    """The structure that a trajectory ends with, as canonical SMILES; None if it ends with none."""
    if trajectory.step is None:
        return None
    try:
        return constitution(parse_structure(str(trajectory.step.content)))
    except StructureError:
        return None


def compare(answer: JSON, truth: str) -> Verdict:
    """Grade a structure against the true one.

    Correct is exact constitution: canonical SMILES without stereo. ``isomeric`` asks for the stereo
    marks too; the similarities are Tanimoto, Morgan radius 2 (2,048 bits) and MACCS.
    """
    reference = Chem.MolFromSmiles(truth)
    try:
        found = parse_structure(str(answer))
    except StructureError:
        return Verdict(False, {"valid": False, "isomeric": False, "morgan": 0.0, "maccs": 0.0})
    correct = constitution(found) == constitution(reference)
    return Verdict(
        correct,
        {
            "valid": True,
            "isomeric": Chem.MolToSmiles(found) == Chem.MolToSmiles(reference),
            "morgan": _tanimoto(_MORGAN.GetFingerprint, found, reference),
            "maccs": _tanimoto(rdMolDescriptors.GetMACCSKeysFingerprint, found, reference),
        },
    )


def _tanimoto(fingerprint: Any, left: Mol, right: Mol) -> float:
    return float(DataStructs.TanimotoSimilarity(fingerprint(left), fingerprint(right)))
