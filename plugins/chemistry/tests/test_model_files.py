import tomllib
from pathlib import Path

import numpy as np
import pytest

from treewright_chemistry.commonness import Commonness
from treewright_chemistry.environments import RDKIT, scheme_fingerprint
from treewright_chemistry.errors import TableError
from treewright_chemistry.model_files import read_arrays, write_arrays
from treewright_chemistry.shift_network import ShiftNetwork
from treewright_chemistry.shifts import ShiftTables


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "table.npz"
    write_arrays(path, {"numbers": np.arange(1000), "name": np.array("x")})
    return path


def test_arrays_come_back(file):
    arrays = read_arrays(file)
    assert arrays["numbers"].tolist() == list(range(1000))
    assert str(arrays["name"]) == "x"


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-50])


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def _no_sum(path):
    path.with_name(path.name + ".sha256").unlink()


@pytest.mark.parametrize("damage", [_truncate, _flip, _no_sum, lambda path: path.unlink()])
def test_damaged_file_is_refused_by_name(file, damage):
    damage(file)
    with pytest.raises(TableError, match=r"table\.npz"):
        read_arrays(file)


@pytest.mark.parametrize(
    ("load", "name"),
    [
        (lambda folder: ShiftTables.load(folder, network=False), "shifts.npz"),
        (ShiftNetwork.load, "shift_network.npz"),
        (Commonness.load, "commonness.npz"),
    ],
)
def test_tables_of_another_environment_scheme_are_refused(tmp_path, load, name):
    write_arrays(tmp_path / name, {"scheme": np.array("morgan-of-old")})
    with pytest.raises(TableError) as caught:
        load(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / name}: made for environment identifiers morgan-of-old, this RDKit (")
    assert "(pip install 'rdkit>=2025.3'), or make the file anew: treewright train chemistry/shifts." in message


def test_the_distribution_requires_the_rdkit_that_the_error_names():
    requirements = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["dependencies"]
    assert RDKIT in requirements


def test_the_shipped_files_fit_the_installed_rdkit():
    assert scheme_fingerprint() == "morgan-6-0000003febdb5117"  # as of RDKit 2024.9.6 to 2026.9.1
