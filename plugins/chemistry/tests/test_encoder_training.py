"""Training and files of the encoder, in a tiny configuration."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem

from treewright_chemistry.encoder import DualEncoder
from treewright_chemistry.encoder_batches import BatchSource
from treewright_chemistry.encoder_checkpoint import CHECKPOINT
from treewright_chemistry.encoder_data import build_store
from treewright_chemistry.encoder_file import CONFIG, SUMS, WEIGHTS, read_encoder, write_encoder
from treewright_chemistry.encoder_model import EncoderSizes
from treewright_chemistry.encoder_sources import simulated_example
from treewright_chemistry.encoder_store import EncoderStore
from treewright_chemistry.encoder_trainer import EncoderTrainer
from treewright_chemistry.encoder_training import TrainingOptions, fit
from treewright_chemistry.errors import StructureError, TableError
from treewright_chemistry.formula import parse_formula
from treewright_chemistry.peak_grammar import parse_groups
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.structures import inchikey14
from treewright_chemistry.substructures import Substructure
from treewright_registry import DataError

SMILES = """CCOC(C)=O CCCC(=O)O CC(C)C(=O)O COC(=O)CC CCCO CC(C)O CCOC c1ccccc1O Cc1ccccc1 Cc1ccncc1 Cc1cccnc1
CC(=O)c1ccccc1 O=Cc1ccc(C)cc1 CCN(CC)CC CCCCCCN CC#N C1CCCCC1 CC1CCCC1 C=CCCCC CCC(C)=O CCCC=O CC(C)C=O
C1CCOC1 ClCCCl CC(Cl)Cl CCBr CC(=O)NC CCC(N)=O OCC(O)CO C[N+](=O)[O-]""".split()
SIZES = EncoderSizes(
    vector=16,
    atom_width=16,
    atom_layers=2,
    bits_width=8,
    hidden=24,
    peak_width=16,
    peak_layers=1,
    heads=2,
    dropout=0.1,
)
BUTANOATE = Spectrum(
    parse_formula("C4H8O2"),
    parse_groups("14.2 (1C, s), 21.0 (1C, s), 60.4 (1C, s), 171.1 (1C, s)", "13C"),
    parse_groups("1.26 (3H, t, J = 7.0 Hz), 2.04 (3H, s), 4.12 (2H, q, J = 7.0 Hz)", "1H"),
    "exact",
)


def quiet(line: str) -> None:
    pass


def options(steps: int, report: int) -> TrainingOptions:
    return TrainingOptions(steps=steps, batch=16, isomers=3, pieces=8, rate=5e-3, warm_up=3, report=report)


@pytest.fixture(scope="module")
def store() -> EncoderStore:
    tables, examples = ShiftTables.load(network=False), []
    for smiles in SMILES:
        molecule = Chem.MolFromSmiles(smiles)
        examples.append(simulated_example(molecule, inchikey14(molecule), tables.predict(molecule)))
    return build_store(examples, tables, frozenset(), log=quiet)


@pytest.fixture(scope="module")
def trained(store: EncoderStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    fit(store, folder, options=options(60, 10), sizes=SIZES, log=quiet)
    return folder


def copied(folder: Path, to: Path) -> Path:
    for name in (WEIGHTS, CONFIG, SUMS):
        (to / name).write_bytes((folder / name).read_bytes())
    return to


def test_the_loss_falls(store: EncoderStore, trained: Path, tmp_path: Path):
    first = fit(store, tmp_path, options=options(5, 5), sizes=SIZES, log=quiet)["loss"]
    last = json.loads((trained / CONFIG).read_text())["training"]["loss"]
    assert last < 0.7 * first


def test_a_resumed_training_equals_an_uninterrupted_one(store: EncoderStore, tmp_path: Path):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    whole.mkdir(), halves.mkdir()
    fit(store, whole, seed=3, options=options(8, 4), sizes=SIZES, log=quiet)

    def interrupt(line: str) -> None:
        if line.startswith("step 4"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(store, halves, seed=3, options=options(8, 4), sizes=SIZES, log=interrupt)
    assert torch.load(halves / CHECKPOINT, weights_only=True)["step"] == 4
    figures = fit(store, halves, seed=3, options=options(8, 4), sizes=SIZES, resume=True, log=quiet)
    assert figures["steps"] == 8
    assert (whole / WEIGHTS).read_bytes() == (halves / WEIGHTS).read_bytes()


def test_held_out_molecules_are_never_drawn(store: EncoderStore):
    assert store.validation.any()
    source = BatchSource(store, batch=16, isomers=3, pieces=8, seed=0)
    held = {int(number) for number in np.flatnonzero(store.validation)}
    assert not held & {
        int(n) for step in range(50) for n in store.owners[source._draw_examples(np.random.default_rng(step))]
    }


def test_a_batch_depends_on_seed_and_step_alone(store: EncoderStore):
    first, again, other = (
        BatchSource(store, batch=16, isomers=3, pieces=8, seed=seed).draw(7).spectra.peaks for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_vectors_have_length_one(trained: Path):
    encoder = DualEncoder.load(trained)
    molecules = [Chem.MolFromSmiles(smiles) for smiles in SMILES]
    assert encoder.encode_spectrum(BUTANOATE).shape == (16,)
    vectors = encoder.encode_molecules(molecules)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(SMILES)), abs=1e-5)
    assert encoder.cosines(BUTANOATE, molecules) == pytest.approx(vectors @ encoder.encode_spectrum(BUTANOATE))
    assert encoder.encode_molecules([]).shape == (0, 16)


def test_a_molecule_is_encoded_alike_alone_and_among_others(trained: Path):
    encoder = DualEncoder.load(trained)
    molecules = [Chem.MolFromSmiles(smiles) for smiles in SMILES[:8]]
    alone = np.concatenate([encoder.encode_molecules([molecule]) for molecule in molecules])
    assert encoder.encode_molecules(molecules) == pytest.approx(alone, abs=1e-5)


def test_the_order_of_atoms_does_not_matter(trained: Path):
    encoder = DualEncoder.load(trained)
    first, second = encoder.encode_molecules([Chem.MolFromSmiles(s) for s in ("CCOC(C)=O", "O=C(C)OCC")])
    assert first == pytest.approx(second, abs=1e-5)


def test_the_order_of_peaks_does_not_matter(trained: Path):
    encoder = DualEncoder.load(trained)
    turned = Spectrum(BUTANOATE.formula, BUTANOATE.carbon[::-1], BUTANOATE.proton[::-1], "exact")
    assert encoder.encode_spectrum(turned) == pytest.approx(encoder.encode_spectrum(BUTANOATE), abs=1e-5)


def test_the_formula_matters(trained: Path):
    encoder = DualEncoder.load(trained)
    sulfur = Spectrum(parse_formula("C4H8S2"), BUTANOATE.carbon, BUTANOATE.proton, "exact")
    assert float(encoder.encode_spectrum(sulfur) @ encoder.encode_spectrum(BUTANOATE)) < 0.9999


def test_substructures_get_vectors_and_a_bad_one_is_named(trained: Path):
    encoder = DualEncoder.load(trained)
    phenyl = Substructure("*c1ccccc1", 1, "C6H5", 4, 6, "ring", (0,))
    assert encoder.substructure_vectors([phenyl]).shape == (1, 16)
    broken = Substructure("*c1cccc", 1, "C6H5", 4, 6, "ring", (0,))
    with pytest.raises(StructureError, match="substructure 2"):
        encoder.substructure_vectors([phenyl, broken])


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, SUMS])
@pytest.mark.parametrize("damage", ["truncated", "corrupted", "missing"])
def test_a_damaged_file_is_named(trained: Path, tmp_path: Path, name: str, damage: str):
    folder = copied(trained, tmp_path)
    content = (folder / name).read_bytes()
    if damage == "missing":
        (folder / name).unlink()
    else:
        half = len(content) // 2
        (folder / name).write_bytes(content[:half] if damage == "truncated" else b"\xff" + content[1:])
    with pytest.raises(TableError, match=r"encoder\.(safetensors|json)"):
        DualEncoder.load(folder)


def test_weights_of_other_networks_are_refused(trained: Path, tmp_path: Path):
    weights, config = read_encoder(trained)
    write_encoder(tmp_path, weights, config | {"sizes": config["sizes"] | {"atom_width": 32}})
    with pytest.raises(TableError, match="does not fit these networks"):
        DualEncoder.load(tmp_path)
    write_encoder(tmp_path, weights, config | {"scheme": "other"})
    with pytest.raises(TableError, match="made for environment identifiers other"):
        DualEncoder.load(tmp_path)


def test_the_trainer_names_missing_data(tmp_path: Path):
    with pytest.raises(DataError, match=r"trainer\.data: .*nmrshiftdb2\.jsonl\.gz"):
        EncoderTrainer(data=str(tmp_path)).train(tmp_path / "out", resume=False)
