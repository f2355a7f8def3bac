"""Approximate search by a graph of neighbours (HNSW; Malkov and Yashunin, TPAMI 2018), by FAISS.

The file holds the graph alone; the vectors are those of the store, mapped. So opening reads nothing, and a search
touches only the pages that it walks over.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from treewright_knowledge.faiss_file import MappedFlat, has_gaps, in_order, read_faiss, write_faiss
from treewright_knowledge.index_settings import IndexSettings
from treewright_knowledge.libraries import faiss
from treewright_knowledge.vector_search import INDEX, Grown
from treewright_knowledge.vectors import VECTORS

if TYPE_CHECKING:
    from treewright_knowledge.libraries import Floats, Positions

_CHUNK = 16_384  # vectors added at once


def build_graph(
    folder: Path, rows: "Floats", settings: IndexSettings, *, half: bool, grown: Grown | None = None
) -> None:
    """Build the graph over all vectors and write it; FAISS uses all its threads.

    With several threads the order in which vectors are linked varies, and so do a few links; one thread
    (``OMP_NUM_THREADS=1``) gives the same bytes every time.

    Args:
        folder: of the store being built.
        rows: its vectors, mapped.
        settings: ``links`` and ``construction`` matter.
        half: hold 16 bits a number in memory while building (right for vectors of length 1), else 32.
        grown: an earlier graph over the first vectors, to which only the others are added.
    """
    library = faiss()
    count, dimension = rows.shape
    storage = _storage(dimension, half)
    index, done = _begun(dimension, settings, grown)
    for start in range(0, done, _CHUNK):
        storage.add(rows[start : min(start + _CHUNK, done)])
    index.storage, index.own_fields = storage, False
    index.hnsw.efConstruction = settings.construction
    for start in range(done, count, _CHUNK):
        index.add(rows[start : start + _CHUNK])
    write_faiss(index, folder / INDEX, library.IO_FLAG_SKIP_STORAGE)


def _storage(dimension: int, half: bool) -> Any:
    library = faiss()
    if not half:
        return library.IndexFlatIP(dimension)
    return library.IndexScalarQuantizer(dimension, library.ScalarQuantizer.QT_fp16, library.METRIC_INNER_PRODUCT)


def _begun(dimension: int, settings: IndexSettings, grown: Grown | None) -> tuple[Any, int]:
    """The graph to carry on with, and how many vectors it links already."""
    library = faiss()
    if grown is not None and grown.kept and settings.same_structure(grown.settings):
        path = grown.folder / INDEX
        return read_faiss(path, library.IO_FLAG_SKIP_STORAGE, "HNSW", grown.kept, dimension), grown.kept
    index = library.IndexHNSWFlat(dimension, settings.links, library.METRIC_INNER_PRODUCT)
    index.own_fields = False
    library.downcast_index(index.storage).this.own()  # freed with Python's object, now that it is replaced
    return index, 0


class GraphSearch:
    """Walks the graph of a store.

    Args:
        folder: of the store.
        rows: its vectors, shape (count, dimension).
        settings: of its index.

    Raises:
        DataError: the graph is damaged, foreign, or of other vectors.
    """

    def __init__(self, folder: Path, rows: "Floats", settings: IndexSettings) -> None:
        library = faiss()
        count, dimension = rows.shape
        flags = library.IO_FLAG_SKIP_STORAGE | library.IO_FLAG_MMAP_IFC
        self._path = folder / INDEX
        self._index = read_faiss(self._path, flags, "HNSW", count, dimension)
        self._vectors = MappedFlat(folder / VECTORS, count, dimension)
        self._index.storage, self._index.own_fields = self._vectors.index, False
        self._count = count
        self._walks: dict[int, Any] = {}
        self.settings = settings

    def search(self, queries: "Floats", k: int, breadth: int = 0) -> "tuple[Floats, Positions]":
        """The ``k`` best that a walk with ``breadth`` candidates (at least k) comes across."""
        k = min(k, self._count)
        walk = self._walk(max(breadth or self.settings.breadth, k))
        similarities, positions = self._index.search(queries, k, params=walk)
        return in_order(similarities, positions, has_gaps(positions, self._count, self._path))

    def _walk(self, breadth: int) -> Any:
        """FAISS's object for the breadth, made once: that takes as long as a tenth of a search."""
        if breadth not in self._walks:
            self._walks[breadth] = faiss().SearchParametersHNSW(efSearch=breadth)
        return self._walks[breadth]
