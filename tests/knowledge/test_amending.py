"""Adding and removing: the store is what it would be had it been built from these records."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from tests.knowledge.stores import DESCRIPTION, build, of_array, records
from treewright_knowledge import IndexSettings, KnowledgeStore, Record, Source, StoreBuilder, amend
from treewright_registry import DataError

COSINE = replace(DESCRIPTION, metric="cosine")
VECTORS = np.random.default_rng(4).standard_normal((400, 16)).astype(np.float32)
KINDS = ["exact", "hnsw", "ivf", "ivf-sq8"]
everything = 400


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def chosen(numbers):
    return [records(everything)[number] for number in numbers]


def test_adding_and_removing_gives_the_bytes_of_a_store_built_at_once(tmp_path):
    build(tmp_path / "kb", 100, VECTORS, COSINE).close()
    amend(tmp_path / "kb", remove=["r3", "r99"], add=chosen(range(100, 130)), encode=of_array(VECTORS), chunk=7).close()
    left = chosen(number for number in range(130) if number not in (3, 99))
    KnowledgeStore.build(tmp_path / "new", left, of_array(VECTORS), COSINE).close()
    assert bytes_of(tmp_path / "kb") == bytes_of(tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kb", "new"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_added_is_found_and_what_is_removed_is_not(tmp_path, kind):
    index = IndexSettings(kind, breadth=everything)
    build(tmp_path / "kb", 300, VECTORS, COSINE, index=index).close()
    with amend(tmp_path / "kb", add=chosen(range(300, 400)), encode=of_array(VECTORS)) as store:
        assert [hits[0].id for hits in store.search(VECTORS, 1)] == [f"r{number}" for number in range(400)]
    with amend(tmp_path / "kb", remove=[f"r{number}" for number in range(0, 400, 2)]) as store:
        assert len(store) == 200
        assert [hits[0].id for hits in store.search(VECTORS[1::2], 1)] == [f"r{n}" for n in range(1, 400, 2)]
        assert {hit.id for hits in store.search(VECTORS, 400) for hit in hits} == {f"r{n}" for n in range(1, 400, 2)}
    KnowledgeStore.open(tmp_path / "kb").close()


def test_the_lists_of_an_inverted_file_are_kept_until_the_store_has_doubled(tmp_path):
    build(tmp_path / "kb", 100, VECTORS, COSINE, index=IndexSettings("ivf", lists=5)).close()
    with amend(tmp_path / "kb", add=chosen(range(100, 200)), encode=of_array(VECTORS)) as store:
        assert store.info().index.lists == 2  # 100 vectors can train two lists
    with amend(tmp_path / "kb", add=chosen(range(200, 400)), encode=of_array(VECTORS)) as store:
        assert store.info().index.lists == 2
    with amend(tmp_path / "kb", index=IndexSettings("ivf", lists=5, seed=1)) as store:
        assert store.info().index.lists == 5


def test_another_index_can_be_put_over_the_same_records(tmp_path):
    build(tmp_path / "kb", 300, VECTORS, COSINE).close()
    before = bytes_of(tmp_path / "kb")
    with amend(tmp_path / "kb", index=IndexSettings("hnsw")) as store:
        assert store.info().index.kind == "hnsw"
        assert store.search(VECTORS[:1], 1)[0][0].id == "r0"
    amend(tmp_path / "kb", index=IndexSettings("exact")).close()
    assert bytes_of(tmp_path / "kb") == before


def test_a_record_is_replaced_by_removing_and_adding_its_id(tmp_path):
    build(tmp_path / "kb", 3, VECTORS, COSINE).close()
    with amend(tmp_path / "kb", remove=["r1"], add=[Record("r1", "new")], encode=of_array(VECTORS)) as store:
        assert [(record.id, record.content) for record in store] == [
            ("r0", "content 0"), ("r2", "content 2"), ("r1", "new"),
        ]  # fmt: skip


def test_the_sources_of_what_is_added_are_listed_once(tmp_path):
    build(tmp_path / "kb", 3, VECTORS, COSINE).close()
    more = Source("more.txt", "cd" * 32)
    for number in (3, 4):
        amend(tmp_path / "kb", add=chosen([number]), encode=of_array(VECTORS), sources=[more]).close()
    with KnowledgeStore.open(tmp_path / "kb") as store:
        assert store.info().description.sources == (*DESCRIPTION.sources, more)


def test_a_change_that_changes_nothing_writes_nothing(tmp_path):
    build(tmp_path / "kb", 50, VECTORS, COSINE, index=IndexSettings("hnsw")).close()
    before = {path.name: path.stat().st_ino for path in (tmp_path / "kb").iterdir()}
    more = Source("more.txt", "cd" * 32)
    with amend(tmp_path / "kb", sources=[more], index=IndexSettings("hnsw", lists=9), options={"size": 3}) as store:
        assert store.info().description == COSINE
    assert {path.name: path.stat().st_ino for path in (tmp_path / "kb").iterdir()} == before


def test_other_options_of_the_component_are_kept_with_the_same_records(tmp_path):
    build(tmp_path / "kb", 3, VECTORS, COSINE).close()
    with amend(tmp_path / "kb", options={"index": "exact"}) as store:
        assert (store.info().description.options, len(store)) == ({"index": "exact"}, 3)


STEPS = [Record(name, name) for name in ("p-1/1", "p-1/2", "p-10/1", "p-1", "q/p-1/1", "p-2/1", "F/*", "F/C")]


@pytest.mark.parametrize(
    ("remove", "left"),
    [
        (["p-1/*"], ["p-10/1", "p-1", "q/p-1/1", "p-2/1", "F/*", "F/C"]),
        (["p-1/*", "p-1/1", "p-1", "p-2/*"], ["p-10/1", "q/p-1/1", "F/*", "F/C"]),
        (["q/*"], ["p-1/1", "p-1/2", "p-10/1", "p-1", "p-2/1", "F/*", "F/C"]),
        (["F/*"], ["p-1/1", "p-1/2", "p-10/1", "p-1", "q/p-1/1", "p-2/1", "F/C"]),  # there is a record of that very id
    ],
)
def test_all_steps_of_a_problem_are_removed_by_its_id(tmp_path, remove, left):
    KnowledgeStore.build(tmp_path / "kb", STEPS, None, COSINE).close()
    with amend(tmp_path / "kb", remove=remove) as store:
        assert [record.id for record in store] == left


def test_a_problem_without_steps_is_named_and_nothing_is_removed(tmp_path):
    KnowledgeStore.build(tmp_path / "kb", STEPS, None, COSINE).close()
    with pytest.raises(DataError) as error:
        amend(tmp_path / "kb", remove=["p-1/*", "p-1/1", "p-3/*", "p-2"])
    assert str(error.value) == f"{tmp_path / 'kb'}: there is no record 'p-3/*', 'p-2'; nothing was removed"
    with KnowledgeStore.open(tmp_path / "kb") as store:
        assert len(store) == len(STEPS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"remove": ["r1", "x", "y"]}, "there is no record 'x', 'y'; nothing was removed"),
        ({"add": records(1), "encode": of_array(VECTORS)}, "record 6 has the id 'r0' of record 1"),
        ({"add": [Record("r9", 1)]}, "records from 6 on have no vectors, those before them have"),
        (
            {"add": [Record("r9", 1)], "encode": lambda chunk: [[1.0]]},
            "record vectors have shape (1, 1), expected (n, 16)",
        ),
    ],
)
def test_a_change_that_cannot_be_leaves_the_store_as_it_was(tmp_path, change, message):
    build(tmp_path / "kb", 5, VECTORS, COSINE).close()
    before = bytes_of(tmp_path / "kb")
    with pytest.raises(DataError) as error:
        amend(tmp_path / "kb", **change)
    assert message in str(error.value)
    assert bytes_of(tmp_path / "kb") == before
    assert list(tmp_path.iterdir()) == [tmp_path / "kb"]


def test_a_store_whose_further_files_belong_to_its_records_is_not_changed(tmp_path):
    with StoreBuilder(tmp_path / "kb", DESCRIPTION) as builder:
        builder.add(records(2))
        builder.extra("needs.npy").write_bytes(b"1")
    with pytest.raises(DataError) as error:
        amend(tmp_path / "kb", remove=["r0"])
    repair = "build the knowledge base anew: treewright kb build --replace"
    assert str(error.value) == (
        f"{tmp_path / 'kb'}: has files that belong to exactly these records (needs.npy)\n    {repair}"
    )


def test_a_damaged_store_is_not_carried_on(tmp_path):
    build(tmp_path / "kb", 5, VECTORS, COSINE).close()
    data = bytearray((tmp_path / "kb" / "vectors.npy").read_bytes())
    data[-1] ^= 1
    (tmp_path / "kb" / "vectors.npy").write_bytes(data)
    with pytest.raises(DataError, match=r"vectors\.npy: corrupted"):
        amend(tmp_path / "kb", remove=["r0"])


KILLED = """
import sys, time
from pathlib import Path
import numpy as np
from treewright_knowledge import Description, KnowledgeStore, Record

def stream():
    for number in range(10**6):
        if number == 500:
            print("half way", flush=True)
            time.sleep(60)
        yield Record(f"new{number}", number)

KnowledgeStore.build(Path("kb"), stream(), lambda chunk: np.ones((len(chunk), 16)), Description(), chunk=100)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_killed_build_leaves_the_old_store_and_the_next_one_clears_up(tmp_path):
    build(tmp_path / "kb", 5, VECTORS, COSINE).close()
    before = bytes_of(tmp_path / "kb")
    process = subprocess.Popen([sys.executable, "-c", KILLED], cwd=tmp_path, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"half way\n"
    assert len(list(tmp_path.glob(".kb.building-*"))) == 1
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    assert bytes_of(tmp_path / "kb") == before
    with KnowledgeStore.open(tmp_path / "kb") as store:
        assert len(store) == 5
    build(tmp_path / "kb", 6, VECTORS, COSINE).close()
    assert list(tmp_path.iterdir()) == [tmp_path / "kb"]


def damage(path, at):
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def test_a_fast_check_of_a_small_store_finds_a_single_changed_byte(tmp_path):
    KnowledgeStore.build(tmp_path / "kb", [Record("big", "x" * 5_000_000)], None, DESCRIPTION).close()
    damage(tmp_path / "kb" / "records.jsonl", 4096 + 100)  # between two of the sampled blocks
    with pytest.raises(DataError, match=r"records\.jsonl: corrupted or replaced: its SHA-256 is "):
        KnowledgeStore.open(tmp_path / "kb", verify="fast")


def test_a_fast_check_of_a_large_store_does_not_read_all_of_it(tmp_path):
    folder = tmp_path / "kb"
    with StoreBuilder(folder, DESCRIPTION) as builder:
        builder.add([Record("big", "x" * 5_000_000)])
        with builder.extra("zeros").open("wb") as file:
            file.truncate(260_000_000)
    damage(folder / "records.jsonl", 4096 + 100)
    began = time.process_time()
    KnowledgeStore.open(folder, verify="fast").close()
    assert time.process_time() - began < 0.1
    with pytest.raises(DataError, match=r"records\.jsonl: corrupted or replaced: its SHA-256 is "):
        KnowledgeStore.open(folder)
    with (folder / "records.jsonl").open("r+b") as file:
        file.seek(200_000)
        file.write(bytes(200_000))
    with pytest.raises(DataError, match=r"records\.jsonl: corrupted or replaced: its sample's SHA-256 is "):
        KnowledgeStore.open(folder, verify="fast")
