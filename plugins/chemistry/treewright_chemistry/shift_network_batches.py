"""Training examples of the shift network: padded batches of molecules of similar size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.environments import RADII
from treewright_chemistry.shift_atoms import Atoms, Observed, expect, usable_weights
from treewright_chemistry.shift_network import CENTRE, FEATURES, MESSAGE, table_features
from treewright_chemistry.shift_types import Shifts

MIN_SEEN: Final = {0: 3, 1: 8}
"""Atoms an environment needs, by radius, to get an embedding of its own."""

CUTS: Final = (1, 2, 3, 4)
"""Numbers of radii that the tables may be cut to in training."""
CUT_SHARE: Final = 0.5

Floats32 = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Examples:
    """All molecules as flat arrays.

    Attributes:
        keys: identifiers with an embedding, at radius 0 and 1.
        embedded: row of the embedding of every heavy atom (0: none), at radius 0 and 1.
        atom_starts, carbon_starts: first heavy atom and first carbon of every molecule, and one past the
            last.
        features: of every carbon, shape (carbons, FEATURES), by number of radii that the tables may use:
            RADII, and those of CUTS. Training hides large environments at random, so that the network
            learns to do without them: otherwise it meets poor table values on exotic molecules only, and
            overshoots on simple ones.
        targets, weights: normalised shifts and their weights, shape (carbons, 2); weight 0 where unknown.
        held_out: the same weights for the validation share.
        training, validation: numbers of the molecules that have a weight.
    """

    atoms: Atoms
    keys: tuple[Keys, Keys]
    embedded: tuple[Integers, Integers]
    atom_starts: Integers
    carbon_starts: Integers
    features: dict[int, Floats32]
    targets: Floats32
    weights: Floats32
    held_out: Floats32
    training: Integers
    validation: Integers


@dataclass(frozen=True)
class Batch:
    """One padded batch: B molecules of up to A heavy atoms.

    Attributes:
        embedded: shape (2, B, A).
        features: shape (B, A, FEATURES).
        bonds: shape (2, B, A, A), the two message matrices of ``shift_network``.
        targets, weights: shape (B, A, 2).
    """

    embedded: Integers
    features: Floats32
    bonds: Floats32
    targets: Floats32
    weights: Floats32


def make_examples(atoms: Atoms, observed: Observed) -> Examples:
    """Lay out all examples; the table predictions among the features leave each molecule itself out."""
    identifiers = np.concatenate([molecule.identifiers for molecule in atoms.molecules])
    vocabulary = [_embedded(identifiers[:, radius], MIN_SEEN[radius]) for radius in (0, 1)]
    targets, weights, held_out = [], [], []
    for name, (centre, width) in CENTRE.items():
        values = getattr(observed, name)
        targets.append((np.nan_to_num(values) - centre) / width)
        weights.append(usable_weights(atoms, observed, name))
        bearing = atoms.hydrogens > 0 if name == "proton" else True
        held_out.append(atoms.validation & np.isfinite(values) & ~(atoms.computed & (name == "proton")) & bearing)
    trained, kept = np.stack(weights, 1).astype(np.float32), np.stack(held_out, 1).astype(np.float32)
    return Examples(
        atoms=atoms,
        keys=(vocabulary[0][0], vocabulary[1][0]),
        embedded=(vocabulary[0][1], vocabulary[1][1]),
        atom_starts=np.concatenate([[0], np.cumsum([len(m.identifiers) for m in atoms.molecules])]),
        carbon_starts=atoms.starts,
        features={radii: _features(atoms, observed, radii) for radii in (RADII, *CUTS)},
        targets=np.stack(targets, 1).astype(np.float32),
        weights=trained,
        held_out=kept,
        training=_with_weight(trained, atoms.starts),
        validation=_with_weight(kept, atoms.starts),
    )


def _features(atoms: Atoms, observed: Observed, radii: int) -> Floats32:
    columns = []
    for name in CENTRE:
        estimate = expect(atoms, observed, name, radii)
        count = np.minimum(np.ceil(estimate.count), 255.0)
        columns.append(table_features(Shifts(estimate.mean, np.ones(len(count)), estimate.radius, count), name))
    return np.concatenate(columns, axis=1)


def batches(examples: Examples, numbers: Integers, size: int, random: np.random.Generator) -> Iterator[Integers]:
    """Yield the molecules in batches of similar size, in random order."""
    sizes = np.diff(examples.atom_starts)[numbers] + 3.0 * random.random(len(numbers))
    ordered = numbers[np.argsort(sizes)]
    for start in random.permutation(np.arange(0, len(ordered), size)):
        yield ordered[start : start + size]


def pad(examples: Examples, numbers: Integers, weights: Floats32, random: np.random.Generator | None = None) -> Batch:
    """Return molecules as one padded batch; with ``random``, the tables of some are cut short."""
    starts, ends = examples.atom_starts[numbers], examples.atom_starts[numbers + 1]
    shape = (len(numbers), int((ends - starts).max()))
    embedded = np.zeros((2, *shape), dtype=np.int64)
    features = np.zeros((*shape, FEATURES), dtype=np.float32)
    bonds = np.zeros((2, *shape, shape[1]), dtype=np.float32)
    targets, padded = np.zeros((*shape, 2), dtype=np.float32), np.zeros((*shape, 2), dtype=np.float32)
    cuts = np.full(len(numbers), RADII)
    if random is not None:
        cuts = np.where(random.random(len(numbers)) < CUT_SHARE, random.choice(CUTS, len(numbers)), RADII)
    for row, (number, cut) in enumerate(zip(numbers.tolist(), cuts.tolist(), strict=True)):
        molecule = examples.atoms.molecules[number]
        span = slice(examples.carbon_starts[number], examples.carbon_starts[number + 1])
        for radius in (0, 1):
            embedded[radius, row, : ends[row] - starts[row]] = examples.embedded[radius][starts[row] : ends[row]]
        features[row, molecule.carbons] = examples.features[cut][span]
        targets[row, molecule.carbons], padded[row, molecule.carbons] = examples.targets[span], weights[span]
        first, second, order = molecule.bonds.T
        for here, there in ((first, second), (second, first)):
            bonds[0, row, here, there] = MESSAGE
            bonds[1, row, here, there] = MESSAGE * (order / 2.0 - 1.0)
    return Batch(embedded, features, bonds, targets, padded)


def _embedded(identifiers: Keys, least: int) -> tuple[Keys, Integers]:
    """Return the identifiers seen often enough, and for each atom the row of its embedding."""
    keys, counts = np.unique(identifiers, return_counts=True)
    kept = keys[counts >= least]
    rows = np.minimum(np.searchsorted(kept, identifiers), len(kept) - 1)
    return kept, np.where(kept[rows] == identifiers, rows + 1, 0)


def _with_weight(weights: Floats32, starts: Integers) -> Integers:
    totals = np.concatenate([[0.0], np.cumsum(weights.sum(1), dtype=np.float64)])
    return np.flatnonzero(totals[starts[1:]] > totals[starts[:-1]])
