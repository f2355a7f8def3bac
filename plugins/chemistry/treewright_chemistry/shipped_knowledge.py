"""The shipped substructures as a knowledge base: built from the table of the package when first asked for.

It lies in the user's cache (``$XDG_CACHE_HOME/treewright``, else ``~/.cache/treewright``) under a name that tells table
and encoder: another version of the package makes another one.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np

from treewright_chemistry.capped_pieces import assert_no_reserved_piece
from treewright_chemistry.held_out import reserved_blocks
from treewright_chemistry.reserved_molecules import closed_book_sign
from treewright_chemistry.shared_encoder import shipped_vectors
from treewright_chemistry.substructure_file import SHIPPED, shipped_substructures
from treewright_chemistry.substructure_knowledge import ACCOUNT, CLOSED_BOOK, shipped_encoder
from treewright_chemistry.substructure_records import NEEDS, needs_of, record_of
from treewright_knowledge import FORMAT_VERSION, Description, Source, StoreBuilder, cached_store

COMPONENT: Final = "chemistry/substructures"
_LICENCE: Final = (
    "derived from nmrshiftdb2 (nmrshiftdb2 Database License: share-alike) and SMILES lists of selfies (Apache-2.0), "
    "rdkit (BSD-3-Clause) and deepchem (MIT)"
)


def shipped_store() -> Path:
    """The folder of the store, built if it is not there yet (some 10 s).

    Raises:
        DataError: the cache cannot be written.
        TableError: a file of the package is damaged; names it.
        LeakError: a molecule kept for evaluation would have got in.
    """
    table = Path(str(resources.files(__package__).joinpath(SHIPPED)))
    checksum = hashlib.sha256(table.read_bytes()).hexdigest()
    sign = hashlib.sha256(f"{FORMAT_VERSION} {checksum} {shipped_encoder().version}".encode("ascii")).hexdigest()
    source = Source(table.name, checksum, _LICENCE)
    return cached_store(f"chemistry-substructures-{sign[:16]}", partial(_build, source))


def _build(source: Source, place: Path) -> None:
    substructures = shipped_substructures()
    assert_no_reserved_piece((each.smiles for each in substructures), reserved_blocks(), field=SHIPPED)
    description = Description(component=COMPONENT, encoder=shipped_encoder(), sources=(source,), licence=_LICENCE)
    seen = "times in molecules of nmrshiftdb2 and SMILES lists"
    with StoreBuilder(place, description) as builder:
        records = [record_of(each, f"{each.count} {seen}") for each in substructures]
        builder.add(records, shipped_vectors())
        with builder.extra(NEEDS).open("wb") as file:
            np.save(file, needs_of(substructures), allow_pickle=False)
        account = {"sources": [source.name], CLOSED_BOOK: closed_book_sign()}
        builder.extra(ACCOUNT).write_text(json.dumps(account, indent=2) + "\n", encoding="utf-8")
