"""The recipe on a tiny data folder: 24 small molecules, assigned and not, in the formats of the sources."""

import csv
import gzip
import io
import json

import numpy as np
import pytest
from rdkit import Chem

from treewright_chemistry.environments import environments
from treewright_chemistry.errors import LeakError
from treewright_chemistry.held_out import held_out
from treewright_chemistry.model_files import read_arrays
from treewright_chemistry.shift_assignment import assign
from treewright_chemistry.shift_data import TrainingMolecule, load_training_molecules
from treewright_chemistry.shift_recipe import train
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.structures import inchikey14, parse_structure

CHAINS = ["C" * n + tail for n in range(3, 9) for tail in ("O", "Cl", "N", "C(C)C")]
BASE = {3: 14.0, 2: 30.0, 1: 40.0, 0: 100.0}


def shift_of(atom):
    """A made-up law: hydrogens and a heteroatom decide."""
    hetero = any(neighbour.GetAtomicNum() not in (1, 6) for neighbour in atom.GetNeighbors())
    return BASE[atom.GetTotalNumHs(includeNeighbors=True)] + 25.0 * hetero


def signals(smiles):
    carbons = [atom for atom in parse_structure(smiles).GetAtoms() if atom.GetAtomicNum() == 6]
    carbon = "".join(f"{shift_of(a)};0.0{'SDTQ'[a.GetTotalNumHs()]};{a.GetIdx()}|" for a in carbons)
    proton = "".join(f"{shift_of(a) / 20};0.0;{a.GetIdx()}|" for a in carbons if a.GetTotalNumHs())
    return carbon, proton


def record(number, smiles):
    carbon, proton = signals(smiles)
    block = inchikey14(parse_structure(smiles))
    return {
        "id": number,
        "ik": f"{block}-UHFFFAOYSA-N",
        "smi": smiles,
        "c": [[0, carbon]],
        "h": [[1, proton]],
    }


def write_gz(path, text):
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.write(text)


def sdf(rows):
    """Structures with explicit hydrogens, a title and properties."""
    stream = io.StringIO()
    writer = Chem.SDWriter(stream)
    for name, smiles in rows:
        molecule = Chem.AddHs(parse_structure(smiles))
        molecule.SetProp("_Name", name)
        carbons = [atom for atom in molecule.GetAtoms() if atom.GetAtomicNum() == 6]
        molecule.SetProp("C13 chemical shift", "|".join(f"{a.GetIdx()},{shift_of(a)}" for a in carbons) + "|")
        writer.write(molecule)
    writer.close()
    return stream.getvalue()


def hydrogen_rows(rows):
    stream = io.StringIO()
    table = csv.writer(stream)
    table.writerow(["mol_id", "atom_type", "atom_index", "Shift"])
    for name, smiles in rows:
        for atom in Chem.AddHs(parse_structure(smiles)).GetAtoms():
            if atom.GetAtomicNum() == 1:
                table.writerow([name, 1, atom.GetIdx(), shift_of(atom.GetNeighbors()[0]) / 20])
    return stream.getvalue()


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data" / "chemistry"
    folder.mkdir(parents=True)
    rows = [(f"m{number}", smiles) for number, smiles in enumerate(CHAINS)]
    write_gz(
        folder / "nmrshiftdb2.jsonl.gz",
        "".join(json.dumps(record(n, s)) + "\n" for n, s in enumerate(CHAINS)),
    )
    write_gz(folder / "cascade_exp5k.sdf.gz", sdf(rows[:6]))
    write_gz(folder / "cascade_dft8k.sdf.gz", sdf(rows[6:12]))
    write_gz(folder / "cascade_dft8k.csv.gz", hydrogen_rows(rows[6:12]))
    (folder / "excluded_inchikey14.txt").write_text("AAAAAAAAAAAAAA\n", encoding="utf-8")
    return tmp_path / "data"


def quiet(text):
    pass


def test_unassigned_spectra_are_assigned_and_the_law_is_learned(data, tmp_path):
    figures = train(data, tmp_path / "out", epochs=0, pool=False, rounds=3, log=quiet)
    assert figures["carbon_train_mae"] < 3.0
    tables = ShiftTables.load(tmp_path / "out", network=False)
    prediction = tables.predict(parse_structure("CCCCO"))
    assert prediction.carbon.mean == pytest.approx([14.0, 30.0, 30.0, 55.0], abs=4.0)
    assert json.loads((tmp_path / "out" / "shifts_figures.json").read_text())["molecules"] == figures["molecules"]


@pytest.mark.parametrize("epochs", [0, 2])
def test_resumed_run_equals_an_uninterrupted_one(data, tmp_path, epochs):
    if epochs:
        pytest.importorskip("torch")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(data, whole, rounds=3, epochs=epochs, pool=False, log=quiet)
    train(data, parts, rounds=2, epochs=0, pool=False, log=quiet)
    train(data, parts, rounds=3, epochs=epochs, pool=False, resume=True, log=quiet)
    for name in ("shifts.npz", "shift_network.npz")[: 1 + bool(epochs)]:
        first, second = read_arrays(whole / name), read_arrays(parts / name)
        assert first.keys() == second.keys()
        assert all(np.array_equal(first[key], second[key]) for key in first)


def test_network_in_numpy_equals_the_trained_one(data, tmp_path):
    torch = pytest.importorskip("torch")
    from treewright_chemistry.shift_network import CENTRE
    from treewright_chemistry.shift_network_batches import make_examples, pad
    from treewright_chemistry.shift_network_training import Network, NetworkOptions
    from treewright_chemistry.shift_training import train_tables

    out = tmp_path / "out"
    train(data, out, epochs=1, pool=False, log=quiet)
    atoms, observed, _ = train_tables(load_training_molecules(data), out, resume=True, log=quiet)
    examples = make_examples(atoms, observed)
    network = Network((len(examples.keys[0]), len(examples.keys[1])), NetworkOptions(epochs=1))
    network.load_state_dict(torch.load(out / "shift_network_checkpoint.pt", weights_only=True)["network"])
    network.eval()
    batch = pad(examples, np.array([3]), examples.weights)
    with torch.no_grad():
        mean, _ = network(*(torch.from_numpy(array) for array in (batch.embedded, batch.features, batch.bonds)))
    carbons, span = atoms.molecules[3].carbons, slice(atoms.starts[3], atoms.starts[4])
    from treewright_chemistry.shift_network import ShiftNetwork, batch_bonds
    from treewright_chemistry.shift_types import Shifts

    tables = tuple(
        Shifts(examples.features[6][span, start] * CENTRE[name][1] + CENTRE[name][0], np.ones(len(carbons)),
               np.argmax(examples.features[6][span, start + 2 : start + 9], 1) - 1,
               np.expm1(3.0 * examples.features[6][span, start + 1]))
        for name, start in (("carbon", 0), ("proton", 9))
    )  # fmt: skip
    orders = 2.0 * batch.bonds[1] + 2.0 * batch.bonds[0]
    refined = ShiftNetwork.load(out).refine(atoms.molecules[3].identifiers, batch_bonds(orders), carbons, tables)
    for column, (name, shifts) in enumerate(zip(CENTRE, refined, strict=True)):
        centre, width = CENTRE[name]
        assert shifts.mean == pytest.approx(mean.numpy()[0, carbons, column] * width + centre, abs=1e-2)


def test_reserved_molecules_are_dropped_while_reading(data):
    blocks = {molecule.block for molecule in load_training_molecules(data)}
    victim = inchikey14(parse_structure(CHAINS[0]))
    assert victim in blocks
    (data / "chemistry" / "excluded_inchikey14.txt").write_text(victim + "\n", encoding="utf-8")
    assert victim not in {molecule.block for molecule in load_training_molecules(data)}
    assert not blocks & {molecule.block for molecule in held_out()}


def test_a_record_whose_key_hides_its_structure_is_not_used(data):
    rows = [record(0, "CCCO"), {**record(1, "CCCCCCBr"), "ik": "ZZZZZZZZZZZZZZ-UHFFFAOYSA-N"}]
    write_gz(data / "chemistry" / "nmrshiftdb2.jsonl.gz", "".join(json.dumps(row) + "\n" for row in rows))
    assert "ZZZZZZZZZZZZZZ" not in {molecule.block for molecule in load_training_molecules(data)}


def test_leak_past_the_filter_stops_the_training(data, monkeypatch):
    import treewright_chemistry.shift_data as shift_data

    victim = inchikey14(parse_structure(CHAINS[1]))
    real = shift_data.reserved_blocks
    answers = iter([real(data)])
    monkeypatch.setattr(shift_data, "reserved_blocks", lambda folder: next(answers))
    monkeypatch.setattr(shift_data, "_exp5k", lambda folder, reserved: iter([molecule_of(CHAINS[1])]))
    monkeypatch.setattr(shift_data, "assert_absent", _asserting(victim))
    with pytest.raises(LeakError):
        load_training_molecules(data)


def _asserting(victim):
    from treewright_chemistry.held_out import assert_absent

    return lambda blocks, reserved, field: assert_absent(blocks, reserved | {victim}, field=field)


def molecule_of(smiles, slots=None):
    molecule = parse_structure(smiles)
    atoms = list(molecule.GetAtoms())
    carbons = np.array([a.GetIdx() for a in atoms if a.GetAtomicNum() == 6])
    number = len(carbons)
    return TrainingMolecule(
        block=inchikey14(molecule),
        identifiers=environments(molecule),
        bonds=np.array([[b.GetBeginAtomIdx(), b.GetEndAtomIdx(), 2] for b in molecule.GetBonds()]),
        carbons=carbons,
        hydrogens=np.array([atoms[index].GetTotalNumHs() for index in carbons]),
        classes=np.arange(number),
        labile=sum(a.GetTotalNumHs() for a in atoms if a.GetAtomicNum() != 6),
        carbon=np.full(number, np.nan),
        proton=np.full(number, np.nan),
        slots=np.empty((0, 3)) if slots is None else np.array(slots),
    )


def test_assignment_prefers_the_right_multiplicity_to_the_nearer_shift():
    molecule = molecule_of("CCO", [[57.0, 3.0, np.nan], [18.0, 2.0, np.nan]])
    slots, carbons = assign(molecule, np.array([18.0, 57.0]), np.array([1.2, 3.6]))
    assert dict(zip(slots.tolist(), carbons.tolist(), strict=True)) == {0: 0, 1: 1}


def test_assignment_leaves_labile_hydrogens_aside():
    molecule = molecule_of("CCO", [[np.nan, np.nan, 1.2], [np.nan, np.nan, 3.6], [np.nan, np.nan, 9.8]])
    slots, carbons = assign(molecule, np.array([18.0, 57.0]), np.array([1.2, 3.6]))
    assert dict(zip(slots.tolist(), carbons.tolist(), strict=True)) == {0: 0, 1: 1}
