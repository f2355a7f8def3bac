"""Several changes of a store as one: all of them, or none."""

import os
import signal
import subprocess
import sys

import pytest

from tests.knowledge.stores import build, of_array, records, whole_vectors
from treewright_knowledge import IndexSettings, KnowledgeStore, amend, staged
from treewright_registry import DataError

HALFWAY = """
import sys
from pathlib import Path
from treewright_knowledge import amend, staged
with staged(Path("kb")) as twin:
    amend(twin, remove=["r0"]).close()
    print("half way", flush=True)
    sys.stdin.readline()
"""


def ids(folder):
    with KnowledgeStore.open(folder) as store:
        return [record.id for record in store]


def files(folder):
    return {path.name: (path.stat().st_ino, path.read_bytes()) for path in folder.iterdir()}


def test_steps_take_place_together_at_the_end(tmp_path):
    build(tmp_path / "kb", 3, whole_vectors(5)).close()
    with staged(tmp_path / "kb") as twin:
        amend(twin, remove=["r0"], index=IndexSettings("hnsw")).close()
        amend(twin, add=records(5)[3:], encode=of_array(whole_vectors(5))).close()
        assert ids(tmp_path / "kb") == ["r0", "r1", "r2"]
    assert ids(tmp_path / "kb") == ["r1", "r2", "r3", "r4"]
    assert list(tmp_path.iterdir()) == [tmp_path / "kb"]


def test_a_step_that_fails_leaves_every_byte_and_names_the_store(tmp_path):
    build(tmp_path / "kb", 3).close()
    before = files(tmp_path / "kb")
    with pytest.raises(DataError) as refused, staged(tmp_path / "kb") as twin:
        amend(twin, remove=["r0"]).close()
        amend(twin, remove=["r0"]).close()
    assert str(refused.value) == f"{tmp_path / 'kb'}: there is no record 'r0'; nothing was removed"
    assert files(tmp_path / "kb") == before
    assert list(tmp_path.iterdir()) == [tmp_path / "kb"]


def test_a_twin_that_was_not_changed_goes(tmp_path):
    build(tmp_path / "kb", 3).close()
    before = files(tmp_path / "kb")
    with staged(tmp_path / "kb"):
        pass
    assert files(tmp_path / "kb") == before
    assert list(tmp_path.iterdir()) == [tmp_path / "kb"]


def test_there_must_be_a_store(tmp_path):
    with pytest.raises(DataError, match="there is no such knowledge base"), staged(tmp_path / "kb"):
        pytest.fail("there is nothing to change")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_killed_between_two_steps_the_store_is_as_before_and_the_next_change_clears_up(tmp_path):
    build(tmp_path / "kb", 3).close()
    before = files(tmp_path / "kb")
    command = [sys.executable, "-c", HALFWAY]
    process = subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "half way\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)
    assert files(tmp_path / "kb") == before
    assert {path.name.split("-")[0] for path in tmp_path.iterdir()} == {"kb", ".kb.lock", ".kb.building"}
    amend(tmp_path / "kb", remove=["r2"]).close()
    assert (ids(tmp_path / "kb"), list(tmp_path.iterdir())) == (["r0", "r1"], [tmp_path / "kb"])
