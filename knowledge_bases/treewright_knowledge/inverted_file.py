"""FAISS's file of inverted lists, written without holding the lists: only their numbers are in memory.

Layout (FAISS, ``ArrayInvertedLists``): the index without lists; ``ilar``, number of lists, bytes a code; ``full``,
number of lists, size of each list; then each list's codes followed by its ids (int64). Numbers: 8 bytes, little-endian.
"""

import os
import struct
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

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
        for number, members in enumerate(np.split(np.argsort(lists, kind="stable"), np.cumsum(sizes)[:-1])):
            _write_list(file, trained, rows, number, members)
        _let_go(file)


def _write_list(file: IO[bytes], trained: Any, rows: "Floats", number: int, members: "Lists") -> None:
    import numpy as np

    for start in range(0, len(members), _CHUNK):
        chunk = np.ascontiguousarray(rows[members[start : start + _CHUNK]])
        file.write(_codes(trained, chunk, np.full(len(chunk), number)).tobytes())
    file.write(members.astype("<i8").tobytes())


def _let_go(file: IO[bytes]) -> None:
    """Drop the pages that writing left in memory: they lie scattered, and a mapped file is read slower from them.

    What is read in order, as the checksums do next, comes into pages that lie side by side.
    """
    file.flush()
    os.fsync(file.fileno())
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


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


def _codes(trained: Any, chunk: "Floats", lists: "Lists") -> "npt.NDArray[np.uint8]":
    import numpy as np

    library = faiss()
    codes = np.empty((len(chunk), trained.code_size), dtype=np.uint8)
    trained.encode_vectors(len(chunk), library.swig_ptr(chunk), library.swig_ptr(lists), library.swig_ptr(codes))
    return codes
