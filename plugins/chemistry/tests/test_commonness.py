"""The table of common environments: what it counts, and that it counts no reserved molecule."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from treewright_chemistry import commonness
from treewright_chemistry.commonness import FILE, POOL, Commonness, count_environments
from treewright_chemistry.environments import environments
from treewright_chemistry.errors import LeakError
from treewright_chemistry.held_out import EXCLUDED_FILE
from treewright_chemistry.model_files import read_arrays
from treewright_chemistry.structures import inchikey14

UNNAMED = "*CCO"
"""InChI has no name for it, so nobody could tell whether it is reserved."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = ["CCO", "CCCO", "CCCCO", "c1ccncc1", UNNAMED]  # pyridine is of a benchmark
    (tmp_path / "chemistry").mkdir()
    (tmp_path / EXCLUDED_FILE).write_text("AAAAAAAAAAAAAA\n", encoding="utf-8")
    with gzip.open(tmp_path / POOL, "wt", encoding="utf-8") as stream:
        stream.writelines(f"{smiles}\tX\t5\tesol\n" for smiles in rows)
        stream.write("CCCCCO\tX\t5\tqm9\n")
    return tmp_path


def test_reserved_and_unnamed_molecules_are_not_counted(data: Path) -> None:
    assert count_environments(data, data) == 3
    assert int(read_arrays(data / FILE)["molecules"]) == 3


def test_it_tells_how_surprising_an_atom_is(data: Path) -> None:
    count_environments(data, data)
    ethanol = Commonness.load(data).surprises(environments(Chem.MolFromSmiles("CCO")))
    # 3 of 3 methyls are on a CH2; of these, 1 of 3 has CH2OH there, too rare to be kept: it counts as 0.2
    assert ethanol[0] == pytest.approx([0.0, np.log(3 / 0.2)], abs=2e-3)


def test_a_reserved_molecule_that_slipped_in_stops_the_count(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    propanol = Chem.MolFromSmiles("CCCO")
    monkeypatch.setattr(commonness, "_pool_molecules", lambda folder, reserved: iter([(propanol, "AAAAAAAAAAAAAA")]))
    with pytest.raises(LeakError, match=r"molecules of the commonness table: .*AAAAAAAAAAAAAA"):
        count_environments(data, data)
    assert not (data / FILE).exists()
    assert inchikey14(propanol) != "AAAAAAAAAAAAAA"
