"""``treewright kb update``: records added and removed, another index."""

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from treewright.cli.kb_building import check_sources
from treewright.cli.kb_progress import StageLines
from treewright.cli.kb_showing import size
from treewright.cli.summary import count, duration
from treewright.configuration import load_component
from treewright_knowledge import INDEXES, IndexSettings, Manifest, amend, read_manifest
from treewright_registry import ConfigurationError, KnowledgeBuild, Registry


def update(options: argparse.Namespace, registry: Registry, progress: TextIO) -> str:
    """Change the knowledge base as the command line says; returns the closing table.

    Records are added by the component that built it, with the options that it was built with.

    Raises:
        ConfigurationError: nothing is to be done, an index is unknown, or the component cannot add.
        DataError: the knowledge base, a source or an id cannot be used; the old one stands.
    """
    before = read_manifest(options.folder)
    settings = _settings(options, before)
    if not options.source and not options.remove and settings is None:
        raise ConfigurationError("nothing to do\n    give --source FILE, --remove ID or --index KIND")
    check_sources(options.source)
    adding = _adding(options.source, before, registry)
    began = time.monotonic()
    lines = StageLines(progress)
    if options.remove or settings is not None:
        removed = frozenset(options.remove)
        amend(options.folder, remove=removed, index=settings, progress=lambda done: lines("copy", done)).close()
    figures = adding.extend(_order(options, before, lines)) if adding is not None else {}
    return _table(options.folder, before, figures, time.monotonic() - began)


def _settings(options: argparse.Namespace, before: Manifest) -> IndexSettings | None:
    if options.index is None and not options.breadth:
        return None
    kind = options.index or before.index.kind
    if kind not in INDEXES:
        raise ConfigurationError(f"--index: '{kind}' is unknown; known: {', '.join(INDEXES)}")
    try:
        return IndexSettings(kind, breadth=options.breadth)
    except ValueError as error:
        raise ConfigurationError(f"--breadth: {error}") from error


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


def _order(options: argparse.Namespace, before: Manifest, lines: StageLines) -> KnowledgeBuild:
    about = before.description
    return KnowledgeBuild(
        sources=tuple(options.source),
        out=options.folder,
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
    return "\n".join([f"{folder} is changed", *(f"  {key:{width}}  {rows[key]}" for key in rows)])
