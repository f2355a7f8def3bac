import numpy as np
import pytest

from treewright_chemistry.commonness import Commonness
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
    with pytest.raises(TableError, match="environment identifiers"):
        load(tmp_path)
