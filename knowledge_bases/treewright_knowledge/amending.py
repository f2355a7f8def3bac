"""Changing a store: records removed, records added, another index; the old one stands until the new one is complete."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from treewright_knowledge.builder import StoreBuilder
from treewright_knowledge.description import Description, Source
from treewright_knowledge.index_settings import IndexSettings
from treewright_knowledge.locking import changing
from treewright_knowledge.manifest import Manifest
from treewright_knowledge.records import Record
from treewright_knowledge.store import KnowledgeStore
from treewright_knowledge.vector_search import Grown
from treewright_registry import JSON, DataError

_SHOWN = 5  # ids that a message lists
_ALL_OF = "/*"


def amend(
    folder: Path,
    *,
    add: Iterable[Record] = (),
    encode: Callable[[Sequence[Record]], Any] | None = None,
    remove: Collection[str] = (),
    index: IndexSettings | None = None,
    sources: Sequence[Source] = (),
    options: Mapping[str, JSON] | None = None,
    chunk: int = 4096,
    progress: Callable[[int], None] | None = None,
) -> KnowledgeStore:
    """Replace the store in ``folder`` by one with records removed, then records added at its end; opens it.

    Exact search finds in it what it would find in a store built from these records at once. Records and vectors are
    copied as a stream; an inverted file keeps its lists until the store has doubled or halved; a graph is carried on
    if nothing is removed, and built anew otherwise. Where there is nothing to change nothing is written.

    The folder is locked all the while: a change by another process or thread waits, and loses nothing.

    Args:
        folder: of the store. It is compared with its checksums first.
        add: records of the same kind; their ids must be new, or among those removed.
        encode: their vectors, of the store's encoder; ``None`` for a store without vectors.
        remove: ids of records to leave out; ``ID/*`` for all whose ids begin with ``ID/``, e.g. the steps of a
            problem.
        index: another search structure; ``None`` keeps the store's.
        sources: what the added records were made from; the manifest lists them after the earlier ones, if there
            were any to add.
        options: of the component, instead of those that the manifest keeps for it; ``None`` leaves them.
        chunk: how many records are held in memory at once.
        progress: told after each chunk how many records are stored.

    Raises:
        DataError: the store cannot be used, has further files that belong to its records, an id to remove is not
            there, or an added record cannot be stored.
    """
    with changing(folder), KnowledgeStore.open(folder) as old:
        _check_plain(folder, old.info())
        removed = _positions(old, remove)
        stream = iter(add)
        first = list(islice(stream, chunk))
        if first or removed or _is_other(index, old) or (options is not None and options != _options(old)):
            description = _described(old.info().description, sources if first else (), options)
            with StoreBuilder(folder, description, index or old.info().index) as builder:
                builder.grown = _grown(old, removed)
                for _ in _copied(old, removed, builder, chunk):
                    _tell(progress, builder)
                while first:
                    builder.add(first, encode(first) if encode is not None else None)
                    _tell(progress, builder)
                    first = list(islice(stream, chunk))
    return KnowledgeStore.open(folder, verify=False)


def _is_other(index: IndexSettings | None, old: KnowledgeStore) -> bool:
    return index is not None and index.resolved(len(old)).fields != old.info().index.fields


def _options(old: KnowledgeStore) -> Mapping[str, JSON]:
    return old.info().description.options


def _described(before: Description, sources: Sequence[Source], options: Mapping[str, JSON] | None) -> Description:
    new = tuple(source for source in sources if source not in before.sources)
    return replace(before, sources=(*before.sources, *new), options=before.options if options is None else options)


def _tell(progress: Callable[[int], None] | None, builder: StoreBuilder) -> None:
    if progress is not None:
        progress(builder.count)


def _check_plain(folder: Path, manifest: Manifest) -> None:
    if manifest.further_files:
        names = ", ".join(manifest.further_files)
        what = f"has files that belong to exactly these records ({names})"
        raise DataError(f"{folder}: {what}\n    build the knowledge base anew: treewright kb build --replace")


def _positions(old: KnowledgeStore, remove: Collection[str]) -> frozenset[int]:
    """Where the records stand that are to go; a record of exactly that id goes before a meaning of ``/*``."""
    found = {name: old.position(name) for name in remove}
    groups: dict[str, list[int]] = {
        name[:-1]: [] for name, position in found.items() if position is None and name.endswith(_ALL_OF)
    }
    for position, record in enumerate(old) if groups else ():
        for end, letter in enumerate(record.id, 1):
            if letter == "/" and record.id[:end] in groups:
                groups[record.id[:end]].append(position)
    _check_there(old, [name for name, where in found.items() if where is None and not groups.get(name[:-1])])
    single = (position for position in found.values() if position is not None)
    return frozenset(chain(single, *groups.values()))


def _check_there(old: KnowledgeStore, missing: list[str]) -> None:
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        names = ", ".join(f"'{identifier}'" for identifier in missing[:_SHOWN])
        raise DataError(f"{old.folder}: there is no record {names}{more}; nothing was removed")


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
