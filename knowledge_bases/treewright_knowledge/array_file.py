"""``.npy`` files that grow row by row and open memory-mapped."""

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from treewright_registry import DataError

if TYPE_CHECKING:
    import numpy.typing as npt


class RowWriter:
    """Appends rows to a ``.npy`` file without holding them.

    The header is written once for no rows and again at the end: numpy pads it so that a growing
    first axis does not change its length.

    Args:
        path: the file to create.
        dtype: the type of its elements, e.g. ``<f4``.
        row: shape of one row, ``()`` for a plain list of numbers.
    """

    def __init__(self, path: Path, dtype: str, row: tuple[int, ...]) -> None:
        self.dtype = dtype
        self.row = row
        self.count = 0
        self._file = path.open("w+b")
        self._header = self._write_header()

    def append(self, rows: "npt.NDArray[Any]") -> None:
        """Add rows, an array of shape (n, *row)."""
        import numpy as np

        if rows.shape[1:] != self.row:
            raise ValueError(f"rows of shape {rows.shape[1:]}, expected {self.row}")
        self._file.write(np.ascontiguousarray(rows, dtype=self.dtype).data)
        self.count += len(rows)

    def close(self) -> None:
        """Write the final header and see the file safely to the disk."""
        if self._file.closed:
            return
        self._file.seek(0)
        if self._write_header() != self._header:
            raise RuntimeError("numpy changed its header's length; the file would be unreadable")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def _write_header(self) -> int:
        from numpy.lib import format as npy

        header = {"descr": self.dtype, "fortran_order": False, "shape": (self.count, *self.row)}
        npy.write_array_header_1_0(self._file, header)
        return self._file.tell()

    def __enter__(self) -> "RowWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        self._file.close()


def open_rows(path: Path, dtype: str, shape: tuple[int, ...]) -> "npt.NDArray[Any]":
    """A ``.npy`` file as a read-only, memory-mapped array.

    Raises:
        DataError: it is not such a file, or not of this type and shape.
    """
    import numpy as np

    try:
        empty = 0 in shape  # an empty file part cannot be mapped
        rows: npt.NDArray[Any] = np.load(path, mmap_mode=None if empty else "r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable .npy file: {error}") from error
    if rows.shape != shape or rows.dtype != np.dtype(dtype):
        found = f"{rows.dtype.str} of shape {rows.shape}"
        raise DataError(f"{path}: holds {found}, the manifest says {dtype} of shape {shape}")
    return _plain(rows)


def _plain(rows: "npt.NDArray[Any]") -> "npt.NDArray[Any]":
    """The same memory as an ordinary array: every slice of a memmap object costs microseconds."""
    import numpy as np

    return np.asarray(rows)


def sync(path: Path) -> None:
    """See a file that another library wrote safely to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
