"""Which knowledge base is meant, and what it finds."""

import json
from collections.abc import Sequence
from pathlib import Path

from treewright.configuration import load_component
from treewright_knowledge import read_manifest
from treewright_registry import ConfigurationError, Hit, KnowledgeBase, Registry, UnknownComponent


def folder_of(place: str, registry: Registry) -> Path:
    """The folder meant by a path, or by the name of a knowledge base that a plugin ships.

    Names are those of components, and those that a plugin's pipelines use (a component's ``named``).

    Raises:
        ConfigurationError: it is neither, or the named one ships no store.
    """
    folder = Path(place)
    if folder.exists():
        return folder
    try:
        registry.find("knowledge_base", place)
    except UnknownComponent as error:
        known = _named(place, registry)
        if known is None:
            raise ConfigurationError(f"{place}: there is no such folder, and {error}") from error
        return known
    return _shipped(place, load_component("knowledge_base", place, registry).build())


def searched(place: str, query: str, k: int, settings: Sequence[str], registry: Registry) -> Sequence[Hit]:
    """What the knowledge base finds, through the component that its manifest names.

    The component gets the options that it was built with; ``settings`` win over them.

    Raises:
        ConfigurationError: there is no such knowledge base, or it names no component.
        DataError: the store or the query cannot be used.
    """
    folder = folder_of(place, registry)
    description = read_manifest(folder).description
    if not description.component:
        what = "its manifest names no component that could read a query"
        raise ConfigurationError(f"{folder}: {what}\n    search it from Python: KnowledgeStore.search")
    kept = [f"{name}={json.dumps(value)}" for name, value in description.options.items()]
    spec = load_component("knowledge_base", description.component, registry, overrides=[*kept, *settings])
    component: KnowledgeBase = spec.build()
    return component.search(folder, query, k)


def _named(name: str, registry: Registry) -> Path | None:
    """The store that some component knows by this name, as pipelines do."""
    for descriptor in registry.of_kind("knowledge_base"):
        try:
            look_up = getattr(descriptor.load(), "named", None)
        except ImportError:  # of a plugin whose libraries are not all here; the name may be another's
            continue
        folder: Path | None = look_up(name) if look_up is not None else None
        if folder is not None:
            return folder
    return None


def _shipped(name: str, component: KnowledgeBase) -> Path:
    folder = component.shipped()
    if folder is None:
        repair = f"build one: treewright kb build {name} --source FILE --out DIR"
        raise ConfigurationError(f"{name} comes without a knowledge base of its own\n    {repair}")
    return folder
