"""The structure that a trajectory ends with, or the score that says why there is none."""

from __future__ import annotations

from treewright_chemistry.errors import StructureError
from treewright_chemistry.structures import Mol, parse_structure
from treewright_registry import Score, Trajectory


def proposed_structure(trajectory: Trajectory) -> Mol | Score:
    """Return the molecule; a NaN score with its reason where the last step is no structure."""
    if trajectory.step is None:
        return Score(float("nan"), reason="there is no structure to score yet")
    try:
        return parse_structure(str(trajectory.step.content), field="answer")
    except StructureError as error:
        return Score(float("nan"), reason=str(error))
