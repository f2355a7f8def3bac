"""Building a knowledge base of substructures from lists of SMILES: read, count, describe, encode, store.

Further files of the store: ``needs.npy`` (what a formula must hold), the molecules' libraries
(``molecule_library``), ``refused.tsv`` (lines that could not be used, at most ``MOST_LISTED``) and
``build.json`` (how many molecules were read, left out, refused).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.capped_pieces import allowed_pieces, assert_no_reserved_piece
from treewright_chemistry.held_out import assert_absent
from treewright_chemistry.molecule_library import MoleculeSpool, write_library
from treewright_chemistry.reserved_molecules import closed_book_sign
from treewright_chemistry.smiles_lists import line_count, read_smiles_lists
from treewright_chemistry.substructure_harvest import Harvest, HarvestSettings, Refused, harvests
from treewright_chemistry.substructure_knowledge import ACCOUNT, CLOSED_BOOK, shipped_encoder
from treewright_chemistry.substructure_records import NEEDS, needs_of, record_of
from treewright_chemistry.substructures import Substructure, SubstructureCounter
from treewright_knowledge import Description, StoreBuilder, source_of
from treewright_registry import DataError, KnowledgeBuild

__all__ = ["build_knowledge"]

MOST_LISTED: Final = 10_000
"""Refused lines that are listed; all are counted."""
_ENCODED: Final = 1024
_SHOWN: Final = 3


@dataclass(slots=True)
class _Read:
    """What has been read so far."""

    counter: SubstructureCounter
    lines: int = 0
    dropped: int = 0
    refused: int = 0
    listed: list[Refused] = field(default_factory=list)

    def add(self, harvest: Harvest) -> None:
        self.counter.merge(harvest.counter)
        self.lines += harvest.lines
        self.dropped += harvest.dropped
        self.refused += len(harvest.refused)
        self.listed += harvest.refused[: MOST_LISTED - len(self.listed)]


def build_knowledge(
    order: KnowledgeBuild,
    settings: HarvestSettings,
    *,
    least: int,
    most: int,
    vectors: bool,
    workers: int,
    licence: str = "",
) -> dict[str, Any]:
    """Build the store of an order; returns figures for the terminal.

    Args:
        order: sources, place and what the manifest says.
        settings: what to harvest.
        least: how often a substructure must occur.
        most: how many are kept.
        vectors: whether to encode them.
        workers: processes that read.
        licence: of the sources, for the manifest.

    Raises:
        DataError: a source cannot be read, no line of it is a molecule, or no substructure is common enough.
        LeakError: a reserved molecule would have got in.
    """
    if vectors:
        _load_encoder()
    with MoleculeSpool(order.out) as spool:
        read = _read(order, settings, workers, spool)
        kept = _kept(read, settings, least, most)
        _check_found(order, read, kept, least)
        description = Description(
            component=order.component,
            options=order.options,
            encoder=shipped_encoder() if vectors else None,
            sources=tuple(source_of(path, licence=licence) for path in order.sources),
            licence=licence,
            created=order.created,
        )
        with StoreBuilder(order.out, description) as builder:
            _store(order, builder, read, kept, vectors)
            searched = _store_molecules(order, builder, spool) if settings.molecules else 0
            figures = _figures(read, searched)
            _store_account(builder, read, figures, settings)
    return {**figures, **_first_refused(read.listed, settings.names)}


def _read(order: KnowledgeBuild, settings: HarvestSettings, workers: int, spool: MoleculeSpool) -> _Read:
    read = _Read(SubstructureCounter(capacity=settings.capacity))
    most = line_count(order.sources)
    for harvest in harvests(read_smiles_lists(order.sources), settings, workers):
        if settings.reserved is not None:
            assert_absent(harvest.blocks, settings.reserved, field="molecules of the knowledge base")
        spool.add(harvest.molecules)
        read.add(harvest)
        order.progress("read", read.lines, most)
    if read.lines != most:  # empty lines, remarks, names of columns
        order.progress("read", read.lines, read.lines)
    return read


def _kept(read: _Read, settings: HarvestSettings, least: int, most: int) -> list[Substructure]:
    """The most common substructures, without those that are reserved molecules when capped."""
    if settings.reserved is None:
        return read.counter.most_common(most, least)
    kept = read.counter.most_common(most, least, allowed=allowed_pieces(settings.reserved))
    smiles = (each.smiles for each in kept)
    assert_no_reserved_piece(smiles, settings.reserved, field="substructures of the knowledge base")
    return kept


def _check_found(order: KnowledgeBuild, read: _Read, kept: Sequence[Substructure], least: int) -> None:
    names = ", ".join(map(str, order.sources))
    if read.lines == read.refused:
        first = read.listed[0] if read.listed else None
        why = f"; line {first.line}, {first.text!r}: {first.reason}" if first else ""
        what = f"none of {read.lines} lines is a molecule that can be used{why}"
        raise DataError(f"{names}: {what}\n    give a list of SMILES, one a line, or a table with a column 'smiles'")
    if not kept:
        what = f"no substructure occurs {least} times in {read.counter.molecules} molecules"
        raise DataError(f"{names}: {what}\n    lower the threshold: --set least=1")


def _store(
    order: KnowledgeBuild, builder: StoreBuilder, read: _Read, kept: Sequence[Substructure], vectors: bool
) -> None:
    for start in range(0, len(kept), _ENCODED):
        chunk = kept[start : start + _ENCODED]
        records = [record_of(each, _provenance(each, read)) for each in chunk]
        builder.add(records, _encoded(chunk) if vectors else None)
        order.progress("encode" if vectors else "store", builder.count, len(kept))
    with builder.extra(NEEDS).open("wb") as file:
        np.save(file, needs_of(kept), allow_pickle=False)


def _load_encoder() -> None:
    """An encoder that is missing or damaged is noticed before the list is read, which may take long."""
    from treewright_chemistry.shared_encoder import shared_encoder

    shared_encoder()


def _encoded(chunk: Sequence[Substructure]) -> npt.NDArray[np.float32]:
    from treewright_chemistry.shared_encoder import shared_encoder
    from treewright_chemistry.torch_threads import one_torch_thread

    with one_torch_thread():  # the same bytes on every machine with the same arithmetic
        return shared_encoder().substructure_vectors(chunk)


def _provenance(substructure: Substructure, read: _Read) -> str:
    seen = f"{substructure.count} times in {read.counter.molecules} molecules"
    return f"{seen}, first in {read.counter.place_of(substructure.smiles)}"


def _store_molecules(order: KnowledgeBuild, builder: StoreBuilder, spool: MoleculeSpool) -> int:
    return write_library(spool.sorted(), builder, lambda done: order.progress("molecules", done))


def _figures(read: _Read, searched: int) -> dict[str, Any]:
    figures = {
        "lines read": read.lines,
        "molecules cut": read.counter.molecules,
        "not cut": read.counter.skipped,
        "left out": read.dropped,
        "refused": read.refused,
        "searchable": searched,
    }
    return figures | ({"undercount": read.counter.undercount} if read.counter.undercount else {})


def _store_account(builder: StoreBuilder, read: _Read, figures: dict[str, Any], settings: HarvestSettings) -> None:
    lines = (f"{settings.names[each.source]}\t{each.line}\t{_plain(each.text)}\t{each.reason}" for each in read.listed)
    head = "file\tline\ttext\treason"
    builder.extra("refused.tsv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    account = {**figures, "sources": list(settings.names)}
    if settings.reserved is not None:
        account[CLOSED_BOOK] = closed_book_sign()
    builder.extra(ACCOUNT).write_text(json.dumps(account, indent=2) + "\n", encoding="utf-8")


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _first_refused(listed: Sequence[Refused], names: Sequence[str]) -> dict[str, str]:
    """The first few for the terminal; the rest is in ``refused.tsv``."""
    shown = [f"{names[each.source]}:{each.line}: {each.reason}" for each in listed[:_SHOWN]]
    more = len(listed) - len(shown)
    return {"for example": "; ".join(shown) + (" …, see refused.tsv" if more else "")} if shown else {}
