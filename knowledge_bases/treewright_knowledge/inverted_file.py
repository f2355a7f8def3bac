"""FAISS's file of inverted lists, written without holding the lists: only their numbers are in memory.

Layout (FAISS, ``ArrayInvertedLists``): the index without lists; ``ilar``, number of lists, bytes a code; ``full``,
number of lists, size of each list; then each list's codes followed by its ids (int64). Numbers: 8 bytes, little-endian.
"""

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
    with path.open("wb") as file:
        file.write(_head(trained, len(rows), sizes))
        start = file.tell()
        file.truncate(start + len(rows) * (trained.code_size + 8))
    _Lists(path, start, sizes, trained.code_size).fill(trained, rows, lists)


def _assigned(trained: Any, rows: "Floats") -> "Lists":
    """The nearest list of each vector."""
    import numpy as np

    lists = np.empty(len(rows), dtype=np.int64)
    for start in range(0, len(rows), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        lists[chunk] = trained.quantizer.assign(np.ascontiguousarray(rows[chunk]), 1)[:, 0]
    return lists


def _head(trained: Any, count: int, sizes: "Lists") -> bytes:
    """All before the lists: what FAISS writes for the empty index, with the number of vectors and the sizes put in."""
    trained.ntotal = count
    try:
        whole = bytes(faiss().serialize_index(trained))
    finally:
        trained.ntotal = 0
    begin = b"ilar" + struct.pack("<QQ", trained.nlist, trained.code_size)
    none = begin + b"sprs" + struct.pack("<Q", 0)
    if not whole.endswith(none):
        raise RuntimeError("this version of FAISS lays out inverted lists otherwise; they cannot be written")
    return whole[: -len(none)] + begin + b"full" + struct.pack("<Q", len(sizes)) + sizes.astype("<i8").tobytes()


class _Lists:
    """The lists' part of the file, mapped; filled in the order of the vectors."""

    def __init__(self, path: Path, start: int, sizes: "Lists", code: int) -> None:
        import numpy as np

        self._code = code
        self._bytes = np.memmap(path, dtype=np.uint8, mode="r+")
        self._codes = start + (np.cumsum(sizes) - sizes) * (code + 8)
        self._ids = self._codes + sizes * code
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
