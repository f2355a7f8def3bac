"""Rows of a data file, one object each; what cannot be read is a row with a fault, not the end of the file."""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from treewright_math.data_files.places import existing_file
from treewright_registry import DataError

_GZIP = b"\x1f\x8b"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
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
    yield from _rows(file, _content(file))


def _content(file: Path) -> bytes:
    content = file.read_bytes()
    if not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise DataError(f"{file}: damaged gzip file: {error}; fetch it again") from error


def _rows(file: Path, content: bytes) -> Iterator[Row]:
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"["):
        return _items(file, _whole(file, content))
    if start.startswith(b"{") and not _is_object(content.split(b"\n", 1)[0]):
        return _items(file, _whole(file, content))
    return _lines(file, content)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(_parsed(line), Mapping)
    except (ValueError, RecursionError):
        return False


def _whole(file: Path, content: bytes) -> list[Any]:
    try:
        value = _parsed(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not a JSON file: {error}") from error
    if isinstance(value, Mapping):
        lists = [value[key] for key in ("rows", "data", "examples") if isinstance(value.get(key), list)]
        value = lists[0] if lists else [value]
    return [_unwrapped(item) for item in value]


def _unwrapped(item: Any) -> Any:
    """A row as it is, or what the hub's viewer wraps."""
    return item["row"] if isinstance(item, Mapping) and isinstance(item.get("row"), Mapping) else item


def _items(file: Path, items: list[Any]) -> Iterator[Row]:
    for number, item in enumerate(items, 1):
        place = f"{file}: record {number}"
        if isinstance(item, Mapping):
            yield Row(place, number, item)
        else:
            yield Row(place, number, {}, f"{place}: is {_described(item)}, not an object")


def _lines(file: Path, content: bytes) -> Iterator[Row]:
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        place = f"{file}: line {number}"
        try:
            fields = _parsed(line)
        except (ValueError, RecursionError) as error:
            yield Row(place, number, {}, f"{place}: not JSON: {error}")
            continue
        if isinstance(fields, Mapping):
            yield Row(place, number, fields)
        else:
            yield Row(place, number, {}, f"{place}: is {_described(fields)}, not an object")


def _parsed(content: bytes) -> Any:
    return json.loads(content.decode("utf-8-sig"))


def _described(value: Any) -> str:
    return "a list" if isinstance(value, list) else f"{value!r:.40}"
