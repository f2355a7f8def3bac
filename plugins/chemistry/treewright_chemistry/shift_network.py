"""A small graph network that refines the tables' shifts, computed with numpy for a whole batch of candidates.

Atoms start from embeddings of their environments at radius 0 and 1 and, on carbons, from what the tables
predict, how far they had to back off and how much stands behind it. Layers pass messages along bonds; the
head blends its own value with the table's and says how large an error it expects. Training:
``shift_network_training``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from treewright_chemistry.blas_threads import one_blas_thread
from treewright_chemistry.environments import RADII, check_scheme
from treewright_chemistry.model_files import Arrays, read_arrays
from treewright_chemistry.shift_types import Shifts

FILE: Final = "shift_network.npz"
CENTRE: Final = {"carbon": (95.0, 50.0), "proton": (4.0, 2.5)}
"""Offset and scale in ppm by which shifts enter and leave the network."""
FEATURES: Final = 2 * (RADII + 1 + 2)
"""Per nucleus: table mean, log count, and one mark for the radius used (-1 to 5)."""
LOG_SCALE: Final = (-6.0, 2.0)
MESSAGE: Final = 0.5
"""Factor of summed messages, which keeps activations of like size in every layer."""

Floats32 = npt.NDArray[np.float32]
Matrix: TypeAlias = Any  # a dense array or a scipy.sparse matrix, which ships no types


@dataclass(frozen=True)
class ShiftNetwork:
    """Weights of the network.

    Attributes:
        keys: sorted environment identifiers with an embedding, at radius 0 and 1.
        embeddings: one row per key after a zero row for unknown ones, at radius 0 and 1.
        entry: matrix and bias of the table features.
        layers: matrix and bias of every message layer; inputs are the atom, its neighbours, its neighbours
            by excess order.
        head: matrices and biases of the two head layers.
    """

    keys: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]
    embeddings: tuple[Floats32, Floats32]
    entry: tuple[Floats32, Floats32]
    layers: tuple[tuple[Floats32, Floats32], ...]
    head: tuple[tuple[Floats32, Floats32], tuple[Floats32, Floats32]]

    @staticmethod
    def load(folder: Path) -> ShiftNetwork:
        """Return the network in ``shift_network.npz`` of a folder; the file is read once.

        Raises:
            TableError: the file is missing, damaged, or made for other environment identifiers.
        """
        return _load(folder / FILE)

    def refine(
        self,
        identifiers: npt.NDArray[np.uint64],
        bonds: tuple[Matrix, Matrix],
        carbons: npt.NDArray[np.int64],
        tables: tuple[Shifts, Shifts],
    ) -> tuple[Shifts, Shifts]:
        """Refine the table predictions of carbons.

        Args:
            identifiers: of all heavy atoms of the batch, shape (atoms, RADII).
            bonds: adjacency of the batch, and the same weighted by bond order - 1, shape (atoms, atoms).
            carbons: numbers of the carbons, shape (carbons,).
            tables: predictions of the tables for the carbons, 13C and 1H.
        """
        features = np.concatenate(
            [table_features(shifts, name) for shifts, name in zip(tables, CENTRE, strict=True)], 1
        )
        start = self._embed(identifiers)
        with one_blas_thread():
            out = self._output(start, features, bonds, carbons)
        return _blend(out, 0, tables[0], "carbon"), _blend(out, 1, tables[1], "proton")

    def _output(
        self, start: Floats32, features: Floats32, bonds: tuple[Matrix, Matrix], carbons: npt.NDArray[np.int64]
    ) -> Floats32:
        """The head's output for every carbon, shape (carbons, 6)."""
        start += self.entry[1]
        start[carbons] += features @ self.entry[0]
        state = start
        for weight, bias in self.layers:
            joined = np.concatenate([state, bonds[0] @ state, bonds[1] @ state], axis=1)
            joined = joined @ weight
            joined += bias
            state = state + np.maximum(joined, 0.0, out=joined)
        (first, first_bias), (second, second_bias) = self.head
        hidden = np.maximum(np.concatenate([state[carbons], start[carbons]], 1) @ first + first_bias, 0.0)
        out: Floats32 = hidden @ second + second_bias
        return out

    def _embed(self, identifiers: npt.NDArray[np.uint64]) -> Floats32:
        total: Floats32 | None = None
        for radius, (keys, table) in enumerate(zip(self.keys, self.embeddings, strict=True)):
            wanted = identifiers[:, radius]
            rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            part = table[np.where(keys[rows] == wanted, rows + 1, 0)]
            total = part if total is None else total + part
        assert total is not None
        return total


def table_features(shifts: Shifts, name: str) -> Floats32:
    """Return what the network sees of a table prediction, shape (atoms, FEATURES / 2)."""
    centre, width = CENTRE[name]
    features = np.zeros((len(shifts.mean), RADII + 3), dtype=np.float32)
    features[:, 0] = (shifts.mean - centre) / width
    features[:, 1] = np.log1p(shifts.count) / 3.0
    features[np.arange(len(features)), 3 + shifts.radius] = 1.0
    return features


def batch_bonds(adjacency: npt.NDArray[np.float64]) -> tuple[Matrix, Matrix]:
    """Return both message matrices from the bond orders, shape (molecules, atoms, atoms).

    They are sparse; a single molecule is so small that plain arrays are faster.
    """
    if len(adjacency) == 1:
        bonded = adjacency[0] > 0.0
        excess = MESSAGE * np.where(bonded, adjacency[0] - 1.0, 0.0)
        return (MESSAGE * bonded).astype(np.float32), excess.astype(np.float32)
    molecule, first, second = np.nonzero(adjacency)
    number, atoms, _ = adjacency.shape
    order = adjacency[molecule, first, second]
    row, column = molecule * atoms + first, molecule * atoms + second
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=number * atoms))])
    shape = (number * atoms, number * atoms)
    plain = csr_matrix((np.full(len(row), MESSAGE, np.float32), column, starts), shape=shape)
    multiple = order > 1.0
    starts = np.concatenate([[0], np.cumsum(np.bincount(row[multiple], minlength=number * atoms))])
    beyond = (MESSAGE * (order[multiple] - 1.0)).astype(np.float32)
    return plain, csr_matrix((beyond, column[multiple], starts), shape=shape)


def _blend(out: Floats32, column: int, table: Shifts, name: str) -> Shifts:
    """Blend the network's value with the table's by the gate of the head."""
    centre, width = CENTRE[name]
    gate = 1.0 / (1.0 + np.exp(-out[:, 4 + column].astype(np.float64)))
    own = out[:, column] * width + centre
    scale = width * np.exp(np.clip(out[:, 2 + column].astype(np.float64), *LOG_SCALE))
    return Shifts(gate * table.mean + (1.0 - gate) * own, scale, table.radius, table.count)


@cache
def _load(path: Path) -> ShiftNetwork:
    arrays = read_arrays(path)
    check_scheme(arrays["scheme"], path, "treewright train chemistry/shifts")
    pairs = [_pair(arrays, f"layer_{number}") for number in range(int(arrays["layers"]))]
    return ShiftNetwork(
        keys=(arrays["keys_0"].astype(np.uint64), arrays["keys_1"].astype(np.uint64)),
        embeddings=(arrays["embedding_0"].astype(np.float32), arrays["embedding_1"].astype(np.float32)),
        entry=_pair(arrays, "entry"),
        layers=tuple(pairs),
        head=(_pair(arrays, "head_0"), _pair(arrays, "head_1")),
    )


def _pair(arrays: Arrays, name: str) -> tuple[Floats32, Floats32]:
    return arrays[f"{name}_weight"].astype(np.float32), arrays[f"{name}_bias"].astype(np.float32)
