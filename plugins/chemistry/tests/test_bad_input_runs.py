"""Bad input through whole runs: every bad problem is a recorded error, every other one is solved."""

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

import treewright_chemistry
from treewright.cli.main import main

SMALL = ["--set", "budget.inner_evaluations=60", "--set", "policy.evaluations=20"]
GOOD = "- {name: good, formula: C2H4O2, c13: '178.1, 20.8', h1: '2.10 (3H, s)', evidence: soft}\n"
BAD = {
    "no formula at all": ("formula: C8H8Xx, c13: '20'", "formula: element 'Xx' in 'C8H8Xx' is not supported."),
    "impossible formula": ("formula: C2H9, c13: '20'", "formula: 'C2H9' has more hydrogens or halogens"),
    "nothing with carbon": ("formula: HNO3, h1: '11.2'", "formula: HNO3 has no carbon. Only shifts of carbon"),
    "enormous formula": ("formula: C99999999999, c13: '20'", "formula: "),
    "counts against formula": (
        "formula: C2H6O, c13: '18.0 (1C), 58.0 (2C)', evidence: exact",
        "13C counts: the lines count 3 C, C2H6O has 2.",
    ),
    "hydrogens against formula": (
        "formula: C2H6O, h1: '1.2 (9H, t)', evidence: exact",
        "1H counts: the lines count 9 H, C2H6O has only 6.",
    ),
    "empty spectrum": ("formula: C2H6O, c13: '', h1: ''", "13C and 1H: the spectrum is empty."),
    "absurd carbon": ("formula: C2H6O, c13: '18.0, 5800'", "13C group 2: a shift of 5800 ppm is absurd"),
    "absurd proton": ("formula: C2H6O, h1: '118'", "1H group 1: a shift of 118 ppm is absurd"),
    "not a number": ("formula: C2H6O, c13: 'nan, 20'", "13C group 1: 'nan' does not begin with a shift."),
    "raw data": (f"formula: C2H6O, c13: '{'1.0, ' * 500}2'", "13C list: 501 groups exceed the limit of 400."),
    "no evidence": ("formula: C2H6O, c13: '18.0, 58.0', evidence: ''", "evidence: it is not said how far"),
    "unknown field": ("formula: C2H6O, c13: '18.0', p31: '1'", "spectrum: unknown field 'p31'."),
}


def results(folder):
    lines = (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["id"]: record for record in map(json.loads, lines)}


def test_every_bad_spectrum_is_an_error_of_its_own_and_the_others_are_solved(tmp_path, capsys):
    file, out = tmp_path / "unknowns.yaml", tmp_path / "run"
    rows = [
        f"- {{name: {name}, {fields}{'' if 'evidence' in fields else ', evidence: soft'}}}\n"
        for name, (fields, _) in BAD.items()
    ]
    file.write_text("".join([*rows[:5], GOOD, *rows[5:], "- nonsense\n"]))
    assert main(["run", "chemistry/elucidate", "--input", str(file), "--out", str(out), *SMALL]) == 1
    records = results(out)
    assert list(records) == [*list(BAD)[:5], "good", *list(BAD)[5:], "15"]
    assert (records["good"]["answer"], records["good"]["error"]) == ("CC(=O)O", None)
    for name, (_, message) in BAD.items():
        assert records[name]["error"].startswith(f"{file}: spectrum {name}: {message}")
        assert (records[name]["answer"], records[name]["cost"]) == (None, {})
    assert records["15"]["error"].startswith(f"{file}: spectrum 15: 'nonsense' is no spectrum.")
    shown = capsys.readouterr().out
    assert "empty spectrum: no structure (" in shown
    assert "accuracy" not in shown
    assert json.loads((out / "summary.json").read_text())["failures"] == len(BAD) + 1


def test_a_range_with_millions_of_readings_is_searched_like_any_other(tmp_path):
    file, out = tmp_path / "unknown.yaml", tmp_path / "run"
    inside = ", ".join(f"{30 + tenth / 10:.1f} (s)" for tenth in range(1, 11))
    file.write_text(f"{{formula: C40H82, c13: '30.0-32.0 (40C, {inside})', evidence: exact}}")
    command = ["run", "chemistry/elucidate", "--input", str(file), "--out", str(out), *SMALL]
    done = subprocess.run([sys.executable, "-m", "treewright", *command], capture_output=True, text=True, timeout=300)
    assert (done.returncode, results(out)["1"]["error"]) == (0, None)


def test_a_formula_without_a_molecule_is_told_so(tmp_path):
    file, out = tmp_path / "unknown.yaml", tmp_path / "run"
    file.write_text("{name: carbon, formula: C, c13: '128', evidence: soft}")
    assert main(["run", "chemistry/elucidate", "--input", str(file), "--out", str(out), *SMALL]) == 1
    assert results(out)["carbon"]["error"].endswith("no molecule of the formula C was found")


def test_a_file_without_any_readable_spectrum_is_wrong_input(tmp_path, capsys):
    file = tmp_path / "unknowns.yaml"
    file.write_text("- {formula: C8H8Xx, c13: 20, evidence: soft}\n- {formula: CO2, c13: '', evidence: soft}\n")
    assert main(["run", "chemistry/elucidate", "--input", str(file), "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert f"{file}: spectrum 1: formula: element 'Xx'" in said
    assert f"{file}: spectrum 2: 13C and 1H: the spectrum is empty." in said
    assert not (tmp_path / "run").exists()


def test_jcamp_tables_from_standard_input_are_solved(tmp_path, monkeypatch):
    head = "##TITLE= acetic acid\n##JCAMP-DX= 5.00\n##DATA TYPE= NMR PEAK TABLE\n##XUNITS= PPM\n"
    carbon = "##.OBSERVE NUCLEUS= ^13C\n##PEAK TABLE= (XY..XY)\n178.1, 3 20.8, 9\n##END=\n"
    proton = "##.OBSERVE NUCLEUS= ^1H\n##PEAK TABLE= (XY..XY)\n2.10, 9\n##END=\n"
    content = (head + carbon + head + proton).encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    said = ["--set", "task.formula=C2H4O2", "--set", "task.evidence=soft"]
    code = main(["run", "chemistry/elucidate", "--input", "-", "--out", str(tmp_path / "run"), *said, *SMALL])
    assert (code, results(tmp_path / "run")["acetic acid"]["answer"]) == (0, "CC(=O)O")


def test_standard_input_that_cannot_be_read_is_called_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"formula: C8H8Xx\nc13: 20\nevidence: soft")))
    assert main(["run", "chemistry/elucidate", "--input", "-", "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert "standard input: spectrum 1: formula: element 'Xx'" in said
    assert str(tmp_path) not in said


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the installed package, to be damaged."""
    folder = tmp_path_factory.mktemp("installed")
    original = Path(str(treewright_chemistry.__file__)).parent
    shutil.copytree(original, folder / original.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@contextmanager
def damaged(path, damage):
    """The file is cut in half, or two bytes in its middle are others, or one digit is (and all can still be parsed)."""
    whole = path.read_bytes()
    middle = len(whole) // 2
    digit = whole.index(b"1", middle) if damage == "changed" else middle
    other = {
        "truncated": whole[:middle],
        "corrupted": whole[:middle] + b"\xff\x00" + whole[middle + 2 :],
        "changed": whole[:digit] + b"7" + whole[digit + 1 :],
    }
    path.write_bytes(other[damage])
    try:
        yield path
    finally:
        path.write_bytes(whole)


def treewright(package, *words):
    command = [sys.executable, "-m", "treewright", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    # the folder where it starts comes first on Python's path
    return subprocess.run(command, env=environment, cwd=package, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("shifts.npz", "truncated", "is damaged: its "),
        ("shift_network.npz", "corrupted", "is damaged: its "),
        ("commonness.npz", "truncated", "is damaged: its "),
        ("encoder.safetensors", "corrupted", "is damaged: its "),
        ("encoder.json", "truncated", "is damaged: its "),
        ("cosine_weights.json", "truncated", "is damaged: its "),
        ("cosine_weights.json", "changed", "is damaged: its "),
        ("substructures.tsv", "truncated", "is damaged: its "),
        ("substructures.tsv", "changed", "is damaged: its "),
    ],
)
def test_a_damaged_model_file_stops_the_run_by_name(package, tmp_path, name, damage, said):
    file = tmp_path / "unknown.yaml"
    file.write_text(GOOD)
    with damaged(package / "treewright_chemistry" / "data" / name, damage) as path:
        done = treewright(package, "run", "chemistry/elucidate", "--input", file, "--out", tmp_path / "run", *SMALL)
    assert done.returncode == 2
    assert f"{path}: {said}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["excluded.txt", "held_out.txt"])
@pytest.mark.parametrize("damage", ["truncated", "corrupted"])
def test_a_damaged_list_of_reserved_molecules_stops_what_must_leave_them_out(package, tmp_path, name, damage):
    molecules = tmp_path / "molecules.smi"
    molecules.write_text("CCO\nCC(=O)O\n")
    with damaged(package / "treewright_chemistry" / "data" / name, damage) as path:
        words = ("kb", "build", "chemistry/substructures", "--source", molecules, "--out", tmp_path / "kb")
        done = treewright(package, *words)
    assert done.returncode == 2
    assert f"{path}: is damaged: its " in done.stderr
    assert "Traceback" not in done.stderr


ETHANOL = {"id": "None", "smiles": "CCO", "formula": "C2H6O", "c13": ["18.0 (1C, s), 58.0 (1C, s)"], "h1": [""]}
WRONG_RECORDS = {
    "10,000 atoms": ({"smiles": "C" * 10_000}, "smiles: 10000 characters exceed the limit of 2000."),
    "1,000 atoms": ({"smiles": "C" * 1_000}, "smiles: 1000 heavy atoms exceed the limit of 200."),
    "huge ring": ({"smiles": "C1" + "C" * 100 + "1"}, "smiles: a ring of 101 atoms exceeds the limit of 60."),
    "no structure": ({"smiles": "C1CC"}, "smiles: 'C1CC' is not a valid SMILES."),
    "no list": ({"c13": []}, "list index out of range"),
    "other formula": ({"formula": "C3H8O"}, "13C counts: the lines count 2 C, C3H8O has 3."),
}


def test_wrong_records_of_a_set_are_errors_of_their_own_and_equal_ids_are_told_apart(tmp_path):
    file, out = tmp_path / "records.json", tmp_path / "run"
    wrong = [{**ETHANOL, "id": name, **change} for name, (change, _) in WRONG_RECORDS.items()]
    file.write_text(json.dumps([ETHANOL, *wrong, ETHANOL, 7]))
    code = main(["run", "chemistry/molpuzzle", "--out", str(out), "--set", f"task.path={file}", *SMALL])
    assert code == 1
    records = results(out)
    assert [records[name]["answer"] for name in ("None", "None (2)")] == ["CCO", "CCO"]
    for number, (name, (_, message)) in enumerate(WRONG_RECORDS.items(), start=2):
        assert records[f"{name} (record {number})"]["error"].startswith(f"{file}: record {number}: {message}")
    assert "record 9" in records["(record 9)"]["error"]
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["n"], summary["failures"]) == (9, 7)
    assert summary["metrics"]["top_1"]["value"] == pytest.approx(2 / 9)
    assert summary["metrics"]["not_found"]["value"] == pytest.approx(7 / 9)


def test_damaged_quoted_spectra_are_named(package, tmp_path):
    with damaged(package / "treewright_chemistry" / "data" / "demo_spectra.json", "truncated") as path:
        done = treewright(package, "run", "chemistry/demo", "--out", tmp_path / "run", *SMALL)
    assert done.returncode == 2
    assert f"{path}: is damaged: its " in done.stderr
    assert "Traceback" not in done.stderr
