"""What the tasks of this domain share: reading an answer, comparing it, measuring how near it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

from treewright_chemistry.errors import StructureError
from treewright_chemistry.structures import Mol, constitution, parse_structure
from treewright_registry import JSON, Trajectory, Verdict

TOP: Final = (1, 3, 5, 10)
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


def ranked_answers(record: Any) -> list[str]:
    """The answers of a record, best first."""
    answers = [record.answer, *(runner["answer"] for runner in record.runners_up)]
    return [str(answer) for answer in answers if answer is not None]


def rank_of(record: Any, truth: str) -> int | None:
    """The place of the true constitution among a record's answers, from 1; None if it is not there."""
    wanted = constitution(Chem.MolFromSmiles(truth))
    answers = ranked_answers(record)
    return answers.index(wanted) + 1 if wanted in answers else None


def outcomes(records: Sequence[Any], truths: Mapping[str, str], truth_scores: Mapping[str, float]) -> dict[str, Any]:
    """Shares of the records by outcome, and top-k.

    ``solved``: the answer is right. ``outranked``: the truth would not score above the answer, so no
    longer search helps. ``not_found``: the truth would score above the answer, so the search missed
    it. The three add up to 1; failed problems, those without a truth among them, count as not found.
    """
    from treewright.run.intervals import wilson

    n = len(records)
    counts = {f"top_{k}": 0 for k in TOP} | {"outranked": 0, "not_found": 0}
    for record in records:
        rank = rank_of(record, truths[record.id]) if record.id in truths else None
        for k in TOP:
            counts[f"top_{k}"] += rank is not None and rank <= k
        if rank != 1:
            above = record.score is None or truth_scores[record.id] > record.score
            counts["not_found" if above else "outranked"] += 1
    shares = {}
    for name, count in counts.items():
        low, high = wilson(count, n)
        shares[name] = {"value": count / n, "low": low, "high": high, "n": n}
    return shares


def _tanimoto(fingerprint: Any, left: Mol, right: Mol) -> float:
    return float(DataStructs.TanimotoSimilarity(fingerprint(left), fingerprint(right)))
