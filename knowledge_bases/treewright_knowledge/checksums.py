"""Checksums of files, and what is said when one is not the file that it should be."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from treewright_registry import DataError

_REPAIR = "\n    copy the whole folder again, or build the knowledge base anew"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """What the manifest knows of one file: its size in bytes and its SHA-256."""

    bytes: int
    sha256: str


def sha256_of(path: Path) -> str:
    """Lower-case hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def entry_of(path: Path) -> FileEntry:
    """Size and checksum of a file."""
    return FileEntry(path.stat().st_size, sha256_of(path))


def check_files(folder: Path, files: Mapping[str, FileEntry], *, contents: bool) -> None:
    """Compare the files of a folder with what the manifest says of them.

    Args:
        folder: where they lie.
        files: file name → what it should be.
        contents: whether to compare checksums too, which reads every byte; sizes always.

    Raises:
        DataError: naming the first file that is missing, truncated, too long or corrupted.
    """
    for name, entry in files.items():
        _check_size(folder / name, entry)
    for name, entry in files.items() if contents else ():
        found = sha256_of(folder / name)
        if found != entry.sha256:
            what = f"its SHA-256 is {found[:12]}…, the manifest says {entry.sha256[:12]}…"
            raise DataError(f"{folder / name}: corrupted or replaced: {what}{_REPAIR}")


def _check_size(path: Path, entry: FileEntry) -> None:
    if not path.is_file():
        raise DataError(f"{path}: missing, though the manifest names it{_REPAIR}")
    size = path.stat().st_size
    if size != entry.bytes:
        what = "truncated" if size < entry.bytes else "too long"
        raise DataError(f"{path}: {what}: {size} bytes, the manifest says {entry.bytes}{_REPAIR}")
