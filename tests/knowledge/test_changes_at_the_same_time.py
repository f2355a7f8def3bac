"""Two that build or change one knowledge base do so one after the other, and neither loses the other's work."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.knowledge.stores import DESCRIPTION, build, of_array, records, whole_vectors
from treewright_knowledge import KnowledgeStore, StoreBuilder, amend, changing

pytestmark = pytest.mark.skipif(os.name != "posix", reason="locks by flock")

HOLDER = """
import sys
from pathlib import Path
from treewright_knowledge import changing
with changing(Path("kb"), lambda: print("waits", flush=True)):
    print("holds", flush=True)
    sys.stdin.readline()
"""
REMOVER = """
import sys
from pathlib import Path
from treewright_knowledge import amend
print("ready", flush=True)
sys.stdin.readline()
amend(Path("kb"), remove=[sys.argv[1]]).close()
"""


def start(folder, program, *arguments):
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def end(process):
    output, _ = process.communicate("\n", timeout=60)
    assert process.returncode == 0
    return output


def test_processes_that_remove_different_records_at_once_all_succeed(tmp_path):
    build(tmp_path / "kb", 10).close()
    removers = [start(tmp_path, REMOVER, f"r{number}") for number in range(4)]
    assert {remover.stdout.readline() for remover in removers} == {"ready\n"}
    for remover in removers:
        remover.stdin.write("\n")
        remover.stdin.flush()
    for remover in removers:
        end(remover)
    with KnowledgeStore.open(tmp_path / "kb") as store:
        assert [record.id for record in store] == [f"r{number}" for number in range(4, 10)]
    assert list(tmp_path.iterdir()) == [tmp_path / "kb"]


def test_threads_that_add_different_records_at_once_all_succeed(tmp_path):
    build(tmp_path / "kb", 2, whole_vectors(20)).close()
    encode = of_array(whole_vectors(20))
    with ThreadPoolExecutor(6) as pool:
        for number in range(2, 20):
            pool.submit(lambda n=number: amend(tmp_path / "kb", add=[records(20)[n]], encode=encode).close())
    with KnowledgeStore.open(tmp_path / "kb") as store:
        assert {record.id for record in store} == {f"r{number}" for number in range(20)}


def test_a_second_process_waits_and_says_so_once(tmp_path):
    first = start(tmp_path, HOLDER)
    assert first.stdout.readline() == "holds\n"
    second = start(tmp_path, HOLDER)
    assert second.stdout.readline() == "waits\n"
    assert end(first) == ""
    assert second.stdout.readline() == "holds\n"
    assert end(second) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_killed_holder_leaves_no_lock_behind(tmp_path):
    first = start(tmp_path, HOLDER)
    assert first.stdout.readline() == "holds\n"
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=10)
    assert [path.name for path in tmp_path.iterdir()] == [".kb.lock"]
    with changing(tmp_path / "kb", lambda: pytest.fail("nobody holds the lock")):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_build_waits_for_the_one_that_builds_there(tmp_path):
    done = []

    def other():
        build(tmp_path / "kb", 7).close()
        done.append("other")

    thread = threading.Thread(target=other)
    with StoreBuilder(tmp_path / "kb", DESCRIPTION) as builder:
        thread.start()
        thread.join(0.3)
        builder.add(records(3), whole_vectors(3))
        done.append("first")
    thread.join(30)
    assert done == ["first", "other"]
    with KnowledgeStore.open(tmp_path / "kb") as store:
        assert len(store) == 7


def test_who_holds_the_lock_may_build_and_change(tmp_path):
    with changing(tmp_path / "kb"):
        build(tmp_path / "kb", 3).close()
        amend(tmp_path / "kb", remove=["r0"]).close()
        assert (tmp_path / ".kb.lock").exists()
    assert list(tmp_path.iterdir()) == [tmp_path / "kb"]


def test_a_build_that_fails_lets_the_lock_go(tmp_path):
    with pytest.raises(KeyError), StoreBuilder(tmp_path / "kb", DESCRIPTION):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
