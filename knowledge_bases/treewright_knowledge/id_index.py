"""``ids.npy``: from a record's id to its position, by sorted hashes; opened memory-mapped.

Row 0 holds the 64-bit hashes of all ids in ascending order, row 1 the positions. Two ids may
share a hash, so the record itself decides.
"""

import hashlib
from array import array
from collections.abc import Callable, Iterable
from pathlib import Path

from treewright_knowledge.array_file import RowWriter, open_rows
from treewright_registry import DataError

IDS = "ids.npy"


def hash_of(identifier: str) -> int:
    """64 bits that tell ids apart, nearly always."""
    return int.from_bytes(hashlib.blake2b(identifier.encode(), digest_size=8).digest(), "little")


class IdWriter:
    """Collects the ids' hashes (8 bytes a record) and writes them sorted."""

    def __init__(self) -> None:
        self._hashes = array("Q")

    def append(self, identifiers: Iterable[str]) -> None:
        """Add the ids of the next records."""
        self._hashes.extend(hash_of(identifier) for identifier in identifiers)

    def write(self, path: Path, id_at: Callable[[int], str]) -> None:
        """Write the index; ``id_at`` reads the id at a position.

        Raises:
            DataError: two records have the same id.
        """
        import numpy as np

        hashes = np.frombuffer(self._hashes, dtype=np.uint64)
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        for where in np.flatnonzero(ordered[1:] == ordered[:-1]):
            _check_distinct(int(order[where]), int(order[where + 1]), id_at)
        with RowWriter(path, "<u8", (len(ordered),)) as writer:
            writer.append(np.stack([ordered, order.astype(np.uint64)]))


def _check_distinct(first: int, second: int, id_at: Callable[[int], str]) -> None:
    identifier = id_at(first)
    if identifier == id_at(second):
        raise DataError(
            f"record {second + 1} has the id '{identifier}' of record {first + 1}"
            "\n    ids must be unique within a knowledge base"
        )


class IdIndex:
    """Finds positions by id."""

    def __init__(self, path: Path, count: int) -> None:
        self._hashes, self._positions = open_rows(path, "<u8", (2, count))

    def candidates(self, identifier: str) -> list[int]:
        """Positions of all records whose id has this id's hash: none or one, rarely more."""
        import numpy as np

        wanted = np.uint64(hash_of(identifier))
        start = int(np.searchsorted(self._hashes, wanted, side="left"))
        end = int(np.searchsorted(self._hashes, wanted, side="right"))
        return [int(position) for position in self._positions[start:end]]
