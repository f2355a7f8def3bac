"""Substructures: where molecules are cut, how pieces are counted, described, written and read back."""

from __future__ import annotations

import pytest
from rdkit import Chem

from treewright_chemistry.cutting import cut_molecule
from treewright_chemistry.errors import TableError
from treewright_chemistry.fragments import Fragment, mismatch
from treewright_chemistry.held_out import reserved_blocks
from treewright_chemistry.substructure_file import read_substructures, write_substructures
from treewright_chemistry.substructure_recipe import allowed_substructures
from treewright_chemistry.substructure_text import describe
from treewright_chemistry.substructures import Substructure, SubstructureCounter, Window, collect


def pieces_of(smiles):
    return {piece.smiles for piece in cut_molecule(Chem.MolFromSmiles(smiles))}


@pytest.mark.parametrize(
    ("smiles", "pieces"),
    [
        ("CCOS(=O)(=O)c1ccc(C)cc1", {"*CC", "*OS(*)(=O)=O", "*c1ccc(*)cc1", "*c1ccc(C)cc1", "*S(=O)(=O)OCC"}),
        ("C#Cc1ccc([N+](=O)[O-])cc1", {"*C#C", "*c1ccc(*)cc1", "*[N+](=O)[O-]"}),
        ("CC(=O)Nc1ccccc1", {"*C(C)=O", "*c1ccccc1", "*NC(C)=O"}),
        ("[C-]#[N+]CCCl", {"*[N+]#[C-]", "*CCCl"}),
        ("[O-][n+]1ccc(CC)cc1", {"*CC", "*c1cc[n+]([O-])cc1"}),
    ],
)
def test_groups_stay_whole_and_every_cut_is_marked(smiles, pieces):
    assert pieces_of(smiles) == pieces


@pytest.mark.parametrize("smiles", ["c1ccc2ccccc2c1", "CCCC", "CCO"])
def test_a_molecule_that_no_cut_divides_gives_no_piece(smiles):
    assert pieces_of(smiles) == set()


def test_counting_is_by_occurrence_and_windows_are_mean_and_spread():
    shifts = {"CCOC": 15.0, "CCOCC": 17.0}

    def predict(mol):
        return [shifts[Chem.MolToSmiles(mol)]] * mol.GetNumAtoms()

    counter = SubstructureCounter(shifts=predict)
    for smiles in ("CCOC", "CCOCC"):
        counter.add(Chem.MolFromSmiles(smiles))
    ethyl = counter.most_common(1)[0]
    assert (ethyl.smiles, ethyl.count, ethyl.formula, ethyl.unsaturation) == ("*CC", 3, "C2H5", 0)
    assert ethyl.windows == (Window(0, 16.3, 0.9), Window(1, 16.3, 0.9))
    assert counter.molecules == 2


def test_what_cannot_be_held_is_counted_as_skipped():
    counter = SubstructureCounter()
    counter.add(Chem.MolFromSmiles("C[N+](C)(C)CCc1ccccc1"))
    assert (counter.molecules, counter.skipped) == (0, 1)


def test_memory_is_bounded_and_frequent_pieces_survive():
    molecules = ["C" * n + "Oc1ccccc1" for n in range(2, 14)]
    counter = SubstructureCounter(capacity=8)
    for smiles in molecules:
        counter.add(Chem.MolFromSmiles(smiles))
    assert counter.most_common(1)[0].smiles == "*c1ccccc1"
    assert counter.most_common(1)[0].count == len(molecules)
    assert len(counter.most_common(100)) <= 12


@pytest.mark.parametrize(
    ("smiles", "text"),
    [
        (
            "Cc1ccccc1",
            "six-membered aromatic ring; C6H5, 4 degrees of unsaturation; bound through 1 C",
        ),
        (
            "C[N+](=O)[O-]",
            None,
        ),
        ("CS(=O)(=O)Cc1ccccc1", None),
    ],
)
def test_a_description_tells_rings_formula_and_places(smiles, text):
    found = [describe(each) for each in collect([Chem.MolFromSmiles(smiles)], limit=10)]
    assert all("unsaturation" in each for each in found)
    assert text is None or text in found


def test_a_table_survives_the_round_trip(tmp_path):
    made = collect(map(Chem.MolFromSmiles, ["CC(=O)Nc1ccccc1", "CS(=O)(=O)c1ccc(Cl)cc1"]), limit=20)
    path = tmp_path / "table.tsv"
    assert write_substructures(path, made, origin="two molecules") == len(made)
    assert list(read_substructures(path)) == made


@pytest.mark.parametrize("damage", [lambda t: t[: len(t) // 2], lambda t: t.replace("ring", "rong"), lambda t: ""])
def test_a_damaged_table_is_refused_by_name(tmp_path, damage):
    made = collect(map(Chem.MolFromSmiles, ["CC(=O)Nc1ccccc1", "CS(=O)(=O)c1ccc(Cl)cc1"]), limit=20)
    path = tmp_path / "table.tsv"
    write_substructures(path, made, origin="two molecules")
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(TableError, match=r"table\.tsv"):
        read_substructures(path)


def test_a_fragment_knows_its_places_and_its_unsaturation():
    sulfonyl = Fragment.from_substructure(Substructure("*S(*)(=O)=O", 4, "O2S", 2, 3, "functional group", (0, 0)))
    assert (sulfonyl.free, sulfonyl.marked) == ((2, 0, 0), (2, 0, 0))
    assert (sulfonyl.required, sulfonyl.unsaturation) == (True, 0)
    nitro = Fragment.from_substructure(Substructure("*[N+](=O)[O-]", 4, "NO2", 1, 3, "charged group", (0,)))
    assert (nitro.unsaturation, nitro.required) == (1, True)
    phenylene = Fragment.from_substructure(Substructure("*c1ccc(*)cc1", 9, "C6H4", 4, 6, "ring", (0, 3)))
    assert (phenylene.unsaturation, phenylene.required, phenylene.marked) == (4, False, (1, 0, 0, 1, 0, 0))


def test_each_window_takes_a_line_of_its_own():
    windows = (Window(0, 20.0, 1.0), Window(1, 22.0, 0.0))
    ethyl = Fragment.from_substructure(Substructure("*CC", 1, "C2H5", 0, 2, "chain", (0,), windows))
    assert mismatch(ethyl, [21.0, 30.0, 170.0]) == (4.0, [170.0])


def test_windows_stay_with_their_carbons_where_a_molecule_has_explicit_hydrogens():
    def predict(mol):
        return [float(10 * atom.GetIdx()) if atom.GetAtomicNum() == 6 else None for atom in mol.GetAtoms()]

    counter = SubstructureCounter(shifts=predict)
    counter.add(Chem.MolFromSmiles("[2H]C([2H])([2H])Oc1ccccc1"))
    found = {each.smiles: each.windows for each in counter.most_common(9)}
    assert set(found) == {"*OC", "*c1ccccc1"}
    assert found["*OC"] == (Window(1, 0.0, 0.0),)
    assert [window.mean for window in found["*c1ccccc1"]] == [20.0, 30.0, 40.0, 50.0, 60.0, 70.0]


def test_only_allowed_substructures_take_part_in_the_limit():
    counter = SubstructureCounter()
    for smiles in ("CCOC", "CCOCC", "CCOc1ccccc1"):
        counter.add(Chem.MolFromSmiles(smiles))
    assert [each.smiles for each in counter.most_common(2)] == ["*CC", "*OC"]
    assert [each.smiles for each in counter.most_common(2, allowed=lambda smiles: smiles != "*CC")] == ["*OC", "*OCC"]


def test_the_recipe_passes_reserved_pieces_over_and_fills_the_table_up():
    counter = SubstructureCounter()
    for smiles in ("CCOc1ccccc1", "CCOc1ccccn1", "CCOCc1ccccn1"):
        counter.add(Chem.MolFromSmiles(smiles))
    common = [each.smiles for each in counter.most_common(4)]
    kept, refused = allowed_substructures(counter, 4, reserved_blocks())
    assert "*c1ccccn1" in common
    assert (len(kept), refused) == (4, 1)
    assert [each.smiles for each in kept][:3] == [smiles for smiles in common if smiles != "*c1ccccn1"]
