"""Checksums of files, and what is said when one is not the file that it should be."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from treewright_registry import DataError

Verification: TypeAlias = bool | Literal["fast"]
BLOCK: Final = 4096
BLOCKS: Final = 64
SMALL: Final = 256_000_000
"""Bytes of all files together to which the fast check reads everything too: 0.3 s at that size."""

_REPAIR = "\n    copy the whole folder again, or build the knowledge base anew"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """What the manifest knows of one file.

    Attributes:
        bytes: its size.
        sha256: of all of it.
        sample: SHA-256 of ``BLOCKS`` blocks spread over it, for the fast check.
    """

    bytes: int
    sha256: str
    sample: str


def sha256_of(path: Path) -> str:
    """Lower-case hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sample_of(path: Path) -> str:
    """SHA-256 of the first, the last and evenly spaced blocks: reads 256 kB of a file of any size.

    It notices another file, a torn copy and stretches of zeros; a single changed bit it notices only in small files.
    """
    digest = hashlib.sha256()
    last = max(0, path.stat().st_size - BLOCK)
    with path.open("rb") as file:
        for start in sorted({last * number // (BLOCKS - 1) for number in range(BLOCKS)}):
            file.seek(start)
            digest.update(file.read(BLOCK))
    return digest.hexdigest()


def entry_of(path: Path) -> FileEntry:
    """Size and checksums of a file."""
    return FileEntry(path.stat().st_size, sha256_of(path), sample_of(path))


def check_files(folder: Path, files: Mapping[str, FileEntry], verify: Verification) -> None:
    """Compare the files of a folder with what the manifest says of them.

    Args:
        folder: where they lie.
        files: file name → what it should be.
        verify: ``True`` compares every byte, ``"fast"`` the same to ``SMALL`` bytes in all and samples beyond,
            ``False`` sizes alone.

    Raises:
        DataError: naming the first file that is missing, truncated, too long or corrupted.
    """
    for name, entry in files.items():
        _check_size(folder / name, entry)
    for name, entry in files.items() if verify else ():
        if is_sampled(files, verify):
            _compare(folder / name, "sample's SHA-256", sample_of, entry.sample)
        else:
            _compare(folder / name, "SHA-256", sha256_of, entry.sha256)


def is_sampled(files: Mapping[str, FileEntry], verify: Verification) -> bool:
    """Whether that check of these files looks at samples only."""
    return verify == "fast" and sum(entry.bytes for entry in files.values()) > SMALL


def _compare(path: Path, what: str, digest: Callable[[Path], str], expected: str) -> None:
    found = digest(path)
    if found != expected:
        told = f"its {what} is {found[:12]}…, the manifest says {expected[:12]}…"
        raise DataError(f"{path}: corrupted or replaced: {told}{_REPAIR}")


def _check_size(path: Path, entry: FileEntry) -> None:
    if not path.is_file():
        raise DataError(f"{path}: missing, though the manifest names it{_REPAIR}")
    size = path.stat().st_size
    if size != entry.bytes:
        what = "truncated" if size < entry.bytes else "too long"
        raise DataError(f"{path}: {what}: {size} bytes, the manifest says {entry.bytes}{_REPAIR}")
