"""Changing a store: records removed, records added, another index; the old one stands until the new one is complete."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from treewright_knowledge.builder import StoreBuilder
from treewright_knowledge.description import Source
from treewright_knowledge.index_settings import IndexSettings
from treewright_knowledge.manifest import Manifest
from treewright_knowledge.records import Record
from treewright_knowledge.store import KnowledgeStore
from treewright_knowledge.vector_search import Grown
from treewright_registry import DataError

_SHOWN = 5  # ids that a message lists


def amend(
    folder: Path,
    *,
    add: Iterable[Record] = (),
    encode: Callable[[Sequence[Record]], Any] | None = None,
    remove: Collection[str] = (),
    index: IndexSettings | None = None,
    sources: Sequence[Source] = (),
    chunk: int = 4096,
    progress: Callable[[int], None] | None = None,
) -> KnowledgeStore:
    """Replace the store in ``folder`` by one with records removed, then records added at its end; opens it.

    Exact search finds in it what it would find in a store built from these records at once. Records and vectors are
    copied as a stream; an inverted file keeps its lists until the store has doubled or halved; a graph is carried on
    if nothing is removed, and built anew otherwise.

    Args:
        folder: of the store. It is compared with its checksums first.
        add: records of the same kind; their ids must be new, or among those removed.
        encode: their vectors, of the store's encoder; ``None`` for a store without vectors.
        remove: ids of records to leave out.
        index: another search structure; ``None`` keeps the store's.
        sources: what the added records were made from; the manifest lists them after the earlier ones.
        chunk: how many records are held in memory at once.
        progress: told after each chunk how many records are stored.

    Raises:
        DataError: the store cannot be used, has further files that belong to its records, an id to remove is not
            there, or an added record cannot be stored.
    """
    with KnowledgeStore.open(folder) as old:
        manifest = old.info()
        _check_plain(folder, manifest)
        removed = _positions(old, remove)
        known = manifest.description.sources
        description = replace(manifest.description, sources=(*known, *(s for s in sources if s not in known)))
        with StoreBuilder(folder, description, index or manifest.index) as builder:
            builder.grown = _grown(old, removed)
            for _ in _copied(old, removed, builder, chunk):
                _tell(progress, builder)
            stream = iter(add)
            while held := list(islice(stream, chunk)):
                builder.add(held, encode(held) if encode is not None else None)
                _tell(progress, builder)
    return KnowledgeStore.open(folder, verify=False)


def _tell(progress: Callable[[int], None] | None, builder: StoreBuilder) -> None:
    if progress is not None:
        progress(builder.count)


def _check_plain(folder: Path, manifest: Manifest) -> None:
    if manifest.further_files:
        names = ", ".join(manifest.further_files)
        what = f"has files that belong to exactly these records ({names})"
        raise DataError(f"{folder}: {what}\n    build the knowledge base anew: treewright kb build --replace")


def _positions(old: KnowledgeStore, remove: Collection[str]) -> frozenset[int]:
    wanted = dict.fromkeys(remove)
    positions = {identifier: old.position(identifier) for identifier in wanted}
    missing = [identifier for identifier, position in positions.items() if position is None]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        names = ", ".join(f"'{identifier}'" for identifier in missing[:_SHOWN])
        raise DataError(f"{old.folder}: there is no record {names}{more}; nothing was removed")
    return frozenset(position for position in positions.values() if position is not None)


def _grown(old: KnowledgeStore, removed: frozenset[int]) -> Grown | None:
    manifest = old.info()
    if manifest.index.kind == "exact" or not manifest.dimension or not manifest.count:
        return None
    return Grown(old.folder, manifest.index, 0 if removed else manifest.count, manifest.count)


def _copied(old: KnowledgeStore, removed: frozenset[int], builder: StoreBuilder, chunk: int) -> Iterator[None]:
    for start in range(0, len(old), chunk):
        kept = [position for position in range(start, min(start + chunk, len(old))) if position not in removed]
        rows = old.vectors[kept] if old.vectors is not None else None
        builder.add_stored([old.at(position) for position in kept], rows)
        yield
