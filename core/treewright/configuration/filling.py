"""The filled configuration: every default written out, with the versions it was filled by."""

import platform
from typing import Any

from treewright import __version__
from treewright.configuration.calls import call_as_plain
from treewright.configuration.signature import as_plain, options_of
from treewright.configuration.yaml_core import dump
from treewright.pipeline import ComponentSpec, PipelineSpec, call_style
from treewright_registry import Registry


def filled_text(spec: PipelineSpec, kinds: dict[str, str], summary: str, registry: Registry) -> str:
    """YAML text that loads as the same pipeline again."""
    return dump(filled(spec, kinds, summary, registry))


def component_text(spec: ComponentSpec, registry: Registry) -> str:
    """YAML text of one component's block, e.g. a recipe; it loads as the same component again."""
    return dump({**_block(spec), "versions": versions(registry)})


def filled(spec: PipelineSpec, kinds: dict[str, str], summary: str, registry: Registry) -> dict[str, Any]:
    """The filled configuration as plain values."""
    plain: dict[str, Any] = {"name": spec.source}
    if summary:
        plain["summary"] = summary
    plain["task"] = _block(spec.task)
    for kind in ("policy", "scorer", "retriever"):
        blocks = {role: _block(spec.roles[role]) for role in spec.roles if kinds[role] == kind}
        if blocks:
            plain[kind] = blocks[kind] if set(blocks) == {kind} else blocks
    plain["search"] = _block(spec.search)
    plain["aggregator"] = _block(spec.aggregator)
    plain["budget"] = dict(spec.budget)
    plain["seed"] = spec.seed
    plain["live"] = spec.live
    plain["versions"] = versions(registry)
    return plain


def versions(registry: Registry) -> dict[str, Any]:
    """Versions of treewright, Python and all loaded plugins."""
    plugins = {item.name: f"{item.distribution} {item.version}".strip() for item in registry.plugins}
    return {"treewright": __version__, "python": platform.python_version(), "plugins": plugins}


def _block(spec: ComponentSpec) -> dict[str, Any]:
    component = spec.descriptor.load()
    options = options_of(component)
    block: dict[str, Any] = {"use": spec.name}
    for name, value in spec.options.items():
        block[name] = as_plain(options[name], value)
    call = call_as_plain(spec.call, call_style(spec.descriptor.kind, component, spec.options))
    if call:
        block["call"] = call
    if spec.roles:
        block["roles"] = dict(spec.roles)
    return block
