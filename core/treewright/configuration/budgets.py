"""The ``budget`` of a pipeline: counters and their limits for each problem."""

import math
from collections.abc import Iterator, Mapping

from treewright.configuration.complaints import Complaints, hints
from treewright.configuration.nodes import Node, Place, described
from treewright_registry import COUNTERS


def read_budget(node: Node | None, roles: Mapping[str, object], complaints: Complaints) -> dict[str, float]:
    """Counter (``candidates``) or role and counter (``target.calls``) → limit."""
    if node is None or node.is_null:
        return {}
    if not node.is_mapping:
        what = f"'budget' must be a mapping of counter to limit, not {described(node.plain())}"
        complaints.add(node.place, what, "write  budget: {candidates: 64}")
        return {}
    limits: dict[str, float] = {}
    for name, place, limit in _flat(node):
        if _known(name, place, roles, complaints) and _positive(name, limit, complaints):
            limits[name] = limit.value  # type: ignore[assignment]
    return limits


def _flat(node: Node) -> Iterator[tuple[str, Place, Node]]:
    for name, child in node.items():
        if child.is_mapping:
            for inner, limit in child.items():
                yield f"{name}.{inner}", child.key_place(inner), limit
        else:
            yield name, node.key_place(name), child


def _known(name: str, place: Place, roles: Mapping[str, object], complaints: Complaints) -> bool:
    role, dot, counter = name.rpartition(".")
    if counter not in COUNTERS:
        complaints.add(place, f"unknown budget counter '{counter}'", *hints(counter, COUNTERS, "counters"))
        return False
    if dot and role not in roles:
        complaints.add(place, f"budget of an unknown role '{role}'", *hints(role, roles, "roles"))
        return False
    return True


def _positive(name: str, limit: Node, complaints: Complaints) -> bool:
    value = limit.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not (0 < value < math.inf):
        said = described(limit.plain())
        help_ = "leave the counter out for no limit"
        complaints.add(limit.place, f"budget '{name}' must be a positive number, not {said}", help_)
        return False
    return True
