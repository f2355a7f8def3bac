"""Substructures by cosine, as a search asks for them."""

from __future__ import annotations

import numpy as np
import pytest

from treewright_chemistry.encoder_queries import element_counts_of, fits
from treewright_chemistry.encoder_retriever import EncoderRetriever
from treewright_chemistry.errors import SpectrumError
from treewright_chemistry.formula import parse_formula
from treewright_chemistry.ranking import Case
from treewright_chemistry.shared_encoder import shared_encoder, shipped_vectors
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.substructure_file import shipped_substructures
from treewright_chemistry.substructure_precision import interval, precisions
from treewright_registry import Hit, RetrieveRequest

ACETATE = {
    "formula": "C4H8O2",
    "c13": "14.2 (1C, s), 21.0 (1C, s), 60.4 (1C, s), 171.1 (1C, s)",
    "evidence": "exact",
    "provenance": "calculated",
}


@pytest.fixture(scope="module")
def retriever() -> EncoderRetriever:
    return EncoderRetriever()


def test_hits_are_the_nearest_that_the_formula_allows(retriever: EncoderRetriever) -> None:
    [hits] = retriever.retrieve([RetrieveRequest(ACETATE, 12)])
    records = shipped_substructures()
    formula = parse_formula("C4H8O2")
    allowed = [k for k, each in enumerate(records) if fits(element_counts_of(each), each, formula)]
    cosines = shipped_vectors() @ shared_encoder().encode_spectrum(SpectrumCodec().decode(ACETATE))
    expected = sorted(allowed, key=lambda k: -cosines[k])[:12]
    assert [hit.id for hit in hits] == [records[k].smiles for k in expected]
    assert [hit.similarity for hit in hits] == pytest.approx([float(cosines[k]) for k in expected], abs=1e-5)
    assert len(allowed) < len(records)
    assert np.argmax(cosines) in allowed or float(cosines.max()) > hits[0].similarity


def test_requests_are_answered_by_themselves(retriever: EncoderRetriever) -> None:
    alcohol = {**ACETATE, "formula": "C2H6O", "c13": "18.1, 57.3", "evidence": "soft"}
    both = retriever.retrieve([RetrieveRequest(ACETATE, 3), RetrieveRequest(alcohol, 5)])
    assert [len(hits) for hits in both] == [3, 5]
    assert retriever.retrieve([RetrieveRequest(alcohol, 5)])[0] == both[1]
    assert not any("=" in hit.id for hit in both[1])  # no unsaturation in the formula, none in the hits
    with pytest.raises(SpectrumError):
        retriever.retrieve([RetrieveRequest({**ACETATE, "c13": "1910.0"}, 3)])


class Fixed:
    """Always the same five hits."""

    def retrieve(self, requests: list[RetrieveRequest]) -> list[list[Hit]]:
        chosen = ["*OC(*)=O", "*c1ccccc1", "*CC", "*C(C)=O", "*c1ccc(*)cc1"]
        return [[Hit(smiles, None, 1.0) for smiles in chosen] for _ in requests]


def test_precision_counts_what_the_molecule_contains() -> None:
    known = {each.smiles for each in shipped_substructures()}
    assert {hit.id for hit in Fixed().retrieve([RetrieveRequest(ACETATE, 5)])[0]} <= known
    found = precisions(Fixed(), [Case(SpectrumCodec().decode(ACETATE), "CCOC(C)=O")])
    assert found[0, 0] == pytest.approx(3 / 5)
    assert interval(np.array([0.5, 0.5])) == "0.500 (0.500 to 0.500)"
