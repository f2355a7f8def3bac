"""Statistics of shifts by environment: counts, shrunken means, spreads, leaving molecules out.

At radius r the mean is mu_r = (n * mean_r + k * mu_(r-1)) / (n + k): an environment seen once leans on its
parent, one seen often stands alone. Every prediction used in training leaves the molecule itself out;
otherwise an atom with a unique environment would only ever confirm its first assignment, and the error
would look far too small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.environments import RADII

SHRINKAGE: Final = 1.0
"""k above, in observations."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EnvironmentIndex:
    """Environments of all training atoms as consecutive numbers.

    Attributes:
        keys: per radius the distinct identifiers, sorted.
        rows: per radius the number of each atom's environment, shape (atoms,).
        own: per radius the number of each atom's (molecule, environment) pair, shape (atoms,).
        parents: per radius, for each environment, the number of its environment one bond smaller.
    """

    keys: tuple[npt.NDArray[np.uint64], ...]
    rows: tuple[Integers, ...]
    own: tuple[Integers, ...]
    parents: tuple[Integers, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Predictions of atoms: mean in ppm, deepest radius used (-1: nothing known), observations behind it."""

    mean: Floats
    radius: Integers
    count: Floats


def index_environments(identifiers: npt.NDArray[np.uint64], molecules: Integers) -> EnvironmentIndex:
    """Number the environments of all atoms.

    Args:
        identifiers: shape (atoms, RADII).
        molecules: number of each atom's molecule (constitution), shape (atoms,).
    """
    keys, rows, own, parents = [], [], [], []
    for radius in range(RADII):
        unique, first, inverse = np.unique(identifiers[:, radius], return_index=True, return_inverse=True)
        keys.append(unique)
        rows.append(inverse.astype(np.int64))
        own.append(np.unique(molecules * len(unique) + inverse, return_inverse=True)[1].astype(np.int64))
        parents.append(rows[radius - 1][first] if radius else np.zeros(len(unique), dtype=np.int64))
    return EnvironmentIndex(tuple(keys), tuple(rows), tuple(own), tuple(parents))


def leave_one_out(
    index: EnvironmentIndex, values: Floats, weights: Floats, prior: Floats, radii: int = RADII
) -> Estimate:
    """Predict every training atom from the other molecules.

    Args:
        index: environments of the atoms.
        values: observed shift of each atom, shape (atoms,); ignored where the weight is 0.
        weights: weight of each observation, shape (atoms,).
        prior: expectation where nothing is known, shape (atoms,).
        radii: number of radii that may be used.
    """
    mean, count = prior.copy(), np.zeros_like(prior)
    used = np.full(len(prior), -1, dtype=np.int64)
    for radius, (rows, own) in enumerate(zip(index.rows[:radii], index.own[:radii], strict=True)):
        n = np.bincount(rows, weights)[rows] - np.bincount(own, weights)[own]
        total = np.bincount(rows, weights * values)[rows] - np.bincount(own, weights * values)[own]
        known = n > 0.25  # weights are at least 0.5; the rest is rounding
        mean = np.where(known, (total + SHRINKAGE * mean) / (n + SHRINKAGE), mean)
        used, count = np.where(known, radius, used), np.where(known, n, count)
    return Estimate(mean, used, count)


@dataclass(frozen=True, slots=True)
class LevelStatistics:
    """One radius: shrunken mean, observations and mean absolute deviation of each environment."""

    mean: Floats
    count: Floats
    deviation: Floats


def summarise(index: EnvironmentIndex, values: Floats, weights: Floats, prior: Floats) -> list[LevelStatistics]:
    """Return the statistics of every environment from all molecules, radius 0 first."""
    levels: list[LevelStatistics] = []
    for radius, rows in enumerate(index.rows):
        n: Floats = np.bincount(rows, weights).astype(np.float64)
        plain = np.bincount(rows, weights * values) / np.maximum(n, 1e-9)
        parent = levels[-1].mean[index.parents[radius]] if levels else _first_of(rows, prior)
        mean = np.where(n > 0, (n * plain + SHRINKAGE * parent) / (n + SHRINKAGE), parent)
        absolute = np.bincount(rows, weights * np.abs(values - mean[rows]))
        levels.append(LevelStatistics(mean, n, absolute / np.maximum(n, 1e-9)))
    return levels


def _first_of(rows: Integers, values: Floats) -> Floats:
    """Return one value per environment; all atoms of an environment at radius 0 share it."""
    result = np.zeros(rows.max() + 1)
    result[rows] = values
    return result
