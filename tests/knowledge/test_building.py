"""Building: in a stream, whole or not at all, and the same bytes for the same input."""

import hashlib
import json

import numpy as np
import pytest

from tests.knowledge.stores import DESCRIPTION, build, of_array, records, whole_vectors
from treewright_knowledge import KnowledgeStore, Record, StoreBuilder
from treewright_registry import Blob, DataError, Text


def test_records_are_taken_from_the_stream_one_chunk_at_a_time(tmp_path):
    taken, seen = [], []

    def stream():
        for record in records(10):
            taken.append(record.id)
            yield record

    def encode(chunk):
        seen.append((len(chunk), len(taken)))
        return np.ones((len(chunk), 2))

    KnowledgeStore.build(tmp_path / "kb", stream(), encode, DESCRIPTION, chunk=4).close()
    assert seen == [(4, 4), (4, 8), (2, 10)]


def test_progress_tells_how_many_records_are_stored(tmp_path):
    told = []
    build(tmp_path / "kb", 10, chunk=4, progress=told.append).close()
    assert told == [4, 8, 10]


def test_the_chunk_size_does_not_show_in_the_store(tmp_path):
    for chunk in (1, 3, 100):
        build(tmp_path / f"kb{chunk}", 20, chunk=chunk).close()
    contents = [{path.name: path.read_bytes() for path in (tmp_path / f"kb{chunk}").iterdir()} for chunk in (1, 3, 100)]
    assert sorted(contents[0]) == ["ids.npy", "manifest.json", "offsets.npy", "records.jsonl", "vectors.npy"]
    assert contents[0] == contents[1] == contents[2]


def test_the_manifest_says_everything_about_the_store(tmp_path):
    build(tmp_path / "kb", 3).close()
    manifest = json.loads((tmp_path / "kb" / "manifest.json").read_text())
    files = manifest.pop("files")
    assert manifest == {
        "format": "treewright-knowledge",
        "version": 2,
        "count": 3,
        "dimension": 4,
        "index": {"kind": "exact"},
        "metric": "dot",
        "component": "toy/words",
        "options": {"size": 3},
        "encoder": {"name": "toy/letters", "version": "1"},
        "sources": [
            {
                "name": "words.txt",
                "sha256": "ab" * 32,
                "licence": "CC0",
                "url": "https://example.org/words",
            }
        ],
        "licence": "CC0: do as you like",
        "created": "2026-01-31",
    }
    data = (tmp_path / "kb" / "records.jsonl").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    assert files["records.jsonl"] == {"bytes": len(data), "sha256": digest, "sample": digest}
    assert sorted(files) == ["ids.npy", "offsets.npy", "records.jsonl", "vectors.npy"]


def test_the_opened_store_tells_what_its_maker_said(tmp_path):
    with build(tmp_path / "kb", 3) as store:
        assert store.info().description == DESCRIPTION


def test_vectors_and_records_are_plain_files_that_other_tools_read(tmp_path):
    build(tmp_path / "kb", 3, np.eye(3, dtype=np.float32)).close()
    assert np.load(tmp_path / "kb" / "vectors.npy").tolist() == np.eye(3).tolist()
    assert [json.loads(line) for line in (tmp_path / "kb" / "records.jsonl").read_text().splitlines()] == [
        {"id": f"r{n}", "content": f"content {n}", "provenance": f"words.txt:{n + 1}"} for n in range(3)
    ]


class Boom(Exception):
    pass


def failing(chunk):
    if chunk[0].id != "r0":
        raise Boom
    return np.ones((len(chunk), 4))


def test_an_exception_midway_leaves_the_old_store_intact_and_nothing_else(tmp_path):
    folder = tmp_path / "kb"
    build(folder, 5).close()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(Boom):
        KnowledgeStore.build(folder, records(8), failing, DESCRIPTION, chunk=2)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == [folder]


def test_an_exception_midway_leaves_nothing_where_nothing_was(tmp_path):
    with pytest.raises(Boom):
        KnowledgeStore.build(tmp_path / "kb", records(8), failing, DESCRIPTION, chunk=2)
    assert list(tmp_path.iterdir()) == []


def test_a_new_store_replaces_the_old_one_and_leaves_nothing_beside_it(tmp_path):
    build(tmp_path / "kb", 5).close()
    with build(tmp_path / "kb", 7) as store:
        assert len(store) == 7
    assert list(tmp_path.iterdir()) == [tmp_path / "kb"]


def test_a_store_that_is_open_stays_readable_while_it_is_replaced(tmp_path):
    with build(tmp_path / "kb", 5) as old, build(tmp_path / "kb", 7):
        assert [record.id for record in old] == ["r0", "r1", "r2", "r3", "r4"]


def test_a_folder_with_other_files_is_never_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError) as error:
        build(tmp_path, 3)
    what = "holds other files than a knowledge base, which would be lost"
    assert str(error.value) == f"{tmp_path}: {what}\n    choose another folder"
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "kb").write_text("")
    with pytest.raises(DataError, match="is a file; a knowledge base is a folder"):
        build(tmp_path / "kb", 3)


def test_an_interrupted_replacement_is_told_when_opening(tmp_path):
    build(tmp_path / ".kb.previous", 3).close()
    with pytest.raises(DataError) as error:
        KnowledgeStore.open(tmp_path / "kb")
    assert str(error.value) == (
        f"{tmp_path / 'kb'}: there is no such knowledge base"
        f"\n    an interrupted build kept the earlier one: rename {tmp_path / '.kb.previous'}"
        "\n    build the knowledge base anew: treewright kb build"
    )


def test_further_files_belong_to_the_store(tmp_path):
    with StoreBuilder(tmp_path / "kb", DESCRIPTION) as builder:
        builder.add(records(2))
        builder.extra("prints.bin").write_bytes(b"1234")
    with KnowledgeStore.open(tmp_path / "kb") as store:
        assert store.extra("prints.bin").read_bytes() == b"1234"
        assert store.info().files["prints.bin"].bytes == 4
        with pytest.raises(DataError, match=r"this knowledge base has no file 'other\.bin'"):
            store.extra("other.bin")


@pytest.mark.parametrize("name", ["manifest.json", "records.jsonl", "ids.npy", "a/b", "../a", ".hidden", ""])
def test_further_files_cannot_take_any_name(tmp_path, name):
    with StoreBuilder(tmp_path / "kb", DESCRIPTION) as builder:
        builder.add(records(1))
        with pytest.raises(ValueError, match="cannot name an extra file"):
            builder.extra(name)


def test_the_same_id_twice_is_refused(tmp_path):
    doubled = [*records(3), Record("r1", "again")]
    with pytest.raises(DataError) as error:
        KnowledgeStore.build(tmp_path / "kb", doubled, None, DESCRIPTION)
    unique = "ids must be unique within a knowledge base"
    assert str(error.value) == f"record 4 has the id 'r1' of record 2\n    {unique}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.ones((2, 4)), "2 vectors for 3 records; each record needs exactly one"),
        (np.ones(3), "record vectors have shape (3,), expected (n, dimension)"),
        (np.ones((3, 0)), "record vectors have shape (3, 0), expected (n, dimension)"),
        ([[1.0], [np.inf], [1.0]], "record vector 2 holds a number that is not finite"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(tmp_path, vectors, message):
    with pytest.raises(DataError) as error:
        KnowledgeStore.build(tmp_path / "kb", records(3), lambda chunk: vectors, DESCRIPTION)
    assert str(error.value) == message


def test_a_change_of_dimension_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"record vectors have shape \(2, 3\), expected \(n, 2\)"):
        with StoreBuilder(tmp_path / "kb", DESCRIPTION) as builder:
            builder.add(records(1), [[1, 2]])
            builder.add(records(2), [[1, 2, 3], [1, 2, 3]])


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([[1.0]], None, "records from 2 on have no vectors, those before them have"),
        (None, [[1.0]], "records from 2 on have vectors, those before them none"),
    ],
)
def test_either_all_records_have_vectors_or_none(tmp_path, first, second, message):
    with pytest.raises(DataError) as error, StoreBuilder(tmp_path / "kb", DESCRIPTION) as builder:
        builder.add([Record("a", 1)], first)
        builder.add([Record("b", 2)], second)
    assert str(error.value) == message


def test_a_zero_vector_has_no_cosine(tmp_path):
    from dataclasses import replace

    zero = np.array([[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(DataError) as error:
        build(tmp_path / "kb", 2, zero, replace(DESCRIPTION, metric="cosine"))
    assert str(error.value) == "record vector 2 is zero and has no direction for the metric cosine"


@pytest.mark.parametrize(
    "content",
    [
        None,
        3,
        2.5,
        "näive ✓\n\u2028",
        [1, [2, {}]],
        {"a": {"b": [None]}},
        (Text("see"), Blob("ab", "image/png")),
    ],
    ids=str,
)
def test_any_payload_comes_back_as_it_was(tmp_path, content):
    with KnowledgeStore.build(tmp_path / "kb", [Record("id ü", content, "here")], None, DESCRIPTION) as store:
        assert store.get("id ü") == Record("id ü", content, "here")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (Record("a", float("nan")), "record 'a' cannot be stored as JSON: Out of range float values"),
        (Record("a", object()), "record 'a' cannot be stored as JSON: Object of type object"),
        (Record("", "x"), "record id '' is not a text of at least one letter"),
        (Record(7, "x"), "record id 7 is not a text of at least one letter"),
    ],
)
def test_records_that_cannot_be_stored_are_named(tmp_path, record, message):
    with pytest.raises(DataError) as error:
        KnowledgeStore.build(tmp_path / "kb", [record], None, DESCRIPTION)
    assert str(error.value).startswith(message)


def test_records_are_found_by_id_and_position(tmp_path):
    with build(tmp_path / "kb", 300, whole_vectors(300)) as store:
        assert [store.get(f"r{n}") for n in range(300)] == records(300) == list(store)
        assert store.at(299).id == "r299"
        assert "r7" in store
        assert "r300" not in store
        assert 7 not in store
        for position in (-1, 300):
            with pytest.raises(IndexError):
                store.at(position)
        with pytest.raises(DataError) as error:
            store.get("r300")
    assert str(error.value) == f"{tmp_path / 'kb'}: there is no record 'r300'"


def test_ids_that_share_a_hash_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("treewright_knowledge.id_index.hash_of", lambda identifier: 5)
    with KnowledgeStore.build(tmp_path / "kb", records(3), of_array(whole_vectors(3)), DESCRIPTION) as store:
        assert [store.get(f"r{n}").content for n in range(3)] == ["content 0", "content 1", "content 2"]
        assert "r3" not in store
