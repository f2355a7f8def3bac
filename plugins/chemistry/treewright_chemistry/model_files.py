"""Reading and writing model arrays: plain ``.npz`` without pickle, with a checksum beside it.

``NAME.npz`` is accompanied by ``NAME.npz.sha256`` in the format of ``sha256sum``. The sum is verified
before the arrays are read, so a truncated or damaged file is refused with one clear error.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from treewright_chemistry.errors import TableError

Arrays = dict[str, npt.NDArray[Any]]


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays and checksum; an interrupted write leaves the previous file whole."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    os.chmod(stream.name, 0o644)
    digest = hashlib.sha256(Path(stream.name).read_bytes()).hexdigest()
    os.replace(stream.name, path)
    _sum_file(path).write_text(f"{digest}  {path.name}\n", encoding="ascii")


def read_arrays(path: Path) -> Arrays:
    """Return the arrays of a file.

    Raises:
        TableError: the file or its checksum is missing, they disagree, or the content cannot be read.
    """
    try:
        content = path.read_bytes()
        expected = _sum_file(path).read_text(encoding="ascii").split()[0]
    except (OSError, IndexError, UnicodeDecodeError) as error:
        raise _error(path, f"cannot be read ({type(error).__name__}: {error})") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise _error(path, f"is damaged: its {len(content)} bytes do not have the checksum of {_sum_file(path).name}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _error(path, f"holds no readable arrays ({error})") from error


def _sum_file(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _error(path: Path, what: str) -> TableError:
    return TableError(what, field=str(path), repair="Reinstall treewright-chemistry or train the file again")
