"""JSON schema of pipelines and components, for editors and for people."""

from typing import Any

from treewright.configuration.calls import call_schema
from treewright.configuration.document import ROLE_KINDS
from treewright.configuration.efforts import LEVELS
from treewright.configuration.signature import MISSING, adapter, as_plain, check_types, options_of
from treewright.pipeline import call_style, needs_of
from treewright_registry import COUNTERS, Descriptor, Registry

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_LIVE = "problems searched at once; default 64, or 4 if all components run in the engine's own thread"


def pipeline_schema(registry: Registry, name: str | None = None) -> dict[str, Any]:
    """The JSON schema of a pipeline file, or of the block of one component.

    Args:
        registry: the components there are.
        name: a component's full or bare name; ``None`` for whole pipeline files.

    Raises:
        UnknownComponent: nothing has that name.
    """
    if name is not None:
        return {"$schema": _DIALECT, **component_schema(_one(registry, name))}
    blocks = {kind: _any_of(registry, kind) for kind in ("task", "search", "aggregator", *ROLE_KINDS)}
    properties: dict[str, Any] = {key: {"type": "string"} for key in ("extends", "name", "summary")}
    properties |= {kind: _roles(block) if kind in ROLE_KINDS else block for kind, block in blocks.items()}
    properties |= {
        "budget": _budget(),
        "seed": {"type": "integer", "default": 0},
        "live": {"type": "integer", "minimum": 1, "description": _LIVE},
        "effort": {"type": "object", "propertyNames": {"enum": list(LEVELS)}},
        "versions": {"type": "object"},
    }
    return {
        "$schema": _DIALECT,
        "title": "treewright pipeline",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def component_schema(descriptor: Descriptor) -> dict[str, Any]:
    """The schema of one component's block."""
    options = options_of(descriptor.load())
    check_types(options)
    properties: dict[str, Any] = {"use": {"const": descriptor.name}}
    for option in options.values():
        properties[option.name] = adapter(option.annotation).json_schema()
        if option.default is not MISSING:
            properties[option.name]["default"] = as_plain(option, option.default)
    properties |= _connections(descriptor)
    return {
        "title": descriptor.name,
        "description": descriptor.summary,
        "type": "object",
        "properties": properties,
        "required": ["use", *(name for name, option in options.items() if option.required)],
        "additionalProperties": False,
    }


def _connections(descriptor: Descriptor) -> dict[str, Any]:
    """How the component is called, and by what names it calls others; both only where they mean something."""
    component = descriptor.load()
    found: dict[str, Any] = {}
    call = call_schema(call_style(descriptor.kind, component, {}))
    if call["properties"]:
        found["call"] = {**call, "description": "how the engine calls the component"}
    roles: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
    own = needs_of(component)
    if own or hasattr(component, "needs_for"):
        about = "role of the component → role of the pipeline, where the names differ"
        named = {name: {"type": "string", "default": name} for name in own}
        found["roles"] = {**roles, "properties": named, "description": about}
    return found


def _one(registry: Registry, name: str) -> Descriptor:
    found = [item for item in registry.named(name) if item.kind != "pipeline"]
    return found[0] if found else registry.find("task", name)


def _any_of(registry: Registry, kind: str) -> dict[str, Any]:
    schemas = []
    for descriptor in registry.of_kind(kind):
        try:
            schemas.append(component_schema(descriptor))
        except (Exception, SystemExit):  # a broken component only loses its own completion
            schemas.append({"type": "object", "properties": {"use": {"const": descriptor.name}}})
    return {"anyOf": schemas} if schemas else {"type": "object"}


def _roles(block: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [block, {"type": "object", "additionalProperties": block}]}


def _budget() -> dict[str, Any]:
    limit = {"type": "number", "exclusiveMinimum": 0}
    return {
        "type": "object",
        "properties": dict.fromkeys(COUNTERS, limit),
        "additionalProperties": {"anyOf": [limit, {"type": "object", "additionalProperties": limit}]},
    }
