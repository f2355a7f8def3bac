"""``treewright kb update``: records added and removed, another index."""

import argparse
import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from treewright.cli.kb_building import check_sources, waiting_line
from treewright.cli.kb_progress import StageLines
from treewright.cli.kb_showing import size
from treewright.cli.summary import count, duration
from treewright.configuration import load_component
from treewright_knowledge import INDEXES, IndexSettings, Manifest, amend, changing, read_manifest, staged
from treewright_registry import JSON, ConfigurationError, KnowledgeBuild, Registry


def update(options: argparse.Namespace, registry: Registry, progress: TextIO) -> str:
    """Change the knowledge base as the command line says; returns the closing table.

    Records are added by the component that built it, with the options that it was built with. The folder is locked
    from reading it to the end, so that changes at the same time come one after the other.

    Raises:
        ConfigurationError: nothing is to be done, an index is unknown, or the component cannot add.
        DataError: the knowledge base, a source or an id cannot be used; the old one stands.
    """
    read_manifest(options.folder)  # refuses what is no knowledge base before anything is written beside it
    with changing(options.folder, waiting_line(options.folder, progress)):
        return _updated(options, registry, progress)


def _updated(options: argparse.Namespace, registry: Registry, progress: TextIO) -> str:
    before = read_manifest(options.folder)
    settings = _settings(options, before)
    if not options.source and not options.remove and settings is None:
        raise ConfigurationError("nothing to do\n    give --source FILE, --remove ID or --index KIND")
    check_sources(options.source)
    adding = _adding(options.source, before, registry)
    began = time.monotonic()
    lines = StageLines(progress)
    with ExitStack() as stack:
        amends = bool(options.remove) or settings is not None
        both = amends and adding is not None  # two steps, of which none is seen unless both succeed
        folder = stack.enter_context(staged(options.folder)) if both else options.folder
        if amends:
            tell = partial(lines, "copy")
            kept = _options(before, settings)
            amend(folder, remove=frozenset(options.remove), index=settings, options=kept, progress=tell).close()
        _check_some_left(folder, adding)
        figures = adding.extend(_order(options, folder, before, lines)) if adding is not None else {}
    return _table(options.folder, before, figures, time.monotonic() - began)


def _check_some_left(folder: Path, adding: Any) -> None:
    """Refuse to add to what ``--remove`` has emptied: without vectors a store has no index to go on with."""
    if adding is not None and not read_manifest(folder).count:
        repair = "build the knowledge base anew: treewright kb build --replace"
        raise ConfigurationError(f"--source: there is no record left to add to\n    {repair}")


def _settings(options: argparse.Namespace, before: Manifest) -> IndexSettings | None:
    if options.index is None and not options.breadth:
        return None
    kind = options.index or before.index.kind
    if kind not in INDEXES:
        raise ConfigurationError(f"--index: '{kind}' is unknown; known: {', '.join(INDEXES)}")
    same = before.index if kind == before.index.kind else IndexSettings(kind)
    try:
        return replace(same, breadth=options.breadth or same.breadth)
    except ValueError as error:
        raise ConfigurationError(f"--breadth: {error}") from error


def _options(before: Manifest, settings: IndexSettings | None) -> Mapping[str, JSON]:
    """The component's options, with those that name the index as it is now; its breadth is the store's own again."""
    now = {} if settings is None else {"index": settings.kind, "breadth": 0}
    return {name: now.get(name, value) for name, value in before.description.options.items()}


def _adding(sources: list[Path], before: Manifest, registry: Registry) -> Any:
    """The component that reads the sources; ``None`` if there are none."""
    if not sources:
        return None
    about = before.description
    if not about.component:
        raise ConfigurationError("--source: the manifest names no component that could read it")
    kept = [f"{name}={json.dumps(value)}" for name, value in about.options.items()]
    component = load_component("knowledge_base", about.component, registry, overrides=kept).build()
    if not callable(getattr(component, "extend", None)):
        repair = "build the knowledge base anew from all sources: treewright kb build --replace"
        raise ConfigurationError(f"--source: {about.component} cannot add to a knowledge base\n    {repair}")
    return component


def _order(options: argparse.Namespace, folder: Path, before: Manifest, lines: StageLines) -> KnowledgeBuild:
    about = before.description
    return KnowledgeBuild(
        sources=tuple(options.source),
        out=folder,
        component=about.component,
        options=about.options,
        created=about.created,
        progress=lines,
    )


def _table(folder: Path, before: Manifest, figures: Mapping[str, Any], seconds: float) -> str:
    after = read_manifest(folder)
    rows = {
        "records": f"{count(after.count)} (before: {count(before.count)})",
        **{name: str(value) for name, value in figures.items()},
        "index": after.index.kind,
        "size": size(after.size),
        "time": duration(seconds),
    }
    width = max(len(name) for name in rows)
    head = f"{folder}: nothing is changed" if after == before else f"{folder} is changed"
    return "\n".join([head, *(f"  {key:{width}}  {rows[key]}" for key in rows)])
