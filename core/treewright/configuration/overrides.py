"""Single values set from outside: ``--set a.b=c``, ``--input``, and effort levels."""

from collections.abc import Sequence
from dataclasses import dataclass

from treewright.configuration.complaints import Complaints
from treewright.configuration.merging import replaces
from treewright.configuration.nodes import Node, Place, described, empty_mapping
from treewright.configuration.reader import read_value


@dataclass(frozen=True, slots=True)
class Override:
    """A value for a dotted path.

    Attributes:
        path: ``search.width``.
        value: the new value.
        place: where the user wrote it.
    """

    path: str
    value: Node
    place: Place

    @property
    def parts(self) -> tuple[str, ...]:
        """The path's keys."""
        return tuple(self.path.split("."))


def parse_setting(text: str, complaints: Complaints) -> Override | None:
    """The override that ``--set TEXT`` means; ``None`` after a complaint."""
    place = Place(f"--set {text}")
    path, equals, value = text.partition("=")
    if not equals or not all(path.strip().split(".")):
        complaints.add(place, "must look like  --set search.width=4")
        return None
    node = read_value(value, place.source, complaints, place=place)
    return Override(path.strip(), node, place) if node is not None else None


def text_setting(path: str, value: str, label: str) -> Override:
    """An override with a text value that is not to be read as YAML."""
    place = Place(label)
    return Override(path, Node(place, value), place)


def apply(root: Node, overrides: Sequence[Override], complaints: Complaints) -> None:
    """Set every override in ``root``; those that choose a component (``….use``) come first.

    Choosing another component drops the options of the one that stood there.
    """
    for override in sorted(overrides, key=lambda item: item.parts[-1] != "use"):
        _apply(root, override, complaints)


def _apply(root: Node, override: Override, complaints: Complaints) -> None:
    node, parts = root, override.parts
    for index, key in enumerate(parts):
        rest = ".".join(parts[index:])
        if len(parts) - index == 1 or node.get(rest) is not None:
            _put(node, rest, override)
            return
        child = node.get(key)
        if child is None or child.is_null:
            child = empty_mapping(override.place)
            node.put(key, child, override.place)
        elif not child.is_mapping:
            path = ".".join(parts[: index + 1])
            what = f"'{path}' is {described(child.plain())}, so there is no '{override.path}'"
            complaints.add(override.place, what)
            return
        node = child


def _put(node: Node, key: str, override: Override) -> None:
    if key == "use":
        chosen = empty_mapping(override.place)
        chosen.put("use", override.value, override.place)
        if replaces(node, chosen):
            node.value = {}
            node.keys.clear()
    node.put(key, override.value, override.place)
