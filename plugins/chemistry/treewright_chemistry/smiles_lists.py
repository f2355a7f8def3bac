"""Lists of SMILES from files of any length, read as a stream: plain, tab- or comma-separated, also gzipped.

| name ends | form |
|---|---|
| ``.tsv``, ``.csv`` | a first line of column names, one of them ``smiles``; without it the first column is taken |
| anything else | one molecule a line; what follows the SMILES after white space is its name; ``#`` begins a remark |

Memory is bounded whatever the file holds: of a line longer than ``LONGEST_LINE`` only the beginning is kept.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from rdkit import Chem, rdBase

from treewright_registry import DataError

__all__ = ["LONGEST_LINE", "SmilesLine", "line_count", "read_smiles_lists"]

LONGEST_LINE: Final = 20_000
"""Characters of a line that are read; the rest is passed over."""
_BYTES: Final = 1 << 20  # read at once while counting
_SEPARATORS: Final = {".tsv": "\t", ".csv": ","}


class SmilesLine(NamedTuple):
    """One molecule of a list: which file (position among the files given), which line, and its SMILES text."""

    source: int
    line: int
    text: str


def read_smiles_lists(paths: Sequence[Path]) -> Iterator[SmilesLine]:
    """All molecules of the files, in order; nothing is parsed here.

    Raises:
        DataError: a file cannot be read, is truncated, is no text, or has no column of SMILES; names file and line.
    """
    for source, path in enumerate(paths):
        for number, text in _texts(path):
            if text:
                yield SmilesLine(source, number, text)


def line_count(paths: Sequence[Path]) -> int | None:
    """How many lines the files have, so at most so many molecules; ``None`` for a file that cannot be read.

    Takes a thousandth of what working on the lines takes. What is wrong with a file, reading it will tell.
    """
    try:
        return sum(map(_lines_of, paths))
    except (OSError, EOFError, zlib.error):
        return None


def _lines_of(path: Path) -> int:
    lines, last = 0, b""
    with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as file:
        while block := file.read(_BYTES):
            lines += block.count(b"\n")
            last = block[-1:]
    return lines + (last not in (b"", b"\n"))


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    number = 0
    separator = _SEPARATORS.get(Path(path.name.removesuffix(".gz")).suffix.lower())
    try:
        with _opened(path) as file:
            lines = _bounded(file)
            for number, text in _columns(path, lines, separator) if separator else _plain(lines):
                yield number, text
    except UnicodeDecodeError as error:
        what = f"not a text in UTF-8 ({error.reason})"
        raise DataError(f"{path}: after line {number}: {what}\n    give a list of SMILES") from error
    except (OSError, EOFError, zlib.error) as error:
        what = f"cannot be read, truncated or corrupted ({error})"
        raise DataError(f"{path}: after line {number}: {what}\n    fetch or write the file again") from error


def _opened(path: Path) -> TextIO:
    if path.name.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8", newline="\n")
    return path.open(encoding="utf-8", newline="\n")


def _bounded(file: TextIO) -> Iterator[tuple[int, str]]:
    """Numbered lines without their ends, cut off at ``LONGEST_LINE``."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        rest = line
        while rest and not rest.endswith("\n"):
            rest = file.readline(LONGEST_LINE)
        yield number, line.rstrip("\r\n")


def _plain(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    for number, line in lines:
        words = line.split(maxsplit=1)
        yield number, words[0] if words and not line.startswith("#") else ""


def _columns(path: Path, lines: Iterable[tuple[int, str]], separator: str) -> Iterator[tuple[int, str]]:
    column = None
    for number, line in lines:
        fields = _fields(line, separator)
        if column is None and any(fields):
            column = _smiles_column(path, number, fields)
            if _is_header(fields):
                continue
        if column is not None and len(fields) > column:
            yield number, fields[column].strip()
        elif any(fields):
            raise DataError(f"{path}:{number}: has {len(fields)} columns, the SMILES are in column {(column or 0) + 1}")


def _fields(line: str, separator: str) -> list[str]:
    """The fields of one line; tab-separated text has no quotes, which SMILES could hold by chance."""
    return next(csv.reader([line]), []) if separator == "," else line.split(separator)


def _is_header(fields: Sequence[str]) -> bool:
    return "smiles" in (field.strip().lower() for field in fields)


def _smiles_column(path: Path, number: int, fields: Sequence[str]) -> int:
    if _is_header(fields):
        return [field.strip().lower() for field in fields].index("smiles")
    with rdBase.BlockLogs():
        if len(fields[0]) <= LONGEST_LINE // 10 and Chem.MolFromSmiles(fields[0], sanitize=False) is not None:
            return 0
    what = f"no column is named 'smiles', and the first field, {fields[0][:40]!r}, is no SMILES"
    raise DataError(f"{path}:{number}: {what}\n    name the column of SMILES in the first line")
