"""Building ``chemistry/substructures``: what is counted, left out, refused, and that it is whole or not there."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rdkit import Chem

from treewright_chemistry import substructure_harvest
from treewright_chemistry.capped_pieces import capped_block
from treewright_chemistry.held_out import reserved_blocks
from treewright_chemistry.knowledge_base import Substructures
from treewright_chemistry.reserved_molecules import closed_book_sign
from treewright_chemistry.structures import inchikey14
from treewright_chemistry.substructure_records import load_substructures, load_vectors
from treewright_chemistry.substructures import collect
from treewright_knowledge import KnowledgeStore
from treewright_registry import ConfigurationError, DataError, KnowledgeBuild

ETHANOL, BENZENE = "LFQSCWFLJHTTHZ", "UHOVQNZJYSORNB"
MOLECULES = [
    "CCOc1ccccc1", "CC(=O)Nc1ccccc1", "CS(=O)(=O)c1ccc(Cl)cc1", "CCO", "c1ccccc1", "O=[N+]([O-])c1ccccc1",
    "CCOCC", "c1ccc2[nH]ccc2c1", "CCCc1ccc2[nH]ccc2c1", "COC(C)=O", "CCN(CC)CC",
]  # fmt: skip
PLAIN = {"vectors": False, "windows": False, "least": 1}


def built(folder, lines, *, options=PLAIN, name="list.smi"):
    source = folder / name
    source.write_text("\n".join(lines) + "\n")
    order = KnowledgeBuild((source,), folder / "kb", "chemistry/substructures", {}, "2026-01-31", lambda *_: None)
    return Substructures(**options).build(order)


def complaint(folder, lines, options=PLAIN):
    with pytest.raises(DataError) as caught:
        built(folder, lines, options=options)
    return str(caught.value)


def test_records_are_the_counted_pieces_with_text_and_provenance(tmp_path):
    built(tmp_path, MOLECULES, options={**PLAIN, "exclude": False})
    expected = collect(map(Chem.MolFromSmiles, MOLECULES), limit=100)
    assert list(load_substructures(tmp_path / "kb")) == expected
    with KnowledgeStore.open(tmp_path / "kb") as store:
        record = store.get("*OCC")
        assert record.content["text"] == (
            "functional group with ether; C2H5O, 0 degrees of unsaturation; bound through 1 O"
        )
        assert record.provenance == "1 times in 11 molecules, first in list.smi:1"
        assert store.get("*[N+](=O)[O-]").content["kind"] == "charged group"


def test_the_threshold_and_the_limit_keep_the_most_common(tmp_path):
    built(tmp_path, MOLECULES, options={**PLAIN, "least": 3, "most": 2})
    assert [(each.smiles, each.count) for each in load_substructures(tmp_path / "kb")] == [("*CC", 6), ("*c1ccccc1", 3)]


def test_figures_tell_what_became_of_every_line(tmp_path):
    figures = built(tmp_path, [*MOLECULES, "no molecule", "C[N+](C)(C)C", MOLECULES[0]], options=PLAIN)
    del figures["kept out"]
    assert figures == {
        "lines read": 14,
        "molecules cut": 12,
        "not cut": 1,
        "left out": 0,
        "refused": 1,
        "searchable": 12,
        "for example": "list.smi:12: not a valid SMILES",
    }
    assert json.loads((tmp_path / "kb" / "build.json").read_text())["refused"] == 1


def test_refused_lines_are_listed_with_their_reason(tmp_path):
    built(tmp_path, ["CCOCC", "C(C)(C)(C)(C)C", "CCOCC", "C1" + "C" * 30 + "O" + "C" * 31 + "1"])
    assert (tmp_path / "kb" / "refused.tsv").read_text() == (
        "file\tline\ttext\treason\n"
        "list.smi\t2\tC(C)(C)(C)(C)C\tnot a valid SMILES\n"
        f"list.smi\t4\tC1{'C' * 30}O{'C' * 27}\t63 heavy atoms exceed the limit of 60\n"
    )


def test_bombs_are_refused_quickly_and_by_name(tmp_path):
    bombs = ["C" * 10_000, "C1" + "C" * 900 + "1", "C1" + "C" * 64 + "1", "[" * 1_000, "C(" * 500 + "C" + ")" * 500]
    bombs += ["c1ccccc1" * 200, "C%10" * 400, "C1CC2" * 300, "[2H]" * 700 + "C", "." * 1_000, "C.C" * 300]
    options = {**PLAIN, "largest": 100}
    begin = time.perf_counter()
    figures = built(tmp_path, [*bombs, "CCOCC"], options=options)
    assert time.perf_counter() - begin < 20
    assert (figures["lines read"], figures["refused"], figures["molecules cut"]) == (12, 11, 1)
    reasons = [line.split("\t")[3] for line in (tmp_path / "kb" / "refused.tsv").read_text().splitlines()[1:]]
    assert reasons[:3] == [
        "its 10000 or more characters exceed the limit of 2000",
        "901 heavy atoms exceed the limit of 100",
        "a ring of 65 atoms exceeds the limit of 60",
    ]


def test_molecules_to_be_left_out_are_in_neither_part(tmp_path):
    (tmp_path / "list.txt").write_text(f"# of the test\n{ETHANOL}\n{BENZENE}\n")
    options = {**PLAIN, "excluded": str(tmp_path / "list.txt")}
    figures = built(tmp_path, MOLECULES, options=options)
    assert (figures["left out"], figures["searchable"]) == (2, 9)
    assert figures["kept out"] == "the 256 held-out and 339 benchmark molecules and the 2 of list.txt"
    found = Substructures(**options).search(tmp_path / "kb", "*", 100)
    blocks = {inchikey14(Chem.MolFromSmiles(hit.id)) for hit in found}
    assert len(found) == 9 and not blocks & {ETHANOL, BENZENE}


def test_benchmark_and_demonstration_molecules_are_left_out_without_any_data_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("TREEWRIGHT_DATA", raising=False)
    vanillin, pyridine = "COc1cc(C=O)ccc1O", "c1ccncc1"
    figures = built(tmp_path, [vanillin, pyridine, *MOLECULES])
    assert (figures["left out"], figures["kept out"]) == (2, "the 256 held-out and 339 benchmark molecules")
    assert json.loads((tmp_path / "kb" / "build.json").read_text())["closed book"] == closed_book_sign()


def test_pieces_that_are_reserved_molecules_when_capped_are_left_out(tmp_path):
    held = ["CCOc1ccccn1", "CC(=O)Oc1ccc2ccc(=O)oc2c1"]  # pyridine is of a benchmark, coumarin of the demonstration
    pieces = {"*c1ccccn1", "*c1ccc2ccc(=O)oc2c1", "*OC(C)=O"}
    built(tmp_path, held, options={**PLAIN, "exclude": False})
    assert pieces <= {each.smiles for each in load_substructures(tmp_path / "kb")}
    assert "closed book" not in json.loads((tmp_path / "kb" / "build.json").read_text())
    built(tmp_path, held)
    found = {each.smiles for each in load_substructures(tmp_path / "kb")}
    assert found & pieces == {"*OC(C)=O"}
    assert not {capped_block(smiles) for smiles in found} & reserved_blocks()
    assert [each.smiles for each in collect(map(Chem.MolFromSmiles, held), limit=99) if each.smiles not in found] == [
        "*c1ccc2ccc(=O)oc2c1", "*c1ccccn1",
    ]  # fmt: skip


def test_a_list_that_was_asked_for_must_be_there_and_be_one(tmp_path):
    options = {**PLAIN, "excluded": str(tmp_path / "gone.txt")}
    assert complaint(tmp_path, MOLECULES, options) == f"excluded: {tmp_path / 'gone.txt'}: there is no such file"
    (tmp_path / "gone.txt").write_text("CCO\n")
    assert complaint(tmp_path, MOLECULES, options).startswith(f"{tmp_path / 'gone.txt'}:1: 'CCO' is no first block")


def test_a_list_of_nothing_usable_is_refused_with_the_first_reason(tmp_path):
    assert complaint(tmp_path, ["one", "two"]) == (
        f"{tmp_path / 'list.smi'}: none of 2 lines is a molecule that can be used; line 1, 'one': not a valid SMILES"
        "\n    give a list of SMILES, one a line, or a table with a column 'smiles'"
    )


def test_a_threshold_that_nothing_reaches_is_explained(tmp_path):
    assert complaint(tmp_path, MOLECULES, {**PLAIN, "least": 50}) == (
        f"{tmp_path / 'list.smi'}: no substructure occurs 50 times in 11 molecules"
        "\n    lower the threshold: --set least=1"
    )


@pytest.mark.parametrize("name", ["least", "most", "largest", "workers"])
def test_a_senseless_option_is_named(name):
    with pytest.raises(ConfigurationError, match=f"^{name}: must be at least 1, not 0$"):
        Substructures(**{name: 0})


def test_a_build_that_fails_leaves_what_was_there_and_nothing_else(tmp_path):
    built(tmp_path, MOLECULES)
    before = (tmp_path / "kb" / "manifest.json").read_bytes()
    broken = tmp_path / "list.smi.gz"
    broken.write_bytes(gzip.compress("\n".join(MOLECULES * 20).encode())[:-20])
    order = KnowledgeBuild((broken,), tmp_path / "kb", "chemistry/substructures", {}, "2026-01-31", lambda *_: None)
    with pytest.raises(DataError, match=r"list\.smi\.gz: after line \d+: cannot be read, truncated"):
        Substructures(**PLAIN).build(order)
    assert (tmp_path / "kb" / "manifest.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kb", "list.smi", "list.smi.gz"]


def test_the_result_does_not_depend_on_the_number_of_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(substructure_harvest, "CHUNK", 3)
    stores = []
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        folder.mkdir()
        built(folder, [*MOLECULES, "no molecule"], options={**PLAIN, "windows": True, "workers": workers})
        stores.append({path.name: path.read_bytes() for path in (folder / "kb").iterdir()})
    assert stores[0] == stores[1]


def test_vectors_are_those_of_the_encoder_in_the_order_of_the_records(tmp_path):
    from treewright_chemistry.encoder import DualEncoder

    built(tmp_path, MOLECULES, options={**PLAIN, "vectors": True})
    vectors = load_vectors(tmp_path / "kb")
    expected = DualEncoder.load().substructure_vectors(load_substructures(tmp_path / "kb"))
    assert vectors.shape == expected.shape == (len(load_substructures(tmp_path / "kb")), 256)
    assert abs(vectors - expected).max() < 1e-5


def started(folder):
    """A build of a long list in a process of its own, with two more that read; returns it once they do."""
    source = folder / "long.smi"
    source.write_text("".join(f"CC{'C' * (n % 40)}(C)C{'CO' * (n % 7)}c1ccccc1\n" for n in range(60_000)))
    command = [sys.executable, "-m", "treewright", "kb", "build", "chemistry/substructures", "--source", str(source)]
    command += ["--out", str(folder / "kb")]
    command += [word for option in ("workers=2", "windows=false", "vectors=false") for word in ("--set", option)]
    build = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert build.stderr is not None
    assert build.stderr.readline().startswith("read: 1,000 of 60,000 records")
    return build


def group_is_gone(group, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups")
def test_ctrl_c_leaves_neither_files_nor_processes(tmp_path):
    build = started(tmp_path)
    os.killpg(build.pid, signal.SIGINT)
    _, told = build.communicate(timeout=120)
    assert (build.returncode, told.splitlines()[-1]) == (130, "interrupted")
    assert [path.name for path in tmp_path.iterdir()] == ["long.smi"]
    assert group_is_gone(build.pid)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups")
def test_a_killed_build_leaves_no_processes_and_its_files_go_with_the_next_build(tmp_path):
    build = started(tmp_path)
    build.kill()
    build.communicate(timeout=120)
    assert group_is_gone(build.pid)
    lock, left = sorted(path.name for path in tmp_path.iterdir() if path.name != "long.smi")
    assert lock == ".kb.lock"
    assert left.startswith(".kb.molecules.building-")
    built(tmp_path, MOLECULES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kb", "list.smi", "long.smi"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found through /proc")
def test_a_killed_reader_ends_the_build_with_advice(tmp_path):
    build = started(tmp_path)
    children = Path(f"/proc/{build.pid}/task").glob("*/children")
    for child in " ".join(path.read_text() for path in children).split():
        if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
            os.kill(int(child), signal.SIGKILL)
    _, told = build.communicate(timeout=120)
    assert build.returncode == 2
    assert "was killed, perhaps for want of memory\n    take fewer: --set workers=1" in told
    assert [path.name for path in tmp_path.iterdir()] == ["long.smi"]
