"""Retrieval of substructures by the encoder: K-MSE's retriever (arXiv 2506.23056, section on the scorer).

similarity = cos(spectrum, substructure),   only substructures whose atoms and unsaturation the formula holds
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from treewright_registry import Hit, RetrieveRequest

if TYPE_CHECKING:
    from treewright_chemistry.substructure_knowledge import SubstructureKnowledge


class EncoderRetriever:
    """Finds substructures that an unknown may contain, by cosine: shipped ones, or those of a knowledge base.

    The vectors of all substructures are computed once in a process, at the first request (some 6 s).

    Args:
        encoder: folder of the encoder; empty for the shipped one.
        knowledge: folder of a knowledge base of one's own (``treewright kb build chemistry/substructures``), made
            with the same encoder; empty for the shipped substructures.
        open_book: use a knowledge base that was built with ``exclude: false`` and so may hold the molecules of the
            benchmarks; without, such a one is refused. It stands in the run's configuration for all to see.

    Raises:
        TableError: the encoder is missing, damaged or does not fit; names the file.
        DataError: the knowledge base cannot be used, or is an open book; names file or folder.
    """

    def __init__(self, *, encoder: str = "", knowledge: str = "", open_book: bool = False) -> None:
        from treewright_chemistry.encoded_spectra import EncodedSpectra
        from treewright_chemistry.encoder_queries import element_counts_of
        from treewright_chemistry.substructure_file import shipped_substructures

        self._folder = encoder
        self._knowledge = _opened(knowledge, encoder, open_book) if knowledge else None
        self._spectra = EncodedSpectra(encoder)
        self._substructures = shipped_substructures()
        self._elements = [element_counts_of(each) for each in self._substructures]

    def retrieve(self, requests: Sequence[RetrieveRequest]) -> list[list[Hit]]:
        """For each spectrum (as a payload) the ``k`` nearest substructures that the formula allows."""
        return [self._hits(request) for request in requests]

    def _hits(self, request: RetrieveRequest) -> list[Hit]:
        from treewright_chemistry.encoder_queries import fits
        from treewright_chemistry.shared_encoder import shipped_vectors
        from treewright_chemistry.substructure_text import describe

        spectrum, vector = self._spectra.of(request.query)
        if self._knowledge is not None:
            return self._knowledge.search(spectrum, request.k)
        allowed = [
            number
            for number, (elements, each) in enumerate(zip(self._elements, self._substructures, strict=True))
            if fits(elements, each, spectrum.formula)
        ]
        cosines = (shipped_vectors(self._folder)[allowed] @ vector).tolist()
        nearest = sorted(zip(cosines, allowed, strict=True), key=lambda pair: (-pair[0], pair[1]))[: request.k]
        return [
            Hit(
                id=self._substructures[number].smiles,
                content=describe(self._substructures[number]),
                similarity=cosine,
                provenance="substructures of nmrshiftdb2 and pool molecules (treewright-chemistry)",
            )
            for cosine, number in nearest
        ]


def _opened(knowledge: str, encoder: str, open_book: bool) -> SubstructureKnowledge:
    from treewright_chemistry.shared_encoder import shared_encoder
    from treewright_chemistry.substructure_knowledge import open_substructures

    return open_substructures(knowledge, shared_encoder(encoder) if encoder else None, open_book=open_book)
