"""Checking and scaling of vectors, the same for records and for queries."""

from math import isfinite
from typing import TYPE_CHECKING, Any

from treewright_knowledge.description import Metric
from treewright_registry import DataError

if TYPE_CHECKING:
    from treewright_knowledge.libraries import Floats

VECTORS = "vectors.npy"  # float32, one row a record


def prepared(vectors: Any, metric: Metric, dimension: int | None, what: str) -> "Floats":
    """Vectors as a float32 array of shape (n, dimension), of length 1 each if the metric is cosine.

    A row's result depends on that row alone, not on its company.

    Args:
        vectors: anything numpy takes for an array of shape (n, dimension).
        metric: ``cosine`` scales, ``dot`` leaves lengths alone.
        dimension: what is expected; ``None`` takes any.
        what: how messages call a row, e.g. ``query``.

    Raises:
        DataError: another shape, a number that is not finite, or a zero vector under cosine.
    """
    import numpy as np

    try:
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} vectors are no array of numbers: {error}") from error
    if rows.ndim != 2 or rows.shape[1] == 0 or (dimension is not None and rows.shape[1] != dimension):
        expected = f"(n, {dimension if dimension is not None else 'dimension'})"
        raise DataError(f"{what} vectors have shape {rows.shape}, expected {expected}")
    wide = rows.astype(np.float64)
    lengths = np.sqrt(np.add.reduce(wide * wide, axis=1, keepdims=True))
    _check_lengths(lengths[:, 0].tolist(), metric, what)
    if metric == "dot":
        return rows
    scaled: Floats = (wide / lengths).astype(np.float32)
    return scaled


def _check_lengths(lengths: list[float], metric: Metric, what: str) -> None:
    """Plain numbers: for the one row of a query a tenth of what numpy's masks would take."""
    for number, length in enumerate(lengths, 1):
        if not isfinite(length):  # squares of float32 do not overflow float64: finite exactly where all numbers are
            raise DataError(f"{what} vector {number} holds a number that is not finite")
        if length == 0.0 and metric == "cosine":
            raise DataError(f"{what} vector {number} is zero and has no direction for the metric cosine")
