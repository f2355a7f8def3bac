"""Reading and writing model arrays: plain ``.npz`` without pickle, with a checksum beside it.

``NAME.npz`` is accompanied by ``NAME.npz.sha256`` in the format of ``sha256sum``. The sum is verified
before the arrays are read, so a truncated or damaged file is refused with one clear error.
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.checksums import verified_bytes, write_sum
from treewright_chemistry.errors import TableError

_REPAIR: Final = "Reinstall treewright-chemistry or train the file again"

Arrays = dict[str, npt.NDArray[Any]]


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays and checksum; an interrupted write leaves the previous file whole."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    os.chmod(stream.name, 0o644)
    os.replace(stream.name, path)
    write_sum(path)


def read_arrays(path: Path) -> Arrays:
    """Return the arrays of a file.

    Raises:
        TableError: the file or its checksum is missing, they disagree, or the content cannot be read.
    """
    content = verified_bytes(path, repair=_REPAIR)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _error(path, f"holds no readable arrays ({error})") from error


def _error(path: Path, what: str) -> TableError:
    return TableError(what, field=str(path), repair=_REPAIR)
