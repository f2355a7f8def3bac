"""The tree that a configuration file is read into: plain values, each with its place."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Scalar: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key or value stands.

    Attributes:
        source: a file, or the command line's own words (``--set a.b=c``).
        line, column: counted from 1; 0 where the source has no lines.
    """

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(slots=True)
class Node:
    """A value with its place.

    Attributes:
        place: where the value begins.
        value: a scalar, a list of nodes, or a mapping of key → node.
        keys: for mappings, key → place of the key.
    """

    place: Place
    value: "Scalar | list[Node] | dict[str, Node]"
    keys: dict[str, Place] = field(default_factory=dict)

    @property
    def is_mapping(self) -> bool:
        """Whether the value is a mapping."""
        return isinstance(self.value, dict)

    @property
    def is_null(self) -> bool:
        """Whether the value is empty."""
        return self.value is None

    def get(self, key: str) -> "Node | None":
        """The value of ``key``; ``None`` if it is absent or this is no mapping."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def items(self) -> Iterator[tuple[str, "Node"]]:
        """Keys and values of a mapping; nothing for other values."""
        return iter(self.value.items() if isinstance(self.value, dict) else ())

    def put(self, key: str, child: "Node", place: Place) -> None:
        """Set ``key`` of a mapping."""
        assert isinstance(self.value, dict)
        self.value[key] = child
        self.keys[key] = place

    def key_place(self, key: str) -> Place:
        """Where ``key`` stands; the mapping's own place if it is unknown."""
        return self.keys.get(key, self.place)

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def at(self, path: tuple[int | str, ...]) -> "Node":
        """The node at ``path`` below this one, or the last one on the way that exists."""
        node = self
        for part in path:
            if isinstance(node.value, dict) and part in node.value:
                node = node.value[str(part)]
            elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
        return node


def empty_mapping(place: Place) -> Node:
    """A mapping without keys."""
    return Node(place, {})


def described(value: Any) -> str:
    """A value in words for messages: ``text 'abc'``, ``3``, ``a mapping``, ``nothing``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"text {shortened(value)!r}"
    if isinstance(value, int | float):
        return repr(value)
    return "a mapping" if isinstance(value, dict) else "a list"


def shortened(text: str, limit: int = 60) -> str:
    """The text, cut with an ellipsis if it is longer than ``limit``."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
