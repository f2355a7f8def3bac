"""What travels between components: JSON values, or a list of text and blob parts.

Blobs (images, frames, drawings, latents) are named by the SHA-256 of their bytes; the bytes
lie in the run folder. Nothing here is ever pickled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text inside a payload of several parts."""

    text: str


@dataclass(frozen=True, slots=True)
class Blob:
    """A reference to bytes in the blob store.

    Attributes:
        sha256: lower-case hexadecimal digest of the bytes.
        media_type: for example ``image/png``.
    """

    sha256: str
    media_type: str


Part: TypeAlias = Text | Blob
Payload: TypeAlias = "JSON | tuple[Part, ...]"

_PARTS = "$parts"  # the one reserved key: marks a list of parts in JSON form


def is_parts(payload: Payload) -> bool:
    """Whether the payload is a list of parts rather than a JSON value."""
    return isinstance(payload, tuple) and bool(payload) and all(isinstance(part, Text | Blob) for part in payload)


def to_json(payload: Payload) -> JSON:
    """The payload as a JSON value; ``from_json`` gives it back."""
    if not is_parts(payload):
        return payload  # type: ignore[return-value]
    return {_PARTS: [_part_to_json(part) for part in payload]}  # type: ignore[union-attr,arg-type]


def from_json(value: JSON) -> Payload:
    """The payload written by ``to_json``."""
    if isinstance(value, Mapping) and set(value) == {_PARTS}:
        parts: Any = value[_PARTS]
        return tuple(_part_from_json(part) for part in parts)
    return value


def as_text(payload: Payload) -> str:
    """The payload's text for people and prompts: parts joined, blobs as ``[image/png 1a2b3c4d]``."""
    if isinstance(payload, str):
        return payload
    if is_parts(payload):
        return "".join(_part_as_text(part) for part in payload)  # type: ignore[union-attr,arg-type]
    import json

    return json.dumps(payload, ensure_ascii=False)


def _part_as_text(part: Part) -> str:
    return part.text if isinstance(part, Text) else f"[{part.media_type} {part.sha256[:8]}]"


def _part_to_json(part: Part) -> JSON:
    if isinstance(part, Text):
        return {"text": part.text}
    return {"blob": part.sha256, "media_type": part.media_type}


def _part_from_json(part: Mapping[str, str]) -> Part:
    return Text(part["text"]) if "text" in part else Blob(part["blob"], part["media_type"])
