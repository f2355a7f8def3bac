"""FAISS's own files: read with their mistakes named, and a flat index over vectors that lie in ours."""

import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treewright_knowledge.libraries import faiss
from treewright_registry import DataError

if TYPE_CHECKING:
    from treewright_knowledge.libraries import Floats, Positions

_REPAIR = "\n    copy the whole folder again, or build the knowledge base anew"
_COUNT_AT = 8  # where FAISS's header of a flat index tells how many vectors there are


def read_faiss(path: Path, flags: int, kind: str, count: int, dimension: int) -> Any:
    """The index in a file.

    Args:
        path: where it lies.
        flags: of ``faiss.read_index``.
        kind: the class that it must be, without the word Index: ``IVF`` or ``HNSW``.
        count: of vectors that it must hold.
        dimension: of its vectors.

    Raises:
        DataError: FAISS cannot read it, or it is another index.
    """
    library = faiss()
    try:
        index = library.read_index(str(path), flags)
    except RuntimeError as error:
        reason = re.sub(r"Error in .+? at \S+:\d+: (Error: )?", "", str(error)).strip()
        raise DataError(f"{path}: not a readable FAISS index: {reason}{_REPAIR}") from error
    found = type(index).__name__
    if not isinstance(index, getattr(library, f"Index{kind}")) or index.metric_type != library.METRIC_INNER_PRODUCT:
        raise DataError(f"{path}: holds a foreign index, {found}, where an {kind} index by inner product should be")
    if (index.ntotal, index.d) != (count, dimension):
        held = f"{index.ntotal} vectors of {index.d} dimensions"
        raise DataError(f"{path}: holds {held}, the manifest says {count} of {dimension}{_REPAIR}")
    return index


def write_faiss(index: Any, path: Path, flags: int) -> None:
    """Write the index through a file of ours: FAISS's own does not tell when the end of it finds no room on the disk.

    Args:
        index: of FAISS.
        path: where to.
        flags: of ``faiss.write_index``.

    Raises:
        OSError: the file cannot be written.
    """
    library = faiss()
    refused: list[OSError] = []
    with path.open("wb") as file:

        def write(part: bytes) -> int:
            try:
                return file.write(part)
            except OSError as error:
                refused.append(error)
                return 0

        try:
            library.write_index(index, library.PyCallbackIOWriter(write), flags)
        except RuntimeError as error:
            if refused:
                raise refused[0] from error
            raise


class MappedFlat:
    """A FAISS flat index whose vectors stay in a mapped ``.npy`` file: no copy in memory.

    FAISS maps its own files only: its header must stand directly before the numbers. The file is mapped
    copy-on-write and FAISS's header written over the end of numpy's, in the private copy of that one page.

    Attributes:
        index: the ``IndexFlatIP``; valid as long as this object lives.
    """

    def __init__(self, path: Path, count: int, dimension: int) -> None:
        import numpy as np

        library = faiss()
        self._memory = np.memmap(path, dtype=np.uint8, mode="c")
        header = _flat_header(count, dimension)
        start = len(self._memory) - 4 * count * dimension - len(header)
        if start < 0:
            raise DataError(f"{path}: too short for {count} vectors of {dimension} dimensions{_REPAIR}")
        self._memory[start : start + len(header)] = np.frombuffer(header, np.uint8)
        self._address = library.cast_integer_to_uint8_ptr(self._memory.ctypes.data + start)
        self._reader = library.ZeroCopyIOReader(self._address, len(self._memory) - start)
        self.index = library.read_index(self._reader)
        if self.index.ntotal != count or self.index.codes.is_owned:
            raise RuntimeError("this version of FAISS lays out flat indexes otherwise; the vectors cannot be mapped")

    def best_of(self, queries: "Floats", candidates: "Positions", k: int) -> "tuple[Floats, Positions]":
        """The ``k`` best of each query's candidates, shape (n, at least k); of gaps, −1, the similarity is −inf."""
        import numpy as np

        library = faiss()
        found = np.empty(candidates.shape, dtype=np.float32)
        pointers = (library.swig_ptr(queries), candidates.shape[1], library.swig_ptr(found))
        self.index.compute_distance_subset(len(queries), *pointers, library.swig_ptr(candidates))
        best = np.arange(len(found))[:, None], np.lexsort((candidates, -found), axis=1)[:, :k]
        return found[best], candidates[best]


def _flat_header(count: int, dimension: int) -> bytes:
    """What FAISS writes before the numbers of a flat index: as it does itself for none, with the counts put in."""
    library = faiss()
    empty = bytearray(library.serialize_index(library.IndexFlatIP(dimension)).tobytes())
    struct.pack_into("<q", empty, _COUNT_AT, count)
    struct.pack_into("<Q", empty, len(empty) - 8, count * dimension)
    return bytes(empty)


def has_gaps(positions: "Positions", count: int, path: Path) -> bool:
    """Whether an index found fewer than were asked for: gaps are −1.

    Raises:
        DataError: it names a record that there is not, so its file is damaged.
    """
    # one look at the usual case: taken as unsigned numbers, gaps are the largest of all
    if positions.size == 0 or int(positions.view("u8").max()) < count:
        return False
    wrong = positions[(positions < -1) | (positions >= count)]
    if wrong.size:
        what = f"names a record at {int(wrong[0])}, where the store has {count}"
        raise DataError(f"{path}: corrupted: {what}{_REPAIR}")
    return True


def in_order(similarities: "Floats", positions: "Positions", gaps: bool) -> "tuple[Floats, Positions]":
    """Rows that are best first already, with equals put in the order of the records and gaps marked by −inf."""
    import numpy as np

    if gaps:
        similarities[positions < 0] = -np.inf
    if not (similarities[:, 1:] == similarities[:, :-1]).any():
        return similarities, positions
    order = np.lexsort((positions, -similarities), axis=1)
    return np.take_along_axis(similarities, order, axis=1), np.take_along_axis(positions, order, axis=1)
