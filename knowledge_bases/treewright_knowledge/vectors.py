"""Checking and scaling of vectors, the same for records and for queries."""

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
    lengths = np.sqrt(np.square(rows, dtype=np.float64).sum(axis=1, keepdims=True))
    # squares of float32 do not overflow float64, so a length is finite exactly where all numbers are
    _refuse(~np.isfinite(lengths[:, 0]), f"{what} vector {{}} holds a number that is not finite")
    if metric == "dot":
        return rows
    _refuse(lengths[:, 0] == 0.0, f"{what} vector {{}} is zero and has no direction for the metric cosine")
    scaled: Floats = (rows / lengths).astype(np.float32)
    return scaled


def _refuse(bad: Any, message: str) -> None:
    if bad.any():
        raise DataError(message.format(int(bad.argmax()) + 1))
