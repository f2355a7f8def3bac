"""How the records of a knowledge base hold substructures, and what a formula must hold for each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import numpy.typing as npt

from treewright_chemistry.formula import VALENCE
from treewright_chemistry.fragments import Fragment
from treewright_chemistry.substructure_text import describe
from treewright_chemistry.substructures import Kind, Substructure, Window
from treewright_knowledge import KnowledgeStore, Record
from treewright_registry import JSON, DataError

__all__ = [
    "ELEMENTS", "NEEDS", "Needs", "load_substructures", "load_vectors", "needs_of", "read_needs", "record_of",
    "substructure_of",
]  # fmt: skip

NEEDS: Final = "needs.npy"
"""For each record what a formula must hold: heavy atoms by element, degrees of unsaturation, all heavy atoms."""
ELEMENTS: Final = tuple(element for element in VALENCE if element != "H")
"""Columns of the needed heavy atoms."""
_NUMBERS: Final = dict(
    B=5, C=6, N=7, O=8, F=9, Si=14, P=15, S=16, Cl=17, Se=34, Br=35, I=53
)  # fmt: skip

Needs = npt.NDArray[np.int16]


def load_substructures(folder: Path, verify: bool = True) -> tuple[Substructure, ...]:
    """All substructures of a knowledge base, most common first.

    Raises:
        DataError: naming the file that is missing, truncated, corrupted or of another kind.
    """
    with KnowledgeStore.open(folder, verify=verify) as store:
        return tuple(substructure_of(record, folder) for record in store)


def load_vectors(folder: Path, verify: bool = True) -> npt.NDArray[np.float32] | None:
    """The unit vectors in the order of ``load_substructures``, shape (substructures, width), memory-mapped.

    ``None`` if the knowledge base was built without.

    Raises:
        DataError: as ``load_substructures``.
    """
    with KnowledgeStore.open(folder, verify=verify) as store:
        return store.vectors


def record_of(substructure: Substructure, provenance: str) -> Record:
    """The record of a substructure; its id is the SMILES."""
    content: dict[str, JSON] = {
        "text": describe(substructure),
        "count": substructure.count,
        "formula": substructure.formula,
        "unsaturation": substructure.unsaturation,
        "heavy_atoms": substructure.heavy_atoms,
        "kind": substructure.kind,
        "attachments": list(substructure.attachments),
        "windows": [list(window) for window in map(_window_fields, substructure.windows)],
    }
    return Record(substructure.smiles, content, provenance)


def substructure_of(record: Record, folder: Path) -> Substructure:
    """The substructure of a record; ``DataError`` if it is none."""
    content: Any = record.content
    try:
        if content["kind"] not in get_args(Kind):
            raise ValueError("it has no kind of substructure")
        return Substructure(
            record.id, int(content["count"]), str(content["formula"]), int(content["unsaturation"]),
            int(content["heavy_atoms"]), content["kind"], tuple(map(int, content["attachments"])),
            tuple(Window(int(atom), float(mean), float(spread)) for atom, mean, spread in content["windows"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        what = f"record '{record.id}' is no substructure ({error})"
        raise DataError(f"{folder}: {what}\n    build the knowledge base with chemistry/substructures") from error


def needs_of(substructures: Sequence[Substructure]) -> Needs:
    """What the formula must hold for each substructure, one row each as ``NEEDS`` tells."""
    rows = np.zeros((len(substructures), len(ELEMENTS) + 2), dtype=np.int16)
    for row, each in zip(rows, substructures, strict=True):
        fragment = Fragment.from_substructure(each)
        atoms = Counter(fragment.elements)
        row[:] = [*(atoms[_NUMBERS[element]] for element in ELEMENTS), fragment.unsaturation, len(fragment.elements)]
    return rows


def read_needs(store: KnowledgeStore) -> Needs:
    """The rows of ``needs_of`` in an opened knowledge base; ``DataError`` where they are damaged."""
    path = store.extra(NEEDS)
    try:
        needs: Needs = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable .npy file: {error}") from error
    if needs.shape != (len(store), len(ELEMENTS) + 2):
        raise DataError(f"{path}: holds {needs.shape}, not one row for each of {len(store)} records")
    return needs


def _window_fields(window: Window) -> tuple[int, float, float]:
    return window.atom, window.mean, window.spread
