import os
from pathlib import Path

import pytest
from rdkit import Chem

from treewright_chemistry.capped_pieces import allowed_pieces, assert_no_reserved_piece, capped_block
from treewright_chemistry.errors import LeakError
from treewright_chemistry.held_out import (
    assert_absent,
    benchmark_blocks,
    excluded_blocks,
    held_out,
    in_validation,
    reserved_blocks,
)
from treewright_chemistry.substructure_file import shipped_substructures

DATA = os.environ.get("TREEWRIGHT_DATA", "")
needs_data = pytest.mark.skipif(not DATA, reason="set TREEWRIGHT_DATA to the data folder")


def test_enough_molecules_are_held_out_and_each_once():
    molecules = held_out()
    blocks = [molecule.block for molecule in molecules]
    assert len(blocks) == len(set(blocks))
    assert sum(molecule.part == "evaluation" for molecule in molecules) == 240
    assert {"caffeine", "ibuprofen", "vanillin"} <= {m.name for m in molecules if m.part == "demo"}


def test_a_reserved_molecule_in_training_data_is_an_error():
    with pytest.raises(LeakError, match="BBBBBBBBBBBBBB"):
        assert_absent(["AAAAAAAAAAAAAA", "BBBBBBBBBBBBBB"], frozenset({"BBBBBBBBBBBBBB"}), field="pool")
    assert_absent(["AAAAAAAAAAAAAA"], frozenset({"BBBBBBBBBBBBBB"}), field="pool")


def test_validation_share_is_fixed():
    assert [block for block in ("RYYVLZVUVIJVGH", "HEFNNWSXXWATRW") if in_validation(block)] == []
    blocks = [f"{number:014d}" for number in range(20_000)]
    assert 900 < sum(map(in_validation, blocks)) < 1_100


def test_the_benchmarks_are_reserved_without_any_data_folder():
    assert len(benchmark_blocks()) == 339
    assert reserved_blocks() == benchmark_blocks() | {molecule.block for molecule in held_out()}
    assert "JUJWROOIHBZHMG" in benchmark_blocks()  # pyridine


def test_a_piece_is_reserved_if_it_is_such_a_molecule_with_hydrogen_at_its_open_places():
    blocks = {"*c1ccccc1OC": "RDOXTESZEPMUJZ", "*n1cccc1": "KAESVJOAVNADME", "*[N+](=O)[O-]": "BLNWTAHYTCHDJH"}
    assert {smiles: capped_block(smiles) for smiles in blocks} == blocks
    assert capped_block("*1:") == ""
    allowed = allowed_pieces(frozenset({"RDOXTESZEPMUJZ"}))
    assert [smiles for smiles in [*blocks, "*1:"] if allowed(smiles)] == ["*n1cccc1", "*[N+](=O)[O-]"]
    with pytest.raises(LeakError, match="RDOXTESZEPMUJZ"):
        assert_no_reserved_piece(blocks, frozenset({"RDOXTESZEPMUJZ"}), field="pieces")


def test_no_shipped_substructure_is_a_reserved_molecule_when_capped():
    assert len(shipped_substructures()) == 2_000
    assert_no_reserved_piece((each.smiles for each in shipped_substructures()), reserved_blocks(), field="table")


def test_only_carbons_of_the_shipped_substructures_have_windows():
    for each in shipped_substructures():
        heavy = [a.GetAtomicNum() for a in Chem.MolFromSmiles(each.smiles).GetAtoms() if a.GetAtomicNum()]
        assert {window.atom for window in each.windows} == {k for k, number in enumerate(heavy) if number == 6}


@needs_data
def test_benchmarks_are_reserved_along_with_the_held_out():
    excluded = excluded_blocks(Path(DATA))
    assert excluded == benchmark_blocks()
    assert not excluded & {molecule.block for molecule in held_out()}
    assert reserved_blocks(Path(DATA)) > excluded
