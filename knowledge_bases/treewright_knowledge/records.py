"""What a store holds, and its line in ``records.jsonl``."""

import json
from typing import Any, NamedTuple

from treewright_registry import DataError, Payload, from_json, to_json


class Record(NamedTuple):
    """One entry of a knowledge base.

    Attributes:
        id: unique within its store.
        content: what a hit brings to the policy: text, parts, or any JSON value.
        provenance: where this very record comes from (source, line, licence).
    """

    id: str
    content: Payload
    provenance: str = ""


def to_line(record: Record) -> bytes:
    """The record as one line of UTF-8 JSON, line end included.

    Raises:
        DataError: the id is no text or empty, or the content is not JSON (NaN is not).
    """
    if not isinstance(record.id, str) or not record.id:
        raise DataError(f"record id {record.id!r} is not a text of at least one letter")
    fields = {"id": record.id, "content": to_json(record.content), "provenance": record.provenance}
    try:
        line = json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return line.encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise DataError(
            f"record '{record.id}' cannot be stored as JSON: {error}"
            "\n    let content be text, numbers, lists and mappings; give other objects a codec"
        ) from error


def from_line(line: bytes) -> Record:
    """The record of a line written by ``to_line``.

    Raises:
        ValueError: the line is no such record.
    """
    fields: Any = json.loads(line)
    try:
        return Record(str(fields["id"]), from_json(fields["content"]), str(fields["provenance"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a record: {error!r}") from error
