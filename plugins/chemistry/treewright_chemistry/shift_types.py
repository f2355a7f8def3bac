"""Predicted shifts as data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shifts:
    """Predictions of one nucleus for a list of atoms, all of shape (atoms,).

    Attributes:
        mean: ppm.
        scale: expected absolute error, ppm; the scale of a Laplace law.
        radius: bonds of the environment found in the tables, -1 where the atom was not known at all.
        count: observations behind that environment, capped at 255.
    """

    mean: Floats
    scale: Floats
    radius: npt.NDArray[np.int64]
    count: Floats


@dataclass(frozen=True, slots=True)
class Prediction:
    """Predicted shifts of one molecule.

    Attributes:
        carbons: numbers of the carbon atoms, in the order of all other fields.
        carbon: 13C of each carbon.
        proton: 1H of the hydrogens on each carbon (without meaning where it bears none).
    """

    carbons: npt.NDArray[np.int64]
    carbon: Shifts
    proton: Shifts
