"""A solution's text in the shapes that programs write: a string, an object, chat messages, parts of a message."""

from collections.abc import Mapping, Sequence
from typing import Any

TEXTS = (
    "text",
    "solution",
    "response",
    "output",
    "completion",
    "generation",
    "generated_text",
    "content",
    "message",
    "code",
)
"""Fields of an object that hold its text."""


def text_in(value: Any) -> str | None:
    """The text that a value holds; ``None`` if it holds none.

    Of chat messages it is the last one of the assistant; of a message in parts, all texts in a row.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return next((text_in(value[name]) for name in TEXTS if value.get(name) is not None), None)
    if not isinstance(value, list) or not value:
        return None
    if is_chat(value):
        return said_last(value, "assistant")
    if all(isinstance(part, Mapping) and "type" in part for part in value):
        return "".join(part["text"] for part in value if isinstance(part.get("text"), str))
    return text_in(value[0]) if len(value) == 1 else None


def is_chat(value: Any) -> bool:
    """Whether it is a list of messages, each with a role."""
    return isinstance(value, list) and bool(value) and all(isinstance(m, Mapping) and "role" in m for m in value)


def said_last(messages: Sequence[Mapping[str, Any]], role: str) -> str | None:
    """The text of the role's last message; ``None`` if it said nothing."""
    return next((text_in(m.get("content")) for m in reversed(messages) if m["role"] == role), None)
