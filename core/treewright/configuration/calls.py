"""The ``call`` part of a component's block: how the engine calls it."""

import inspect
import typing
from dataclasses import asdict
from typing import Any

from treewright.configuration.complaints import Complaints
from treewright.configuration.nodes import Node, described
from treewright.configuration.signature import Option, read_options
from treewright.pipeline import CallSettings

_SMALLEST = {"batch": 1, "concurrency": 1, "deadline": 0.0, "retries": 0}


def read_call(owner: str, node: Node | None, complaints: Complaints) -> CallSettings:
    """The call settings that a block asks for; the defaults where it says nothing."""
    if node is None or node.is_null:
        return CallSettings()
    if not node.is_mapping:
        known = ", ".join(_options())
        complaints.add(node.place, f"{owner}: call must be a mapping of {known}")
        return CallSettings()
    values = read_options(f"{owner}: call", _options(), node, node.place, complaints)
    for name, value in values.items():
        if value is not None and (value < _SMALLEST[name] or (name == "deadline" and value == 0)):
            least = "positive" if name != "retries" else "0 or more"
            child = node.get(name) or node
            complaints.add(child.place, f"{owner}: call: option '{name}' must be {least}, not {value}")
    return CallSettings(**values)


def call_as_plain(call: CallSettings) -> dict[str, Any]:
    """The settings as written in a filled configuration."""
    return asdict(call)


def _options() -> dict[str, Option]:
    annotations = typing.get_type_hints(CallSettings)
    parameters = inspect.signature(CallSettings).parameters.values()
    return {item.name: Option(item.name, annotations[item.name], item.default) for item in parameters}


def read_roles(owner: str, own: tuple[str, ...], node: Node | None, complaints: Complaints) -> dict[str, str]:
    """The ``roles`` part of a block: role of the component → role of the pipeline."""
    if node is None or node.is_null:
        return {}
    if not node.is_mapping:
        complaints.add(node.place, f"{owner}: roles must be a mapping: own role → role of the pipeline")
        return {}
    roles: dict[str, str] = {}
    for name, target in node.items():
        if name not in own:
            known = f"its roles: {', '.join(own) or 'none'}"
            complaints.add(node.key_place(name), f"{owner} uses no role '{name}'", known)
        elif not isinstance(target.value, str):
            said = described(target.plain())
            complaints.add(target.place, f"{owner}: role '{name}' must name a role of the pipeline, not {said}")
        else:
            roles[name] = target.value
    return roles
