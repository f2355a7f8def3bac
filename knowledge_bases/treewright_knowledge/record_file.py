"""``records.jsonl`` with its offsets: written in a stream, read at random."""

import mmap
import os
from collections.abc import Sequence
from pathlib import Path

from treewright_knowledge.array_file import RowWriter, open_rows
from treewright_knowledge.records import Record, from_line, to_line
from treewright_registry import DataError

RECORDS = "records.jsonl"
OFFSETS = "offsets.npy"  # uint64, one more than records: where each begins, and the file's end


class RecordWriter:
    """Appends records to the two files in ``folder``."""

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self._records = (folder / RECORDS).open("wb")
        self._offsets = RowWriter(folder / OFFSETS, "<u8", ())
        self._end = 0
        self._offsets.append(np.zeros(1, dtype="<u8"))

    def append(self, records: Sequence[Record]) -> None:
        """Add records; a record that cannot be stored is refused with ``DataError``."""
        import numpy as np

        lines = [to_line(record) for record in records]
        self._records.writelines(lines)
        ends = self._end + np.cumsum([len(line) for line in lines], dtype="<u8")
        self._offsets.append(ends)
        self._end = int(ends[-1]) if lines else self._end

    def close(self) -> None:
        """See both files safely to the disk."""
        if not self._records.closed:
            self._records.flush()
            os.fsync(self._records.fileno())
            self._records.close()
        self._offsets.close()


class RecordReader:
    """Reads records by position, from any thread: the file is mapped, there is no cursor.

    Args:
        folder: where the two files lie.
        count: how many records there should be.

    Raises:
        DataError: the files do not fit the count or each other.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.path = folder / RECORDS
        self._offsets = open_rows(folder / OFFSETS, "<u8", (count + 1,))
        size = self.path.stat().st_size
        if int(self._offsets[-1]) != size:
            raise DataError(f"{folder / OFFSETS}: does not belong to {self.path}: it ends elsewhere")
        with self.path.open("rb") as file:  # an empty file cannot be mapped
            self._bytes: mmap.mmap | bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""

    def __getitem__(self, position: int) -> Record:
        start, end = int(self._offsets[position]), int(self._offsets[position + 1])
        try:
            return from_line(self._bytes[start:end])
        except ValueError as error:
            raise DataError(f"{self.path}:{position + 1}: not a record: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        if isinstance(self._bytes, mmap.mmap):
            self._bytes.close()
