"""FAISS's file of inverted lists, written without holding the lists: only their numbers are in memory.

Layout (FAISS, ``OnDiskInvertedLists``): the index without lists; ``ilod``, number of lists, bytes a code; number of
lists, then size, capacity and place of each; no free slots; the name of the file that holds the lists, which is this
one; its length. Behind it each list's codes followed by its ids (int64). Numbers: 8 bytes, little-endian.

Each list begins at a cache line (64 bytes): FAISS then compares a fifth faster than where vectors lie across lines, as
in the lists that it keeps itself. To read the file with FAISS alone: ``IO_FLAG_ONDISK_SAME_DIR``.
"""

import ctypes
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
    places, end = _places(sizes, trained.code_size + 8, start)
    table = np.stack([sizes, sizes, places], axis=1).astype("<i8").tobytes()
    with path.open("wb") as file:
        file.write(head + struct.pack("<Q", len(sizes)) + table)
        file.write(struct.pack("<QQ", 0, len(name)) + name + struct.pack("<Q", end))
        for number, members in enumerate(np.split(np.argsort(lists, kind="stable"), np.cumsum(sizes)[:-1])):
            file.write(bytes(places[number] - file.tell()))
            _write_list(file, trained, rows, number, members)
        _let_go(file)


def _write_list(file: IO[bytes], trained: Any, rows: "Floats", number: int, members: "Lists") -> None:
    import numpy as np

    for start in range(0, len(members), _CHUNK):
        chunk = np.ascontiguousarray(rows[members[start : start + _CHUNK]])
        file.write(_codes(trained, chunk, np.full(len(chunk), number)).tobytes())
    file.write(members.astype("<i8").tobytes())


def _let_go(file: IO[bytes]) -> None:
    """Drop the pages from memory: a mapped file is read a fifth slower from those that writing left than from others.

    What is read in order, as the checksums do next, comes into pages that lie side by side.
    """
    file.flush()
    os.fsync(file.fileno())
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


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
    table = np.frombuffer(told, dtype="<u8").reshape(-1, 3)
    sizes, capacities, places = table.T
    length = path.stat().st_size
    # FAISS would read beyond the file's end, which kills the process
    impossible = lists.totsize != length or (table > length).any() or (sizes > capacities).any()
    if impossible or sizes.sum() != index.ntotal or (places + capacities * (index.code_size + 8) > length).any():
        raise ValueError("its lists do not lie in it")
    lists.filename = str(path)
    lists.do_mmap()
    # FAISS would start 32 threads for each query to read ahead: 4 ms, where the search itself takes 0.2
    lists.prefetch_nthread = 0


def _places(sizes: "Lists", entry: int, start: int) -> tuple[list[int], int]:
    """Where each list begins, and the end of the last."""
    places = []
    for size in sizes.tolist():
        start += -start % _LINE
        places.append(start)
        start += size * entry
    return places, start


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


def _codes(trained: Any, chunk: "Floats", lists: "Lists") -> "npt.NDArray[np.uint8]":
    import numpy as np

    library = faiss()
    codes = np.empty((len(chunk), trained.code_size), dtype=np.uint8)
    trained.encode_vectors(len(chunk), library.swig_ptr(chunk), library.swig_ptr(lists), library.swig_ptr(codes))
    return codes
