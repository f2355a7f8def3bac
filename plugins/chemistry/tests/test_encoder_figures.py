"""How the encoder's figures are computed, and that the shipped encoder keeps its word."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from treewright_chemistry.encoder import DualEncoder
from treewright_chemistry.encoder_evaluation import _recall, wilson
from treewright_chemistry.encoder_file import WEIGHTS
from treewright_chemistry.encoder_pieces import fit_map
from treewright_chemistry.encoder_queries import element_counts_of, fits, query_of
from treewright_chemistry.formula import parse_formula
from treewright_chemistry.peak_grammar import parse_groups
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.substructures import Substructure

ACETATE = Spectrum(
    parse_formula("C4H8O2"),
    parse_groups("14.2 (1C, s), 21.0 (1C, s), 60.4 (1C, s), 171.1 (1C, s)", "13C"),
    parse_groups("1.26 (3H, t, J = 7.0 Hz), 2.04 (3H, s), 4.12 (2H, q, J = 7.0 Hz)", "1H"),
    "exact",
)


def test_the_interval_of_a_share():
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_recall_counts_ranks_and_tells_chance():
    figures = _recall([1, 2, 6, 40], [99, 99, 99, 0])
    assert figures["recall@1"][0] == 0.25
    assert figures["recall@5"][0] == 0.5
    assert figures["recall@10"][0] == 0.75
    assert figures["chance@1"] == pytest.approx((0.01 * 3 + 1.0) / 4, abs=1e-3)


def test_a_substructure_must_fit_the_formula():
    ester = Substructure("*C(=O)O*", 1, "CO2", 1, 3, "functional group", (0, 2))
    assert element_counts_of(ester) == {"C": 1, "H": 0, "O": 2}
    assert fits(element_counts_of(ester), ester, parse_formula("C4H8O2"))
    assert not fits(element_counts_of(ester), ester, parse_formula("C4H8O"))
    assert not fits(element_counts_of(ester), ester, parse_formula("C4H10O2"))


def test_the_shipped_encoder_knows_ethyl_acetate():
    encoder = DualEncoder.load()
    isomers = [
        "CCOC(C)=O",
        "CCCC(=O)O",
        "CC(C)C(=O)O",
        "CCC(=O)OC",
        "C1COCCO1",
        "CC(O)C(C)=O",
        "OCC=CCO",
        "O=CCCCO",
    ]
    cosines = encoder.cosines(ACETATE, [Chem.MolFromSmiles(smiles) for smiles in isomers])
    assert int(np.argmax(cosines)) == 0
    assert encoder.width == 256


def test_the_shipped_weights_are_small():
    from importlib import resources

    assert len(resources.files("treewright_chemistry").joinpath("data", WEIGHTS).read_bytes()) < 8_000_000


def test_an_open_place_matches_any_heavy_atom_but_no_hydrogen():
    phenyl = query_of(Substructure("*c1ccccc1", 1, "C6H5", 4, 6, "ring", (0,)))
    found = [Chem.MolFromSmiles(smiles).HasSubstructMatch(phenyl) for smiles in ("Clc1ccccc1", "c1ccccc1", "C1CCCCC1C")]
    assert found == [True, False, False]


def test_the_substructure_map_learns_what_is_contained():
    random = np.random.default_rng(0)
    kinds = random.integers(0, 4, 200)
    spectra = np.eye(8, dtype=np.float32)[kinds]
    pieces = np.eye(8, dtype=np.float32)[[4, 5, 6, 7]]
    right = np.eye(4, dtype=bool)[kinds]
    fitted, loss = fit_map(spectra, pieces, np.ones_like(right), right, seed=0)
    assert loss < 0.1
    turned = pieces @ fitted["piece_map.weight"].T + fitted["piece_map.bias"]
    assert (spectra @ turned.T).argmax(axis=1).tolist() == kinds.tolist()
