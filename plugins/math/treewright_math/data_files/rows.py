"""Rows of a data file, one object each; what cannot be read is a row with a fault, not the end of the file.

JSON Lines are read as a stream, plain or gzip: a line is held at a time. A file that is one JSON value is read as a
whole.
"""

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from treewright_math.data_files.fields import PROBLEM, first_of
from treewright_math.data_files.places import existing_file
from treewright_registry import DataError

_GZIP = b"\x1f\x8b"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_BLANK = b"\xef\xbb\xbf \t\r\n"  # with the mark of byte order
_HEAD = 1 << 16  # bytes, to the end of their line, by which one JSON value is told from lines
_LISTS = ("rows", "data", "examples")  # where an object keeps its rows
_FILE_ENDINGS = (".json", ".jsonl", ".gz", ".csv", ".parquet", ".txt")


class Row(NamedTuple):
    """One record of a file.

    Attributes:
        place: file and line, for messages.
        number: from 1.
        fields: the object; empty if there is a fault.
        fault: why the row cannot be used.
    """

    place: str
    number: int
    fields: Mapping[str, Any]
    fault: str | None = None


def read_rows(path: str, *, field: str = "task.path", split: str = "test", subset: str = "") -> Iterator[Row]:
    """All rows of a file, or of a data set on the Hugging Face hub if ``path`` is ``owner/name``.

    A line that is no JSON object is a row with a fault, be it the first; a file in which no line is one, and which is
    no JSON as a whole, is refused.

    Args:
        path: a file of JSON Lines, or a JSON file with a list (also under ``data`` or ``rows``), plain or gzip; or a
            data set's name. ``{split}`` and environment variables are expanded.
        field: the option's name, for messages.
        split: of a data set of the hub, and for ``{split}``.
        subset: the data set's configuration on the hub, empty for its only one.

    Raises:
        DataError: the file is not there or no such file, or the package ``datasets`` is missing.
    """
    path = path.replace("{split}", split)
    if _HUB_NAME.fullmatch(path) and not path.endswith(_FILE_ENDINGS) and not Path(path).exists():
        from treewright_math.data_files.hub import read_hub

        for number, fields in enumerate(read_hub(path, split=split, subset=subset, field=field), 1):
            yield Row(f"{path}: row {number}", number, fields)
        return
    file = existing_file(path, field)
    yield from _lines(file) if _is_lines(file) else _items(file)


@contextmanager
def _stream(file: Path) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked; its lines end at line feeds alone, not at what else Unicode counts as line ends."""
    with file.open("rb") as raw:
        packed = raw.read(len(_GZIP)) == _GZIP
        raw.seek(0)
        if not packed:
            yield raw
            return
        try:
            with io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=raw)), 1 << 16) as stream:
                yield stream
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"{file}: damaged gzip file: {error}; fetch it again") from error


def _is_lines(file: Path) -> bool:
    """Whether the file is to be read line by line; else it is one JSON value, on one line or on many."""
    with _stream(file) as stream:
        lines = [line for line in stream.readlines(_HEAD) if line.strip(_BLANK)]
        if len(lines) == 1:
            lines += islice((line for line in stream if line.strip()), 1)
    if not lines or not lines[0].lstrip(_BLANK).startswith((b"{", b"[")):
        return True
    if len(lines) == 1:
        return lines[0].lstrip(_BLANK).startswith(b"{") and _is_object(lines[0]) and not _wraps_rows(_parsed(lines[0]))
    return _is_object(lines[0]) or (not _begins_json(b"".join(lines)) and _has_an_object(file))


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(_parsed(line), Mapping)
    except (ValueError, RecursionError):
        return False


def _wraps_rows(value: Mapping[str, Any]) -> bool:
    """Whether an object is a file's whole content with its rows in a list, as the hub's viewer gives them."""
    rows = _rows_in(value) or []
    return bool(rows) and all(isinstance(row, Mapping) for row in rows)


def _rows_in(value: Mapping[str, Any]) -> list[Any] | None:
    """The list in which an object keeps its rows; ``None`` for a problem, whatever lists belong to it."""
    if isinstance(first_of(value, PROBLEM), str):
        return None
    return next((value[name] for name in _LISTS if isinstance(value.get(name), list)), None)


def _begins_json(lines: bytes) -> bool:
    """Whether whole lines are the beginning of one JSON value: nothing in them is wrong but that they end."""
    text = lines.decode("utf-8-sig", errors="replace").rstrip()
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(text) - 1  # some messages point behind the end, some to the last letter
    except RecursionError:
        return False  # nor could it be read as a whole
    return True


def _has_an_object(file: Path) -> bool:
    with _stream(file) as stream:
        return any(_is_object(line) for line in stream)


def _items(file: Path) -> Iterator[Row]:
    for number, item in enumerate(_whole(file), 1):
        place = f"{file}: record {number}"
        if isinstance(item, Mapping):
            yield Row(place, number, item)
        else:
            yield Row(place, number, {}, f"{place}: is {_described(item)}, not an object")


def _whole(file: Path) -> list[Any]:
    with _stream(file) as stream:
        content = stream.read()
    try:
        value = _parsed(content)
    except (ValueError, RecursionError) as error:
        if b"\r" in content.strip() and b"\n" not in content:
            what = "its lines end with carriage returns alone; JSON Lines end with line feeds"
            raise DataError(f"{file}: {what}\n    convert it: tr '\\r' '\\n' < OLD > NEW") from error
        raise DataError(f"{file}: not a JSON file: {error}") from error
    if isinstance(value, Mapping):
        rows = _rows_in(value)
        value = [value] if rows is None else rows
    return [_unwrapped(item) for item in value]


def _unwrapped(item: Any) -> Any:
    """A row as it is, or what the hub's viewer wraps."""
    return item["row"] if isinstance(item, Mapping) and isinstance(item.get("row"), Mapping) else item


def _lines(file: Path) -> Iterator[Row]:
    with _stream(file) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield _row(f"{file}: line {number}", number, line)


def _row(place: str, number: int, line: bytes) -> Row:
    try:
        fields = _parsed(line)
    except (ValueError, RecursionError) as error:
        return Row(place, number, {}, f"{place}: not JSON: {error}")
    if isinstance(fields, Mapping):
        return Row(place, number, fields)
    return Row(place, number, {}, f"{place}: is {_described(fields)}, not an object")


def _parsed(content: bytes) -> Any:
    return json.loads(content.decode("utf-8-sig"))


def _described(value: Any) -> str:
    return "a list" if isinstance(value, list) else f"{value!r:.40}"
