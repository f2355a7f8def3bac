"""FAISS's file of inverted lists, written without holding the lists: only their numbers are in memory.

Layout (FAISS, ``OnDiskInvertedLists``): the index without lists; ``ilod``, number of lists, bytes a code; number of
lists, then size, capacity and place of each; no free slots; the name of the file that holds the lists, which is this
one; its length. Behind it each list's codes followed by its ids (int64). Numbers: 8 bytes, little-endian.

Each list begins at a cache line (64 bytes): FAISS then compares a fifth faster than where vectors lie across lines, as
in the lists that it keeps itself. To read the file with FAISS alone: ``IO_FLAG_ONDISK_SAME_DIR``.
"""

import ctypes
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treewright_knowledge.libraries import faiss

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from treewright_knowledge.libraries import Floats

    Lists = npt.NDArray[np.int64]

_CHUNK = 16_384  # vectors encoded at once
_LINE = 64  # bytes
_PLACE = 24  # bytes of a list's size, capacity and place


def write_inverted_file(path: Path, trained: Any, rows: "Floats") -> None:
    """Write an index of all vectors.

    Args:
        path: the file to write.
        trained: a trained inverted-file index without vectors.
        rows: the vectors, mapped, shape (count, dimension).
    """
    import numpy as np

    lists = _assigned(trained, rows)
    sizes = np.bincount(lists, minlength=trained.nlist)
    head = _head(trained, len(rows))
    name = path.name.encode()
    start = len(head) + 8 + _PLACE * len(sizes) + 8 + 8 + len(name) + 8
    *places, end = _places(sizes, trained.code_size + 8, start)
    table = np.stack([sizes, sizes, places], axis=1).astype("<i8").tobytes()
    with path.open("wb") as file:
        file.write(head + struct.pack("<Q", len(sizes)) + table)
        file.write(struct.pack("<QQ", 0, len(name)) + name + struct.pack("<Q", end))
        file.truncate(end)
    _Lists(path, np.array(places), sizes, trained.code_size).fill(trained, rows, lists)


def map_lists(index: Any, path: Path) -> None:
    """Map the lists of an index that was read without them.

    Raises:
        ValueError: the file does not hold the lists that it tells of.
    """
    import numpy as np

    library = faiss()
    lists = library.downcast_InvertedLists(index.invlists)
    if not isinstance(lists, library.OnDiskInvertedLists):
        raise ValueError("its lists are laid out otherwise")
    told = ctypes.string_at(int(lists.lists.data().this), _PLACE * index.nlist)
    sizes, capacities, places = np.frombuffer(told, dtype="<u8").reshape(-1, 3).T
    length = path.stat().st_size
    # FAISS would read beyond the file's end, which kills the process
    if lists.totsize != length or (sizes > capacities).any() or (sizes > length).any() or (places > length).any():
        raise ValueError("its lists do not lie in it")
    if int(sizes.sum()) != index.ntotal or (places + capacities * (index.code_size + 8) > length).any():
        raise ValueError("its lists do not lie in it")
    lists.filename = str(path)
    lists.do_mmap()
    # FAISS would start 32 threads for each query to read ahead: 4 ms, where the search itself takes 0.2
    lists.prefetch_nthread = 0


def _places(sizes: "Lists", entry: int, start: int) -> list[int]:
    """Where each list begins, and the end of the last."""
    places = []
    for size in sizes.tolist():
        start += -start % _LINE
        places.append(start)
        start += size * entry
    return [*places, start]


def _assigned(trained: Any, rows: "Floats") -> "Lists":
    """The nearest list of each vector."""
    import numpy as np

    lists = np.empty(len(rows), dtype=np.int64)
    for start in range(0, len(rows), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        lists[chunk] = trained.quantizer.assign(np.ascontiguousarray(rows[chunk]), 1)[:, 0]
    return lists


def _head(trained: Any, count: int) -> bytes:
    """All before the table of lists: what FAISS writes for the empty index, with the number of vectors put in."""
    trained.ntotal = count
    try:
        whole = bytes(faiss().serialize_index(trained))
    finally:
        trained.ntotal = 0
    lists = struct.pack("<QQ", trained.nlist, trained.code_size)
    none = b"ilar" + lists + b"sprs" + struct.pack("<Q", 0)
    if not whole.endswith(none):
        raise RuntimeError("this version of FAISS lays out inverted lists otherwise; they cannot be written")
    return whole[: -len(none)] + b"ilod" + lists


class _Lists:
    """The lists' part of the file, mapped; filled in the order of the vectors."""

    def __init__(self, path: Path, places: "Lists", sizes: "Lists", code: int) -> None:
        import numpy as np

        self._code = code
        self._bytes = np.memmap(path, dtype=np.uint8, mode="r+")
        self._codes = places
        self._ids = places + sizes * code
        self._filled = np.zeros(len(sizes), dtype=np.int64)

    def fill(self, trained: Any, rows: "Floats", lists: "Lists") -> None:
        import numpy as np

        for start in range(0, len(rows), _CHUNK):
            chunk = np.ascontiguousarray(rows[start : start + _CHUNK])
            self._put(_codes(trained, chunk, lists[start : start + _CHUNK]), lists[start : start + _CHUNK], start)
        self._bytes.flush()

    def _put(self, codes: "npt.NDArray[np.uint8]", lists: "Lists", first: int) -> None:
        """Append a chunk, list by list, to what each holds already."""
        import numpy as np

        order = np.argsort(lists, kind="stable")
        cuts = np.flatnonzero(np.diff(lists[order])) + 1
        for members in np.split(order, cuts):
            number = int(lists[members[0]])
            done = int(self._filled[number])
            self._write(self._codes[number] + done * self._code, codes[members])
            self._write(self._ids[number] + done * 8, (first + members).astype("<i8"))
            self._filled[number] += len(members)

    def _write(self, where: "np.int64", values: "npt.NDArray[Any]") -> None:
        import numpy as np

        data = values.reshape(-1).view(np.uint8)
        self._bytes[where : where + len(data)] = data


def _codes(trained: Any, chunk: "Floats", lists: "Lists") -> "npt.NDArray[np.uint8]":
    import numpy as np

    library = faiss()
    codes = np.empty((len(chunk), trained.code_size), dtype=np.uint8)
    numbers = np.ascontiguousarray(lists)
    trained.encode_vectors(len(chunk), library.swig_ptr(chunk), library.swig_ptr(numbers), library.swig_ptr(codes))
    return codes
