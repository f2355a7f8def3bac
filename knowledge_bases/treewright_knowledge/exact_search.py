"""Exact nearest neighbours: every query against every vector, by FAISS, over the mapped file.

This is the kernel of ``IndexFlatIP`` run on the vectors where they lie: no second copy in a FAISS
file or in memory. It is the reference that the approximate structures are measured against.
"""

from typing import TYPE_CHECKING

from treewright_knowledge.libraries import faiss

if TYPE_CHECKING:
    from treewright_knowledge.libraries import Floats, Positions

# FAISS hands batches of 20 and more to BLAS, whose last bits depend on the batch. Below that each
# query is computed by itself, so that it finds the same alone as among fifty others.
_BATCH = 16


class ExactSearch:
    """Compares with every vector. Equal similarities come in the order of the records."""

    def __init__(self, vectors: "Floats") -> None:
        self.vectors = vectors

    def search(self, queries: "Floats", k: int, breadth: int = 0) -> "tuple[Floats, Positions]":
        """The ``k`` largest inner products of each query, shape (n, dimension), best first; always all looked at."""
        import numpy as np

        k = min(k, len(self.vectors))
        similarities = np.empty((len(queries), k), dtype=np.float32)
        positions = np.empty((len(queries), k), dtype=np.int64)
        if k == 0:
            return similarities, positions
        for start in range(0, len(queries), _BATCH):
            batch = slice(start, start + _BATCH)
            similarities[batch], positions[batch] = self._batch(queries[batch], k)
        return similarities, positions

    def _batch(self, queries: "Floats", k: int) -> "tuple[Floats, Positions]":
        """Ask for one more than wanted: if that one ties with the last wanted, look further.

        Among equals FAISS keeps any; a wider look holds all of them, and the sort chooses.
        """
        import numpy as np

        wide = min(k + 1, len(self.vectors))
        while True:
            found, where = self._knn(queries, wide)
            tied = wide < len(self.vectors) and bool((found[:, k - 1] == found[:, -1]).any())
            if not tied:
                break
            wide = min(2 * wide, len(self.vectors))
        order = np.lexsort((where, -found), axis=1)[:, :k]
        return np.take_along_axis(found, order, axis=1), np.take_along_axis(where, order, axis=1)

    def _knn(self, queries: "Floats", k: int) -> "tuple[Floats, Positions]":
        library = faiss()
        found, where = library.knn(queries, self.vectors, k, metric=library.METRIC_INNER_PRODUCT)
        return found, where
