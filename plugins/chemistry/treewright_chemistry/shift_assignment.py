"""The assignment step of the training: which observation belongs to which carbon.

A minimum-cost assignment between the slots of a molecule (one atom of the source each) and its carbons,
with what the tables predict at present. Costs are in ppm of 13C.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from treewright_chemistry.shift_data import TrainingMolecule

CARBON_CAP: Final = 60.0
"""Largest cost of a 13C difference."""
PROTON_CAP: Final = 3.0
"""Largest counted 1H difference in ppm."""
PROTON_SCALE: Final = 8.0
"""What 1 ppm of 1H weighs against 1 ppm of 13C: the ratio of their usual errors."""
LETTER_COST: Final = 40.0
"""Cost of a carbon whose hydrogens disagree with the multiplicity letter."""
NO_HYDROGEN_COST: Final = 40.0
"""Cost of giving a 1H value to a carbon without hydrogens."""
LABILE_COST: Final = 6.0
"""Cost of taking a 1H slot for a hydrogen on a heteroatom."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def assign(molecule: TrainingMolecule, carbon: Floats, proton: Floats) -> tuple[Integers, Integers]:
    """Match slots to carbons.

    Args:
        molecule: with slots.
        carbon: predicted 13C shifts, shape (carbons,).
        proton: predicted 1H shifts, shape (carbons,).

    Returns:
        Numbers of slots and of the carbons they belong to; slots taken for labile hydrogens are missing.
    """
    columns = _columns(molecule)
    cost = _cost(molecule, carbon, proton)[:, columns]
    if molecule.labile:
        labile = np.where(np.isfinite(molecule.slots[:, :1]), CARBON_CAP + LETTER_COST, LABILE_COST)
        cost = np.hstack([cost, np.repeat(labile, molecule.labile, axis=1)])
    slots, chosen = linear_sum_assignment(cost)
    real = chosen < len(columns)
    return slots[real], columns[chosen[real]]


def _columns(molecule: TrainingMolecule) -> Integers:
    """Return the carbons to choose from: one per class where the source lists one slot per class."""
    carbons = np.arange(len(molecule.classes))
    has_lines = bool(np.isfinite(molecule.slots[:, 0]).any())
    eligible = carbons if has_lines else carbons[molecule.hydrogens > 0]
    _, first = np.unique(molecule.classes[eligible], return_index=True)
    rows = int(np.isfinite(molecule.slots[:, 0]).sum()) if has_lines else len(molecule.slots)
    return eligible[np.sort(first)] if rows == len(first) else eligible


def _cost(molecule: TrainingMolecule, carbon: Floats, proton: Floats) -> Floats:
    shift, attached, hydrogen = (molecule.slots[:, column, None] for column in range(3))
    cost = np.nan_to_num(np.minimum(np.abs(shift - carbon), CARBON_CAP))
    cost += np.where(np.isfinite(attached) & (attached != molecule.hydrogens), LETTER_COST, 0.0)
    distance = np.minimum(np.abs(hydrogen - proton), PROTON_CAP) * PROTON_SCALE
    wrong = np.where(molecule.hydrogens > 0, distance, NO_HYDROGEN_COST)
    result: Floats = cost + np.where(np.isfinite(hydrogen), wrong, 0.0)
    return result
