"""Files of the package with a checksum beside them: ``NAME.sha256`` in the format of ``sha256sum``.

The sum is verified whenever the file is read, so a truncated or damaged one is refused with one clear error.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from treewright_chemistry.errors import TableError


def verified_bytes(path: Path, *, repair: str) -> bytes:
    """Return the content of a file whose checksum agrees.

    Args:
        path: the file; its checksum lies beside it.
        repair: what to do about a damaged file, for the error.

    Raises:
        TableError: the file or its checksum is missing, or they disagree; names the file.
    """
    try:
        content = path.read_bytes()
        expected = sum_file(path).read_text(encoding="ascii").split()[0]
    except (OSError, IndexError, UnicodeDecodeError) as error:
        what = f"cannot be read ({type(error).__name__}: {error})"
        raise TableError(what, field=str(path), repair=repair) from error
    if hashlib.sha256(content).hexdigest() != expected:
        what = f"is damaged: its {len(content)} bytes do not have the checksum of {sum_file(path).name}"
        raise TableError(what, field=str(path), repair=repair)
    return content


def write_sum(path: Path) -> None:
    """Write the checksum of a file beside it."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    sum_file(path).write_text(f"{digest}  {path.name}\n", encoding="ascii")


def sum_file(path: Path) -> Path:
    """Where the checksum of a file lies."""
    return path.with_name(path.name + ".sha256")
