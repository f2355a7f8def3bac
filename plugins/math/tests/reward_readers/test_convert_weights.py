"""Pickled weights become safetensors, and what they hold is never run."""

import os
import pickle
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from treewright_math.convert_weights import convert, main
from treewright_registry import DataError


class Program:
    """Runs a command when it is unpickled by a careless reader."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return (os.mkdir, (str(self.folder),))


def test_tensors_come_out_under_their_names(tmp_path):
    head = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(8, 1))
    torch.save(head.state_dict(), tmp_path / "score_module.pt")
    [written] = convert(tmp_path / "score_module.pt", tmp_path / "score_module.safetensors")
    found = load_file(written)
    assert sorted(found) == ["0.bias", "0.weight", "3.bias", "3.weight"]
    assert all(torch.equal(found[name], value) for name, value in head.state_dict().items())


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._fsdp_wrapped_module."])
@pytest.mark.parametrize("container", [None, "state_dict"])
def test_wrappers_of_training_code_are_taken_off(tmp_path, prefix, container):
    tensors = {f"{prefix}weight": torch.ones(1, 4), f"{prefix}bias": torch.zeros(1)}
    torch.save(tensors if container is None else {container: tensors, "epoch": 3}, tmp_path / "head.pt")
    [written] = convert(tmp_path / "head.pt", tmp_path / "head.safetensors")
    assert sorted(load_file(written)) == ["bias", "weight"]


def test_tensors_that_share_memory_are_each_written(tmp_path):
    weight = torch.arange(6.0).reshape(2, 3)
    torch.save({"a": weight, "b": weight, "c": weight.T}, tmp_path / "tied.bin")
    [written] = convert(tmp_path / "tied.bin", tmp_path / "tied.safetensors")
    found = load_file(written)
    assert torch.equal(found["a"], found["b"])
    assert torch.equal(found["c"], weight.T)


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_code_in_the_file_is_refused_and_not_run(tmp_path, how):
    victim = tmp_path / "ran"
    with open(tmp_path / "evil.pt", "wb") as file:
        (torch.save if how == "torch" else pickle.dump)({"weight": Program(victim)}, file)
    with pytest.raises(DataError, match=r"evil.pt is refused: it holds more than tensors"):
        convert(tmp_path / "evil.pt", tmp_path / "evil.safetensors")
    assert not victim.exists()
    assert not (tmp_path / "evil.safetensors").exists()
    with open(tmp_path / "evil.pt", "rb") as file:  # the control: a careless reader would have run it
        torch.load(file, weights_only=False) if how == "torch" else pickle.load(file)
    assert victim.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.zeros(3), "holds a Tensor, not named tensors"),
        ([torch.zeros(3)], "holds a list, not named tensors"),
        ({}, "holds nothing, not named tensors"),
        ({"weight": torch.zeros(3), "step": 5}, "entries that are no tensors: step"),
    ],
)
def test_what_is_no_state_is_refused(tmp_path, content, message):
    torch.save(content, tmp_path / "odd.pt")
    with pytest.raises(DataError, match=message):
        convert(tmp_path / "odd.pt", tmp_path / "odd.safetensors")


@pytest.mark.parametrize("content", [b"", b"certainly no pickle", b"PK\x03\x04 half a zip"])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "cut.pt").write_bytes(content)
    with pytest.raises(DataError, match=r"cut\.pt (cannot be read|is refused)"):
        convert(tmp_path / "cut.pt", tmp_path / "cut.safetensors")


def test_a_folder_of_shards_becomes_one_of_safetensors(tmp_path):
    import json

    one, two = {"a.weight": torch.ones(2)}, {"b.weight": torch.zeros(3)}
    torch.save(one, tmp_path / "pytorch_model-00001-of-00002.bin")
    torch.save(two, tmp_path / "pytorch_model-00002-of-00002.bin")
    listing = {"a.weight": "pytorch_model-00001-of-00002.bin", "b.weight": "pytorch_model-00002-of-00002.bin"}
    index = {"metadata": {"total_size": 20}, "weight_map": listing}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    convert(tmp_path, tmp_path / "out")
    made = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_text())
    assert made["metadata"] == {"total_size": 20}
    for name, file in made["weight_map"].items():
        assert torch.equal(load_file(tmp_path / "out" / file)[name], {**one, **two}[name])


def test_the_command_says_what_it_wrote_and_what_is_wrong(tmp_path, capsys):
    torch.save({"weight": torch.ones(1)}, tmp_path / "head.pt")
    assert main([str(tmp_path / "head.pt"), str(tmp_path / "head.safetensors")]) == 0
    assert capsys.readouterr().out == f"wrote {tmp_path / 'head.safetensors'}\n"
    assert main([str(tmp_path / "nothing.pt"), str(tmp_path / "x.safetensors")]) == 1
    assert "nothing.pt does not exist" in capsys.readouterr().err
    assert main([str(tmp_path / "head.pt"), str(tmp_path / "no" / "x.safetensors")]) == 1
    assert "is no folder" in capsys.readouterr().err


def test_it_runs_as_a_module(tmp_path):
    command = [sys.executable, "-m", "treewright_math.convert_weights", "nothing.pt", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("nothing.pt does not exist")
