"""Which substructures of a knowledge base a spectrum brings up.

A substructure comes into question if the formula holds its heavy atoms and its degrees of unsaturation. Those are
ranked by the cosine of their vectors and the spectrum's; a knowledge base without vectors ranks by the distance of
the observed 13C lines from the windows where the carbons are expected:

    similarity = exp(−mean distance / 3 ppm)
"""

from __future__ import annotations

import json
import os
from importlib import resources
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from treewright_chemistry.formula import Formula
from treewright_chemistry.fragments import TOLERANCE, Fragment, mismatch
from treewright_chemistry.observations import observe
from treewright_chemistry.reserved_molecules import closed_book_sign
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.substructure_records import ELEMENTS, read_needs, substructure_of
from treewright_chemistry.substructure_text import describe
from treewright_chemistry.substructures import Substructure
from treewright_knowledge import Encoder, KnowledgeStore
from treewright_registry import DataError, Hit

if TYPE_CHECKING:
    from treewright_chemistry.encoder import DualEncoder

__all__ = ["ACCOUNT", "CLOSED_BOOK", "SubstructureKnowledge", "is_closed_book", "open_substructures", "shipped_encoder"]

ACCOUNT: Final = "build.json"
CLOSED_BOOK: Final = "closed book"
"""The field of the account that holds ``closed_book_sign`` where the reserved molecules were left out."""
_BLOCK: Final = 4096  # rows compared at once, which bounds the memory


class Ranked(NamedTuple):
    """A substructure brought up by a spectrum, with its similarity and provenance."""

    substructure: Substructure
    similarity: float
    provenance: str


def open_substructures(
    folder: str, encoder: DualEncoder | None = None, *, open_book: bool = False
) -> SubstructureKnowledge:
    """The substructures of a knowledge base, for a component that is given its folder; variables are expanded.

    Args:
        folder: of the knowledge base.
        encoder: made the vectors; ``None`` for the one that comes with the package.
        open_book: use it although it may hold molecules kept for evaluation.

    Raises:
        DataError: as ``load_substructures``; or it is an open book and that was not asked for.
    """
    place = Path(os.path.expandvars(os.path.expanduser(folder)))
    store = KnowledgeStore.open(place)
    if not open_book and not is_closed_book(store):
        store.close()
        what = (
            "it was not built without the molecules kept for evaluation, so a figure found with it counts for nothing"
        )
        raise DataError(f"{place}: {what}\n    build it with --set exclude=true, or say so: open_book: true")
    return SubstructureKnowledge(store, encoder)


def is_closed_book(store: KnowledgeStore) -> bool:
    """Whether the molecules that this package reserves for evaluation were left out when a store was built."""
    if ACCOUNT not in store.manifest.files:
        return False
    account = json.loads(store.extra(ACCOUNT).read_bytes())
    return isinstance(account, dict) and account.get(CLOSED_BOOK) == closed_book_sign()


class SubstructureKnowledge:
    """The substructures of an opened knowledge base, found by spectrum.

    Args:
        store: the opened knowledge base; stays open as long as this is used.
        encoder: made the vectors; loaded when first needed if not given.

    Raises:
        DataError: the store holds no substructures.
    """

    def __init__(self, store: KnowledgeStore, encoder: DualEncoder | None = None) -> None:
        self.store = store
        self._encoder = encoder
        self._needs = read_needs(store)

    def search(self, spectrum: Spectrum, k: int) -> list[Hit]:
        """The ``k`` substructures that go best with a spectrum, best first, as texts."""
        return [
            Hit(found.smiles, describe(found), similarity, provenance)
            for found, similarity, provenance in self.ranked(spectrum, k)
        ]

    def ranked(self, spectrum: Spectrum, k: int) -> list[Ranked]:
        """The same with all that is known of each substructure; equals come in the order of the store."""
        possible = np.flatnonzero(self._possible(spectrum.formula))
        similarities = self._similarities(spectrum, possible)
        best = np.lexsort((possible, -similarities))[:k]
        return [self._at(int(possible[i]), float(similarities[i])) for i in best]

    def _possible(self, formula: Formula) -> npt.NDArray[np.bool_]:
        """Which substructures can be a proper part of a molecule of the formula."""
        most = np.array([*(formula[element] for element in ELEMENTS), formula.unsaturation, formula.heavy_atoms - 1])
        fits: npt.NDArray[np.bool_] = np.all(self._needs <= most, axis=1)
        return fits

    def _similarities(self, spectrum: Spectrum, possible: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        vectors = self.store.vectors
        if vectors is not None:
            return _products(vectors, possible, self._query(spectrum))
        lines = _carbon_lines(spectrum)
        distances = [self._distance(int(position), lines) for position in possible]
        return np.array([exp(-distance / TOLERANCE) for distance in distances], dtype=np.float64)

    def _query(self, spectrum: Spectrum) -> npt.NDArray[np.float32]:
        from treewright_chemistry.torch_threads import one_torch_thread

        if self._encoder is None:
            self._encoder = _fitting_encoder(self.store)
        with one_torch_thread():
            return self._encoder.encode_spectrum(spectrum)

    def _distance(self, position: int, lines: list[float]) -> float:
        substructure = self._at(position, 0.0).substructure
        if not substructure.windows:
            what = "this knowledge base has neither vectors nor windows to compare a spectrum with"
            raise DataError(f"{self.store.folder}: {what}\n    build it with --set vectors=true or windows=true")
        return mismatch(Fragment.from_substructure(substructure), lines)[0]

    def _at(self, position: int, similarity: float) -> Ranked:
        record = self.store.at(position)
        return Ranked(substructure_of(record, self.store.folder), similarity, record.provenance)


def shipped_encoder() -> Encoder:
    """Name and checksum of the encoder that comes with the package, as a manifest tells them."""
    sums = resources.files(__package__).joinpath("data/encoder.safetensors.sha256").read_text(encoding="ascii")
    return Encoder("chemistry/scorer", sums.split()[0])


def _fitting_encoder(store: KnowledgeStore) -> DualEncoder:
    from treewright_chemistry.shared_encoder import shared_encoder

    made_by = store.manifest.description.encoder
    if made_by != shipped_encoder():
        what = "its vectors were made by another encoder than the one installed"
        raise DataError(f"{store.folder}: {what}\n    build the knowledge base anew: treewright kb build")
    return shared_encoder()


def _products(
    vectors: npt.NDArray[np.float32], positions: npt.NDArray[np.int64], query: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Inner products, each row by itself: its last bits must not depend on what else comes into question."""
    products = np.empty(len(positions), dtype=np.float64)
    for start in range(0, len(positions), _BLOCK):
        block = slice(start, start + _BLOCK)
        products[block] = np.einsum("ij,j->i", vectors[positions[block]], query)
    return products


def _carbon_lines(spectrum: Spectrum) -> list[float]:
    carbon = observe(spectrum).carbon
    return sorted(carbon[0].tolist()) if len(carbon) else []
