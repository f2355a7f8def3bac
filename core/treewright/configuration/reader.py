"""YAML text → nodes with places; every fault of the text becomes a complaint."""

from pathlib import Path

import yaml

from treewright.configuration.complaints import Complaints
from treewright.configuration.nodes import Node, Place, Scalar, empty_mapping
from treewright.configuration.yaml_core import PLAIN_TAGS, CoreLoader, scalar

LARGEST = 1_000_000  # bytes of a file
MOST_VALUES = 50_000  # values once aliases are followed: stops "billion laughs"


def read_file(path: Path, complaints: Complaints, label: str = "") -> Node | None:
    """The mapping that a YAML file holds; ``None`` after a complaint."""
    label = label or str(path)
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST and path.is_file() else b""
    except OSError as error:
        complaints.add(Place(label), f"cannot be read: {error.strerror}")
        return None
    if not path.is_file():
        complaints.add(Place(label), "is not a file", "name a YAML file or a pipeline")
        return None
    if size > LARGEST:
        what = f"has {size:,} bytes; a configuration may have {LARGEST:,}"
        complaints.add(Place(label), what, "keep data in files of their own and name their path")
        return None
    return _decode(data, label, complaints)


def _decode(data: bytes, label: str, complaints: Complaints) -> Node | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        complaints.add(Place(label, line, column), "is not UTF-8 text", "save the file as UTF-8")
        return None
    return read_mapping(text, label, complaints)


def read_mapping(text: str, label: str, complaints: Complaints) -> Node | None:
    """The mapping that a YAML text holds; ``None`` after a complaint."""
    node = read_value(text, label, complaints)
    if node is None:
        return None
    if node.is_null:
        complaints.add(Place(label), "is empty", "a pipeline names at least task, policy and search")
        return None
    if not node.is_mapping:
        complaints.add(node.place, "is not a mapping", "write 'key: value' lines")
        return None
    return node


def read_value(text: str, label: str, complaints: Complaints, *, place: Place | None = None) -> Node | None:
    """The value of a YAML text; with ``place``, every node stands there. ``None`` after a complaint."""
    try:
        root = yaml.compose(text, Loader=CoreLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = place or (Place(label, mark.line + 1, mark.column + 1) if mark else Place(label))
        complaints.add(where, f"is not valid YAML: {_reason(error)}")
        return None
    except yaml.reader.ReaderError as error:
        complaints.add(place or _at_offset(text, label, error.position), _strange_character(error))
        return None
    if root is None:
        return Node(place or Place(label, 1, 1), None)
    builder = _Builder(label, complaints, place)
    node = builder.build(root)
    if builder.count > MOST_VALUES:
        what = f"holds more than {MOST_VALUES:,} values once aliases are followed"
        complaints.add(Place(label), what, "keep data in files of their own and name their path")
        return None
    return node


def _reason(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.problem, error.context) if part)


def _at_offset(text: str, label: str, offset: int) -> Place:
    return Place(label, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _strange_character(error: yaml.reader.ReaderError) -> str:
    return f"is not valid YAML: the character U+{int(error.character):04X} is not allowed"


class _Builder:
    """Turns composed YAML nodes into ours."""

    def __init__(self, label: str, complaints: Complaints, place: Place | None) -> None:
        self.label, self.complaints, self.fixed = label, complaints, place
        self.count = 0
        self.above: list[int] = []  # ids of the nodes we are inside of: an alias may not point up

    def build(self, node: yaml.Node) -> Node:
        place = self._place(node)
        self.count += 1
        if self.count > MOST_VALUES:
            return Node(place, None)  # unwinds quickly; the caller complains
        if node.tag not in PLAIN_TAGS:
            self.complaints.add(place, f"tag '{node.tag}' is not allowed", "write plain YAML values")
        if id(node) in self.above:
            self.complaints.add(place, "an alias stands inside the value that it names")
            return Node(place, None)
        return self._inner(node, place)

    def _inner(self, node: yaml.Node, place: Place) -> Node:
        if isinstance(node, yaml.ScalarNode):
            return Node(place, self._scalar(node, place))
        self.above.append(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return Node(place, [self.build(child) for child in node.value])
            return self._mapping(node, place)
        finally:
            self.above.pop()

    def _mapping(self, node: yaml.Node, place: Place) -> Node:
        mapping = empty_mapping(place)
        for key_node, value_node in node.value:
            where = self._place(key_node)
            if not isinstance(key_node, yaml.ScalarNode) or not key_node.tag.endswith(":str"):
                self.complaints.add(where, "a key must be text", "put it in quotes")
                continue
            key = key_node.value
            if key in mapping.keys:
                first = mapping.keys[key]
                self.complaints.add(where, f"'{key}' is written twice", f"first at {first}; remove one")
                continue
            mapping.put(key, self.build(value_node), where)
        return mapping

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Scalar:
        try:
            return scalar(node.tag, node.value)
        except ValueError:
            self.complaints.add(place, f"not a number that can be read: {len(node.value):,} characters")
            return None

    def _place(self, node: yaml.Node) -> Place:
        return self.fixed or Place(self.label, node.start_mark.line + 1, node.start_mark.column + 1)
