"""The ``call`` and ``roles`` parts of a component's block: how the engine calls it, and whom it calls."""

import inspect
import typing
from typing import Any

from treewright.configuration.complaints import Complaints
from treewright.configuration.nodes import Node, described
from treewright.configuration.signature import Option, adapter, read_options
from treewright.pipeline import SETTINGS, CallSettings, CallStyle

_AT_LEAST = {"batch": 1, "concurrency": 1, "retries": 0, "patience": 0}
_ABOVE = {"deadline": 0, "rate": 0}
_ABOUT = {
    "batch": "most requests in one call",
    "concurrency": "most requests in flight at once",
    "deadline": "seconds until an attempt has failed; a synchronous component then runs in a process that is killed",
    "retries": "further attempts after a failed one",
    "rate": "most requests a minute, evenly spaced, retries included",
    "patience": "most seconds that a request waits because its server asks for it (Retry-After)",
}


def read_call(
    owner: str, style: CallStyle, callees: tuple[str, ...], node: Node | None, complaints: Complaints
) -> CallSettings:
    """The call settings that a block asks for; the defaults where it says nothing.

    Args:
        owner: whose block, for messages.
        style: how that component is called.
        callees: for composite components, the roles that it calls.
        node: the value of ``call``.
        complaints: takes what is wrong, settings without effect included.
    """
    if node is None or node.is_null:
        return CallSettings()
    if not SETTINGS[style]:
        complaints.add(node.place, f"{owner}: 'call' has no effect here", _where_instead(style, callees))
        return CallSettings()
    if not node.is_mapping:
        complaints.add(node.place, f"{owner}: call must be a mapping of {', '.join(SETTINGS[style])}")
        return CallSettings()
    values = read_options(f"{owner}: call", _options(), node, node.place, complaints)
    for name, value in values.items():
        _check_range(owner, name, value, node, complaints)
    for name in node.value if isinstance(node.value, dict) else ():
        if name in values and name not in SETTINGS[style]:
            what = f"{owner}: call: option '{name}' has no effect: the component is {style}"
            complaints.add(node.key_place(name), what, f"for {style} components: {', '.join(SETTINGS[style])}")
    return CallSettings(**values)


def _where_instead(style: CallStyle, callees: tuple[str, ...]) -> str:
    if style == "composite":
        roles = " and ".join(f"'{role}'" for role in callees)
        return f"it runs in place and calls role {roles}; write  call  in the block of that role"
    return "write it in the block of the policy, scorer or retriever that is to be limited"


def _check_range(owner: str, name: str, value: Any, node: Node, complaints: Complaints) -> None:
    if value is None or (value >= _AT_LEAST[name] if name in _AT_LEAST else value > _ABOVE[name]):
        return
    least = "0 or more" if _AT_LEAST.get(name) == 0 else "positive"
    child = node.get(name) or node
    complaints.add(child.place, f"{owner}: call: option '{name}' must be {least}, not {value:g}")


def call_as_plain(call: CallSettings, style: CallStyle) -> dict[str, Any]:
    """The settings that mean something, as written in a filled configuration."""
    return {name: getattr(call, name) for name in SETTINGS[style]}


def call_schema(style: CallStyle) -> dict[str, Any]:
    """The JSON schema of the ``call`` of a component that is called this way."""
    properties: dict[str, Any] = {}
    options = _options()
    for name in SETTINGS[style]:
        schema = adapter(options[name].annotation).json_schema()
        for number in [
            each for each in (schema, *schema.get("anyOf", ())) if each.get("type") in ("integer", "number")
        ]:
            if name in _AT_LEAST:
                number["minimum"] = _AT_LEAST[name]
            else:
                number["exclusiveMinimum"] = _ABOVE[name]
        properties[name] = {**schema, "default": options[name].default, "description": _ABOUT[name]}
    return {"type": "object", "properties": properties, "additionalProperties": False}


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
