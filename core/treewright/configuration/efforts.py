"""Effort levels: named sets of overrides that a pipeline offers, chosen with ``--effort``."""

from collections.abc import Iterator

from treewright.configuration.complaints import Complaints, hints
from treewright.configuration.nodes import Node, Place, described
from treewright.configuration.overrides import Override

LEVELS = ("low", "medium", "high")


def levels_of(root: Node, complaints: Complaints) -> dict[str, list[Override]]:
    """The levels that a pipeline offers, each with its overrides."""
    node = root.get("effort")
    if node is None or node.is_null:
        return {}
    if not node.is_mapping:
        what = f"'effort' must map levels to settings, not {described(node.plain())}"
        complaints.add(node.place, what, "write  effort: {low: {search.width: 2}}")
        return {}
    levels: dict[str, list[Override]] = {}
    for name, settings in node.items():
        if name not in LEVELS:
            place = node.key_place(name)
            complaints.add(place, f"unknown effort level '{name}'", *hints(name, LEVELS, "levels"))
        elif not settings.is_mapping:
            what = f"effort level '{name}' must be a mapping of settings"
            complaints.add(settings.place, what, f"write  {name}: {{search.width: 2}}")
        else:
            levels[name] = list(_overrides(settings, ""))
    return levels


def chosen(
    levels: dict[str, list[Override]], effort: str | None, source: str, complaints: Complaints
) -> list[Override]:
    """The overrides of the chosen level; none if no level was chosen."""
    if effort is None:
        return []
    if effort not in levels:
        place = Place(f"--effort {effort}")
        offered = ", ".join(levels)
        has = f"it has: {offered}" if levels else "it has no 'effort' key"
        complaints.add(place, f"pipeline '{source}' has no effort level '{effort}'", has)
        return []
    return levels[effort]


def _overrides(settings: Node, prefix: str) -> Iterator[Override]:
    for key, value in settings.items():
        if value.is_mapping and value.get("use") is None:
            yield from _overrides(value, f"{prefix}{key}.")
        else:
            yield Override(f"{prefix}{key}", value, settings.key_place(key))
