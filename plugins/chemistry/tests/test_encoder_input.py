"""What the encoder sees: calculated spectra, peak rows, molecule arrays, and no reserved molecule."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from treewright_chemistry import encoder_data
from treewright_chemistry.encoder_data import build_store, edited_isomer
from treewright_chemistry.encoder_features import GLOBALS, molecule_arrays
from treewright_chemistry.encoder_simulation import calculated_spectrum, class_lines
from treewright_chemistry.encoder_sources import POOL, pool_examples, simulated_example, usable_molecule
from treewright_chemistry.encoder_store import MoleculePicker, read_store, write_store
from treewright_chemistry.encoder_tokens import COLUMNS, formula_row, peak_rows
from treewright_chemistry.errors import LeakError, TableError
from treewright_chemistry.formula import formula_of, parse_formula
from treewright_chemistry.peak_grammar import parse_groups
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.structures import inchikey14

TABLES = ShiftTables.load(network=False)


def test_a_calculated_spectrum_counts_every_atom_and_shows_the_neighbours():
    molecule = Chem.MolFromSmiles("CCOC(=O)C")
    spectrum = calculated_spectrum(molecule, TABLES.predict(molecule), np.random.default_rng(0), noise=0.0)
    assert [group.count for group in spectrum.carbon] == [1, 1, 1, 1]
    assert [(group.count, group.peaks[0].multiplicity, group.peaks[0].couplings) for group in spectrum.proton] == [
        (3, ("t",), (7.0,)),
        (3, ("s",), ()),
        (2, ("q",), (7.0,)),
    ]
    assert spectrum.evidence == "exact"


def test_equivalent_atoms_share_a_line():
    molecule = Chem.MolFromSmiles("Cc1ccc(C)cc1")
    lines = class_lines(molecule, TABLES.predict(molecule))
    assert [(line.carbons, line.hydrogens) for line in lines] == [(2, 6), (2, 0), (4, 4)]


def test_noise_is_drawn_from_the_seed():
    molecule = Chem.MolFromSmiles("CCOC(=O)C")
    predicted = TABLES.predict(molecule)
    first, again, other = (calculated_spectrum(molecule, predicted, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_a_peak_row_holds_shift_count_pattern_and_couplings():
    carbon = parse_groups("128.4 (2C, D), 77.0", "13C")
    proton = parse_groups("1.49 (2H, tt, J = 7.5, 6.6 Hz)", "1H")
    rows = peak_rows(Spectrum(parse_formula("C3H4O"), carbon, proton, "soft"))
    assert rows.shape == (3, COLUMNS)
    assert rows[0].tolist() == pytest.approx([0, 128.4, 2, 1] + [0] * 14)
    assert rows[1].tolist() == pytest.approx([0, 77.0, 0, -1] + [0] * 14)
    assert rows[2].tolist() == pytest.approx([1, 1.49, 2, -1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 7.5, 6.6, 0, 0, 0])


def test_peaks_of_a_range_share_its_count():
    proton = parse_groups("7.10-7.32 (5H, 7.17 (d, J = 7.8 Hz), 7.26 (t, J = 7.7 Hz))", "1H")
    rows = peak_rows(Spectrum(parse_formula("C6H6"), (), proton, "soft"))
    assert rows[:, 2].tolist() == [2.5, 2.5]


def test_the_formula_row_tells_unsaturation_and_evidence():
    row = formula_row(parse_formula("C6H6"), exact=True)
    assert (row[0], row[2], row[-2], row[-1]) == (6.0, 6.0, 4.0, 1.0)


def test_molecule_arrays_lie_one_after_the_other():
    molecules = [Chem.MolFromSmiles(smiles) for smiles in ("CCO", "*c1ccccc1")]
    arrays = molecule_arrays(molecules, TABLES)
    assert arrays.sizes[:, :2].tolist() == [[3, 2], [7, 7]]
    assert arrays.globals.shape == (2, GLOBALS)
    assert arrays.globals[:, -1].tolist() == [0.0, 1.0]
    assert arrays.atoms[2].tolist()[:4] == [3, 1, 1, 2]
    assert arrays.shifts[2].tolist() == [0.0, 0.0]
    alone = molecule_arrays(molecules[1:], TABLES)
    picked = MoleculePicker(arrays).pick(np.array([1]))
    assert np.array_equal(picked.atoms, alone.atoms) and np.array_equal(picked.bits, alone.bits)


def test_an_edited_isomer_is_another_molecule_of_the_same_formula():
    from random import Random

    molecule = Chem.MolFromSmiles("CCOC(=O)c1ccccc1")
    for seed in range(20):
        isomer = edited_isomer(molecule, Random(seed), moves=2)
        if isomer is not None:
            assert formula_of(isomer) == formula_of(molecule)
            assert Chem.MolToSmiles(isomer) != Chem.MolToSmiles(molecule)


def test_a_reserved_molecule_is_refused():
    molecule = Chem.MolFromSmiles("CCOC(=O)C")
    example = simulated_example(molecule, inchikey14(molecule), TABLES.predict(molecule))
    with pytest.raises(LeakError, match="XEKOWRVHYACXOJ"):
        build_store([example], TABLES, frozenset({"XEKOWRVHYACXOJ"}), log=lambda line: None)


def test_reserved_molecules_of_the_pool_are_left_out(tmp_path: Path):
    rows = [("CCOC(C)=O", "C4H8O2", 6), ("CC(C)C(=O)O", "C4H8O2", 6), ("CCCC(=O)O", "C4H8O2", 6)]
    (tmp_path / "chemistry").mkdir()
    with gzip.open(tmp_path / POOL, "wt", encoding="utf-8") as stream:
        stream.writelines(f"{smiles}\t{formula}\t{heavy}\ttest\n" for smiles, formula, heavy in rows)
    found = list(pool_examples(tmp_path, frozenset({"XEKOWRVHYACXOJ"}), TABLES, 10))
    assert sorted(Chem.MolToSmiles(example.molecule) for example in found) == ["CC(C)C(=O)O", "CCCC(=O)O"]
    assert all(len(example.scales) == len(peak_rows(example.spectrum)) for example in found)


def test_unusable_structures_are_left_out():
    assert usable_molecule("CCO", 10) is not None
    for smiles in ("C", "CCO.CCO", "C[N+](C)(C)C", "C[Fe]C", "not a smiles", "C" * 11):
        assert usable_molecule(smiles, 10) is None


def test_a_store_survives_the_disk_and_damage_is_told(tmp_path: Path):
    examples = []
    for smiles in ("CCOC(=O)C", "CCCC(=O)O", "CC(=O)CC"):
        molecule = Chem.MolFromSmiles(smiles)
        examples.append(simulated_example(molecule, inchikey14(molecule), TABLES.predict(molecule)))
    store = build_store(examples, TABLES, frozenset(), log=lambda line: None)
    write_store(tmp_path / "store.npz", store)
    again = read_store(tmp_path / "store.npz")
    assert np.array_equal(again.peaks, store.peaks) and np.array_equal(again.molecules.bits, store.molecules.bits)
    content = (tmp_path / "store.npz").read_bytes()
    (tmp_path / "store.npz").write_bytes(content[:-10])
    with pytest.raises(TableError, match=r"store\.npz"):
        read_store(tmp_path / "store.npz")


def test_no_edited_isomer_is_a_reserved_molecule():
    from random import Random

    molecule = Chem.MolFromSmiles("CCOC(C)=O")
    free = {inchikey14(isomer) for seed in range(40) if (isomer := edited_isomer(molecule, Random(seed))) is not None}
    reserved = frozenset(sorted(free)[: len(free) // 2])
    assert len(reserved) > 3
    kept = [edited_isomer(molecule, Random(seed), reserved=reserved) for seed in range(40)]
    found = {inchikey14(isomer) for isomer in kept if isomer is not None}
    assert len(found) > 3 and not found & reserved


def test_a_reserved_isomer_that_slipped_in_stops_the_training(monkeypatch: pytest.MonkeyPatch):
    molecule = Chem.MolFromSmiles("CCOC(C)=O")
    example = simulated_example(molecule, inchikey14(molecule), TABLES.predict(molecule))
    monkeypatch.setattr(encoder_data, "edited_isomer", lambda *_, **__: Chem.MolFromSmiles("CCCC(=O)O"))
    butanoic = inchikey14(Chem.MolFromSmiles("CCCC(=O)O"))
    with pytest.raises(LeakError, match=f"edited isomers of the encoder training data: .*{butanoic}"):
        build_store([example], TABLES, frozenset({butanoic}), log=lambda line: None)


def test_no_piece_of_the_training_is_a_reserved_molecule_when_capped():
    examples = []
    for smiles in ("CCOc1ccccn1", "CC(=O)Nc1ccccn1", "CCCc1ccccn1"):
        molecule = Chem.MolFromSmiles(smiles)
        example = simulated_example(molecule, inchikey14(molecule), TABLES.predict(molecule))
        examples.append(replace(example, measured=True))
    every = build_store(examples, TABLES, frozenset(), log=lambda line: None)
    pyridine = frozenset({inchikey14(Chem.MolFromSmiles("c1ccncc1"))})
    without = build_store(examples, TABLES, pyridine, log=lambda line: None)
    assert len(every.piece_numbers) - len(without.piece_numbers) == 1  # *c1ccccn1
    assert len(every.contains) - len(without.contains) == 3
