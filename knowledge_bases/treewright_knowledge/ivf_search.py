"""Approximate search in inverted lists (IVF), by FAISS: only the lists nearest to the query are compared.

Built in bounded memory: k-means on a sample, then list after list, a chunk at a time. Opened memory-mapped.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treewright_knowledge.faiss_file import MappedFlat, has_gaps, in_order, read_faiss
from treewright_knowledge.index_settings import LEAST_PER_LIST, IndexSettings
from treewright_knowledge.inverted_file import write_inverted_file
from treewright_knowledge.libraries import faiss
from treewright_knowledge.vector_search import INDEX, Grown
from treewright_knowledge.vectors import VECTORS

if TYPE_CHECKING:
    from treewright_knowledge.libraries import Floats, Positions

_BATCH = 16  # as in exact search: a query must find the same alone as among others
_AGAIN = 4  # candidates per wanted record that are compared again after 8-bit numbers
_MOST_GROWTH = 2.0  # by how much a store may grow before its lists are cut anew


def build_lists(folder: Path, rows: "Floats", settings: IndexSettings, grown: Grown | None = None) -> IndexSettings:
    """Cut the space into lists, sort the vectors into them and write both; returns the settings used.

    Args:
        folder: of the store being built.
        rows: its vectors, mapped.
        settings: with every choice made.
        grown: an earlier index whose lists are kept as long as the store has not outgrown them.
    """
    trained, settings = _trained(rows, settings, grown)
    write_inverted_file(folder / INDEX, trained, rows)
    return settings


def _trained(rows: "Floats", settings: IndexSettings, grown: Grown | None) -> "tuple[Any, IndexSettings]":
    """An index without vectors that knows its lists: the earlier ones, or new ones by k-means on a sample."""
    if grown is not None and settings.same_structure(grown.settings):
        if grown.total / _MOST_GROWTH <= len(rows) <= grown.total * _MOST_GROWTH:
            index = _emptied(_opened(grown.folder, grown.total, rows.shape[1]))
            return index, replace(settings, lists=index.nlist, breadth=min(settings.breadth, index.nlist))
    library = faiss()
    codes = "SQ8" if settings.kind == "ivf-sq8" else "Flat"
    index = library.index_factory(rows.shape[1], f"IVF{settings.lists},{codes}", library.METRIC_INNER_PRODUCT)
    index.cp.seed = 1234 + settings.seed
    index.cp.min_points_per_centroid = 1  # small stores are allowed; FAISS would print a warning
    index.train(_sample(rows, LEAST_PER_LIST * settings.lists, settings.seed))
    return index, settings


def _opened(folder: Path, count: int, dimension: int) -> Any:
    """The index of a store with its lists mapped."""
    library = faiss()
    flags = library.IO_FLAG_MMAP | library.IO_FLAG_READ_ONLY
    index = read_faiss(folder / INDEX, flags, "IVF", count, dimension)
    # FAISS would start 32 threads for each query to read ahead: 4 ms, where the search itself takes 0.2
    library.downcast_InvertedLists(index.invlists).prefetch_nthread = 0
    return index


def _emptied(index: Any) -> Any:
    lists = faiss().ArrayInvertedLists(index.nlist, index.code_size)
    index.replace_invlists(lists, True)
    lists.this.disown()  # the index frees them
    index.ntotal = 0
    return index


def _sample(rows: "Floats", size: int, seed: int) -> "Floats":
    import numpy as np

    if len(rows) <= size:
        return np.ascontiguousarray(rows)
    chosen = np.sort(np.random.default_rng(seed).choice(len(rows), size, replace=False))
    return rows[chosen]


class ListSearch:
    """Looks into the nearest lists of a store.

    Args:
        folder: of the store.
        rows: its vectors, shape (count, dimension).
        settings: of its index.

    Raises:
        DataError: the index is damaged, foreign, or of other vectors.
    """

    def __init__(self, folder: Path, rows: "Floats", settings: IndexSettings) -> None:
        self._path = folder / INDEX
        self._lists = _opened(folder, *rows.shape)
        self._count = len(rows)
        self._vectors = MappedFlat(folder / VECTORS, *rows.shape) if settings.kind == "ivf-sq8" else None
        self._looks: dict[int, Any] = {}
        self.settings = settings

    def search(self, queries: "Floats", k: int, breadth: int = 0) -> "tuple[Floats, Positions]":
        """The ``k`` best of the ``breadth`` nearest lists."""
        import numpy as np

        k = min(k, self._count)
        look = self._look(min(breadth or self.settings.breadth, self._lists.nlist))
        if len(queries) <= _BATCH:
            return self._best(queries, k, look)
        similarities = np.empty((len(queries), k), dtype=np.float32)
        positions = np.empty((len(queries), k), dtype=np.int64)
        for start in range(0, len(queries), _BATCH):
            batch = slice(start, start + _BATCH)
            similarities[batch], positions[batch] = self._best(queries[batch], k, look)
        return similarities, positions

    def _look(self, breadth: int) -> Any:
        """FAISS's object for the breadth, made once: that takes as long as a tenth of a search."""
        if breadth not in self._looks:
            self._looks[breadth] = faiss().SearchParametersIVF(nprobe=breadth)
        return self._looks[breadth]

    def _best(self, queries: "Floats", k: int, look: Any) -> "tuple[Floats, Positions]":
        """After 8-bit numbers the best candidates are compared again by their full vectors."""
        wide = k if self._vectors is None else min(_AGAIN * k, self._count)
        similarities, positions = self._lists.search(queries, wide, params=look)
        gaps = has_gaps(positions, self._count, self._path)  # before the vectors are looked up by them
        if self._vectors is None:
            return in_order(similarities, positions, gaps)
        return self._vectors.best_of(queries, positions, k)
