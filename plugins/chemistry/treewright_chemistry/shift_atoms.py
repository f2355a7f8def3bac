"""All training carbons in rows, the shifts assigned to them, and what the other molecules make one expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.environments import RADII
from treewright_chemistry.held_out import in_validation
from treewright_chemistry.shift_data import TrainingMolecule
from treewright_chemistry.shift_statistics import (
    EnvironmentIndex,
    Estimate,
    index_environments,
    leave_one_out,
)

NUCLEI: Final = {"carbon": "13C", "proton": "1H"}
COMPUTED_WEIGHT: Final = 0.5
"""Weight of a computed shift against a measured one."""
TRIM: Final = {"carbon": 10.0, "proton": 1.2}
"""ppm: an observation further off a prediction at radius 3 or more is an error of source or assignment."""
PRIOR: Final = {"carbon": (130.0, 90.0, 40.0, 20.0, 0.0), "proton": (0.0, 6.0, 2.5, 1.8, 0.0)}
"""ppm by number of hydrogens on the carbon, where nothing else is known."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Atoms:
    """All training carbons in one row each."""

    molecules: list[TrainingMolecule]
    starts: npt.NDArray[np.int64]
    index: EnvironmentIndex
    hydrogens: npt.NDArray[np.int64]
    computed: npt.NDArray[np.bool_]
    validation: npt.NDArray[np.bool_]
    classes: npt.NDArray[np.int64]

    def class_means(self, values: Floats) -> Floats:
        """Replace known values by the mean of their topological class, which tables cannot tell apart."""
        known = np.isfinite(values)
        number = np.bincount(self.classes, known)
        total = np.bincount(self.classes, np.where(known, values, 0.0))
        return np.where(known, (total / np.maximum(number, 1))[self.classes], np.nan)

    def in_pairs(self, values: Floats) -> npt.NDArray[np.bool_]:
        """Tell which carbons are one of exactly two of their class, both with a value."""
        pair = np.bincount(self.classes) == 2
        known = np.bincount(self.classes, np.isfinite(values)) == 2
        member: npt.NDArray[np.bool_] = (pair & known)[self.classes]
        return member


@dataclass(frozen=True)
class Observed:
    """Shifts assigned to the carbons at present, NaN where none; and the map of computed 1H shifts.

    Carbons of one topological class share their mean; ``halves`` holds how far the two of a pair lie from it.
    """

    carbon: Floats
    proton: Floats
    halves: Floats
    slope: float = 1.0
    intercept: float = 0.0


def gather(molecules: list[TrainingMolecule]) -> Atoms:
    """Lay the carbons of all molecules out in rows."""
    sizes = np.array([len(molecule.hydrogens) for molecule in molecules])
    owner = np.repeat(np.arange(len(molecules)), sizes)
    # Stereoisomers and repeated records share a constitution; leaving one out must leave all of them out.
    constitutions = np.unique([m.block for m in molecules], return_inverse=True)[1].astype(np.int64)
    return Atoms(
        molecules=molecules,
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        index=index_environments(np.concatenate([m.environments for m in molecules]), constitutions[owner]),
        hydrogens=np.concatenate([m.hydrogens for m in molecules]),
        computed=np.array([m.computed for m in molecules])[owner],
        validation=np.array([in_validation(m.block) for m in molecules])[owner],
        classes=np.unique(owner * 1000 + np.concatenate([m.classes for m in molecules]), return_inverse=True)[1],
    )


def assigned_shifts(atoms: Atoms) -> Observed:
    """Return the shifts that the sources assign themselves."""
    carbon = np.concatenate([m.carbon for m in atoms.molecules])
    proton = np.concatenate([m.proton for m in atoms.molecules])
    return Observed(carbon, proton, np.full(len(carbon), np.nan))


def expect(atoms: Atoms, observed: Observed, nucleus: str, radii: int = RADII) -> Estimate:
    """Predict every atom from the other molecules outside the validation share, with so many radii."""
    values = np.nan_to_num(getattr(observed, nucleus))
    weights = usable_weights(atoms, observed, nucleus)
    return leave_one_out(atoms.index, values, weights, prior(atoms, nucleus), radii)


def prior(atoms: Atoms, nucleus: str) -> Floats:
    """Return the expectation of each atom from its number of hydrogens alone."""
    return np.array(PRIOR[nucleus])[np.minimum(atoms.hydrogens, 4)]


def usable_weights(atoms: Atoms, observed: Observed, nucleus: str) -> Floats:
    """Return the weight of each observation: 0 for validation, missing and far-off ones."""
    values = getattr(observed, nucleus)
    weights = np.where(np.isfinite(values) & ~atoms.validation, 1.0, 0.0)
    if nucleus == "proton":
        weights = np.where(atoms.hydrogens > 0, weights, 0.0) * np.where(atoms.computed, COMPUTED_WEIGHT, 1.0)
    estimate = leave_one_out(atoms.index, np.nan_to_num(values), weights, prior(atoms, nucleus))
    far = (np.abs(values - estimate.mean) > TRIM[nucleus]) & (estimate.radius >= 3)
    return np.where(far, 0.0, weights)


def errors(atoms: Atoms, observed: Observed, nucleus: str) -> tuple[Floats, Estimate]:
    """Return absolute errors of the leave-one-out predictions, NaN where nothing was measured."""
    estimate = expect(atoms, observed, nucleus)
    distance = np.abs(getattr(observed, nucleus) - estimate.mean)
    if nucleus == "proton":
        distance = np.where(atoms.computed | (atoms.hydrogens == 0), np.nan, distance)
    return distance, estimate


def average(values: Floats) -> float:
    """Return the mean of the known values, NaN where there is none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
