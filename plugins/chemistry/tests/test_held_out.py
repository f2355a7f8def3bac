import os
from pathlib import Path

import pytest

from treewright_chemistry.errors import LeakError
from treewright_chemistry.held_out import (
    assert_absent,
    excluded_blocks,
    held_out,
    in_validation,
    reserved_blocks,
)

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


@needs_data
def test_benchmarks_are_reserved_along_with_the_held_out():
    excluded = excluded_blocks(Path(DATA))
    assert len(excluded) == 339
    assert not excluded & {molecule.block for molecule in held_out()}
    assert reserved_blocks(Path(DATA)) > excluded
