"""A pipeline's tree → ``PipelineSpec``: the top-level keys and what each may hold."""

import re
from dataclasses import dataclass, field
from typing import Any

from treewright.configuration.blocks import BlockReader
from treewright.configuration.budgets import read_budget
from treewright.configuration.complaints import Complaints, hints
from treewright.configuration.merging import holds_roles
from treewright.configuration.nodes import Node, Place, described, empty_mapping
from treewright.pipeline import ComponentSpec, PipelineSpec, default_live
from treewright_registry import Registry

ROLE_KINDS = ("policy", "scorer", "retriever")
TOP_KEYS = (
    "extends",
    "name",
    "summary",
    "task",
    *ROLE_KINDS,
    "search",
    "aggregator",
    "budget",
    "seed",
    "live",
    "effort",
    "versions",
)
_ROLE_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_DEFAULT_AGGREGATOR = "core/best"
_PLURALS = {"task": "tasks", "search": "searches"}
_LARGEST_SEED = 2**63 - 1


@dataclass(slots=True)
class Document:
    """What was read of a pipeline; ``None`` where a complaint was made instead.

    Attributes:
        reader: knows the classes and places of all components.
        kinds: role → policy, scorer or retriever.
        roles: role → component.
    """

    reader: BlockReader
    task: ComponentSpec | None = None
    search: ComponentSpec | None = None
    aggregator: ComponentSpec | None = None
    kinds: dict[str, str] = field(default_factory=dict)
    roles: dict[str, ComponentSpec] = field(default_factory=dict)
    budget: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    live: int | None = None

    def spec(self, source: str) -> PipelineSpec:
        """The pipeline; call it only after all complaints were raised."""
        assert self.task and self.search and self.aggregator
        return PipelineSpec(
            self.task,
            self.search,
            self.aggregator,
            self.roles,
            self.budget,
            seed=self.seed,
            live=default_live(self.roles) if self.live is None else self.live,
            source=source,
        )


def path_of(kind: str, role: str) -> str:
    """Where the block of a role stands: ``policy`` or ``policy.draft``."""
    return kind if role == kind else f"{kind}.{role}"


def read_document(root: Node, registry: Registry, complaints: Complaints) -> Document:
    """Read every key of a pipeline."""
    document = Document(BlockReader(registry, complaints))
    for key, _ in root.items():
        if key not in TOP_KEYS:
            complaints.add(root.key_place(key), f"unknown key '{key}'", *hints(key, TOP_KEYS, "keys"))
    document.task = _single(root, "task", document.reader)
    document.search = _single(root, "search", document.reader)
    document.aggregator = _aggregator(root, document.reader)
    for kind in ROLE_KINDS:
        _read_roles(root, kind, document)
    document.budget = read_budget(root.get("budget"), document.kinds, complaints)
    document.seed = _whole(root, "seed", -_LARGEST_SEED, _LARGEST_SEED, complaints) or 0
    document.live = _whole(root, "live", 1, 1_000_000, complaints)
    for key in ("name", "summary"):
        _text(root, key, complaints)
    return document


def _single(root: Node, kind: str, reader: BlockReader) -> ComponentSpec | None:
    node = root.get(kind)
    if node is None or node.is_null:
        help_ = f"add  {kind}: {{use: plugin/name}}   or  --set {kind}.use=plugin/name"
        known = ", ".join(item.name for item in reader.registry.of_kind(kind))
        what = f"the pipeline has no {kind}"
        reader.complaints.add(root.place, what, help_, f"known {_PLURALS[kind]}: {known or 'none'}")
        return None
    siblings = tuple(name for name, child in root.items() if child.get("use"))
    return reader.read(kind, kind, node, siblings)


def _aggregator(root: Node, reader: BlockReader) -> ComponentSpec | None:
    node = root.get("aggregator")
    if node is None or node.is_null:
        node = empty_mapping(root.place)
        node.put("use", Node(root.place, _DEFAULT_AGGREGATOR), root.place)
    return reader.read("aggregator", "aggregator", node)


def _read_roles(root: Node, kind: str, document: Document) -> None:
    node = root.get(kind)
    if node is None or node.is_null:
        return
    if not node.is_mapping or not _maps_roles(node):
        _read_role(kind, kind, kind, node, root.key_place(kind), document)
        return
    names = tuple(name for name, child in node.items() if child.get("use"))
    for role, child in node.items():
        if not child.is_null:
            place = node.key_place(role)
            _read_role(kind, role, f"{kind}.{role}", child, place, document, names)


def _maps_roles(node: Node) -> bool:
    blocks = [child.is_mapping or child.is_null for _, child in node.items()]
    return node.get("use") is None and (holds_roles(node) or (bool(blocks) and all(blocks)))


def _read_role(
    kind: str,
    role: str,
    path: str,
    node: Node,
    place: Place,
    document: Document,
    siblings: tuple[str, ...] = (),
) -> None:
    complaints = document.reader.complaints
    if not _ROLE_NAME.fullmatch(role):
        complaints.add(place, f"role name '{role}' must be lower-case letters, digits, '_' or '-'")
        return
    if role in document.kinds:
        what = f"the role '{role}' is filled twice, by a {document.kinds[role]} and a {kind}"
        complaints.add(place, what, "give each role a name of its own")
        return
    document.kinds[role] = kind
    spec = document.reader.read(kind, path_of(kind, role), node, siblings)
    if spec is not None:
        document.roles[role] = spec


def _whole(root: Node, key: str, low: int, high: int, complaints: Complaints) -> int | None:
    node = root.get(key)
    if node is None or node.is_null:
        return None
    value: Any = node.value
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        bounds = f"from {low} to {high}"
        said = described(node.plain())
        complaints.add(node.place, f"'{key}' must be a whole number {bounds}, not {said}")
        return None
    return value


def _text(root: Node, key: str, complaints: Complaints) -> None:
    node = root.get(key)
    if node is not None and not node.is_null and not isinstance(node.value, str):
        complaints.add(node.place, f"'{key}' must be text, not {described(node.plain())}")
