"""Which spectra the weight of the cosine is fitted on, and against which decoys."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from treewright_chemistry.cosine_cases import Held, Scoring, held_spectra
from treewright_chemistry.encoder_sources import POOL
from treewright_chemistry.held_out import EXCLUDED_FILE, in_validation
from treewright_chemistry.nmrshiftdb import FILE
from treewright_chemistry.shared_encoder import shared_encoder
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.structures import inchikey14, parse_structure

CHAINS = [
    f"{'C' * left}{group}{'C' * right}" for left in range(1, 9) for right in range(1, 9) for group in ("O", "C(=O)")
]


def block(smiles: str) -> str:
    return inchikey14(parse_structure(smiles))


def record(number: int, smiles: str) -> dict[str, object]:
    molecule = parse_structure(smiles)
    signals = "".join(
        f"{20.0 + 3.0 * k};0.0T;{k}|" for k, _ in enumerate(a for a in molecule.GetAtoms() if a.GetAtomicNum() == 6)
    )
    return {
        "id": number,
        "ik": block(smiles) + "-UHFFFAOYSA-N",
        "inchi": "",
        "smi": smiles,
        "solv": "",
        "c": [[0, signals]],
        "h": [],
    }


@pytest.fixture
def data(tmp_path: Path) -> Path:
    suitable = [smiles for smiles in CHAINS if 8 <= parse_structure(smiles).GetNumAtoms() <= 12]
    held = [smiles for smiles in suitable if in_validation(block(smiles))]
    trained = [smiles for smiles in suitable if not in_validation(block(smiles))]
    assert len(held) >= 2
    (tmp_path / "chemistry").mkdir()
    (tmp_path / EXCLUDED_FILE).write_text(block(held[0]) + "\n")
    rows = [record(number, smiles) for number, smiles in enumerate([*trained[:3], *held])]
    with gzip.open(tmp_path / FILE, "wt") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    with gzip.open(tmp_path / POOL, "wt") as stream:
        stream.write("CCCCOCCCCC\tC9H20O\t10\ttoy\n")
    return tmp_path


def test_only_held_out_molecules_that_are_not_reserved_are_used(data: Path) -> None:
    reserved = (data / EXCLUDED_FILE).read_text().strip()
    found = held_spectra(data, "soft", 100)
    assert found
    assert all(in_validation(each.block) and each.block != reserved for each in found)
    assert {each.spectrum.evidence for each in found} == {"soft"}
    assert [each.block for each in held_spectra(data, "soft", 1)] == [found[0].block]


def test_decoys_come_from_the_pool_and_from_a_search(data: Path) -> None:
    spectrum = SpectrumCodec().decode(
        {"formula": "C4H8O2", "c13": "14.2, 21.0, 60.4, 171.1", "evidence": "soft", "provenance": "measured"}
    )
    truth = parse_structure("CCOC(C)=O")
    scored = Scoring(data, shared_encoder()).of(Held(block("CCOC(C)=O"), truth, spectrum))
    assert scored is not None
    assert 20 <= len(scored.totals) - 1 <= 30
    assert scored.totals.shape == scored.cosines.shape
    assert int(np.argmax(scored.totals)) == 0
