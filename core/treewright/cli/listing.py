"""What ``treewright plugins list`` prints; nothing of any component is imported."""

import json
import os
from typing import Any

from treewright_registry import KINDS, Registry
from treewright_registry.loader import SELECTION_VARIABLE, describe

_PLURALS = {"policy": "policies", "search": "searches"}


def components(registry: Registry, kind: str | None) -> str:
    """All components, kind by kind."""
    blocks = []
    for each in [kind] if kind else KINDS:
        found = registry.of_kind(each)
        if found:
            width = max(len(item.name) for item in found)
            rows = [f"  {item.name:{width}}  {item.summary}".rstrip() for item in found]
            blocks.append("\n".join([plural(each), *rows]))
    if not blocks:
        blocks.append(f"no {plural(kind) if kind else 'components'}")
    if registry.failures:
        count = len(registry.failures)
        what = "plugin is" if count == 1 else "plugins are"
        blocks.append(f"{count} {what} broken; see: treewright plugins list --broken")
    blocks += _not_installed(registry)
    return "\n\n".join(blocks)


def _not_installed(registry: Registry) -> list[str]:
    """A line for each plugin that the environment selects and that is not there."""
    selected = {name.strip() for name in os.environ.get(SELECTION_VARIABLE, "").split(",")} - {""}
    known = {item.name for item in registry.plugins} | {failure.plugin for failure in registry.failures}
    missing = sorted(selected - known)
    return [f"{SELECTION_VARIABLE} names '{name}', and no such plugin is installed" for name in missing]


def broken(registry: Registry) -> str:
    """All plugins that did not load, with cause and repair."""
    if not registry.failures:
        return "no broken plugins"
    return "\n".join(describe(failure) for failure in registry.failures)


def as_json(registry: Registry, kind: str | None, only_broken: bool) -> str:
    """The listing as JSON: ``plugins``, ``components`` and ``broken``."""
    data: dict[str, Any] = {}
    if not only_broken:
        data["plugins"] = [_fields(item, "name", "distribution", "version") for item in registry.plugins]
        data["components"] = [
            {**_fields(item, "kind", "name", "summary", "distribution"), "target": item.import_string}
            for item in registry
            if kind in (None, item.kind)
        ]
    names = ("plugin", "distribution", "version", "stage", "cause", "repair")
    data["broken"] = [_fields(failure, *names) for failure in registry.failures]
    return json.dumps(data, indent=2, ensure_ascii=False)


def plural(kind: str) -> str:
    """``policies`` of ``policy``."""
    return _PLURALS.get(kind, f"{kind.replace('_', ' ')}s")


def _fields(item: object, *names: str) -> dict[str, Any]:
    return {name: getattr(item, name) for name in names}
