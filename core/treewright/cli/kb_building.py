"""``treewright kb build``: from files to a store, with figures."""

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from treewright.cli.kb_progress import StageLines
from treewright.cli.kb_showing import size
from treewright.cli.summary import count, duration
from treewright.configuration import load_component
from treewright.configuration.signature import as_plain, options_of
from treewright_knowledge import Manifest, changing, check_target, is_store, read_manifest
from treewright_registry import ConfigurationError, ContractError, KnowledgeBuild, Registry

if TYPE_CHECKING:
    from treewright.pipeline import ComponentSpec


def build(options: argparse.Namespace, registry: Registry, progress: TextIO) -> str:
    """Build the knowledge base that the command line asks for; returns the closing table.

    Raises:
        ConfigurationError: unknown component or option, missing source, or a place that is taken.
        DataError: the component cannot read a source, or the place holds other files.
    """
    spec = load_component("knowledge_base", options.name, registry, overrides=options.set)
    check_sources(options.source)
    _check_place(options.out, options.replace)
    with changing(options.out, waiting_line(options.out, progress)):
        _check_place(options.out, options.replace)  # what was waited for may stand there now
        return _built_from(options, spec, progress)


def waiting_line(folder: Path, progress: TextIO) -> Callable[[], None]:
    """Says why nothing happens while another process changes the folder."""
    return lambda: print(f"{folder}: waiting, as another process is changing it", file=progress, flush=True)


def _built_from(options: argparse.Namespace, spec: "ComponentSpec", progress: TextIO) -> str:
    order = KnowledgeBuild(
        sources=tuple(options.source),
        out=options.out,
        component=spec.name,
        options=_plain_options(spec),
        created=options.date or time.strftime("%Y-%m-%d"),
        progress=StageLines(progress),
    )
    began = time.monotonic()
    figures: Mapping[str, Any] = spec.build().build(order)
    seconds = time.monotonic() - began
    return _table(order, _built(order), figures, seconds)


def check_sources(sources: list[Path]) -> None:
    """Refuse sources that are not there."""
    missing = [str(path) for path in sources if not path.is_file()]
    if missing:
        raise ConfigurationError("\n".join(f"--source {path}: there is no such file" for path in missing))


def _check_place(out: Path, replace: bool) -> None:
    check_target(out)
    if is_store(out) and not replace:
        repair = "add --replace to build it anew, or choose another folder"
        raise ConfigurationError(f"--out: {out} is a knowledge base already\n    {repair}")


def _plain_options(spec: "ComponentSpec") -> dict[str, Any]:
    known = options_of(spec.descriptor.load())
    return {name: as_plain(known[name], value) for name, value in spec.options.items()}


def _built(order: KnowledgeBuild) -> Manifest:
    """The new store's manifest; a component that wrote another one breaks its contract."""
    if not is_store(order.out):
        raise ContractError(f"{order.component} built no knowledge base in {order.out}")
    manifest = read_manifest(order.out)
    if manifest.description.component != order.component:
        named = manifest.description.component or "nothing"
        what = f"names '{named}' as its component, not '{order.component}'"
        raise ContractError(f"the manifest in {order.out} {what}; take it from the build order")
    return manifest


def _table(order: KnowledgeBuild, manifest: Manifest, figures: Mapping[str, Any], seconds: float) -> str:
    rows = {
        "records": count(manifest.count),
        **{name: f"{value:.4g}" if isinstance(value, float) else str(value) for name, value in figures.items()},
        "size": size(manifest.size),
        "time": duration(seconds),
        "folder": str(order.out),
    }
    width = max(len(name) for name in rows)
    return "\n".join([f"{order.component} is built", *(f"  {key:{width}}  {rows[key]}" for key in rows)])
