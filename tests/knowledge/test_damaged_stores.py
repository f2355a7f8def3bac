"""A store that is not what it should be is refused, by the name of the file, with a repair."""

import hashlib
import json
import shutil

import pytest

from tests.knowledge.stores import build
from treewright_knowledge import KnowledgeStore
from treewright_registry import DataError

COPY = "\n    copy the whole folder again, or build the knowledge base anew"
REBUILD = "\n    build the knowledge base anew: treewright kb build"
FILES = ["ids.npy", "offsets.npy", "records.jsonl", "vectors.npy"]


@pytest.fixture
def folder(tmp_path):
    build(tmp_path / "kb", 20).close()
    return tmp_path / "kb"


def complaint(folder, **options):
    with pytest.raises(DataError) as error:
        KnowledgeStore.open(folder, **options)
    return str(error.value)


def edit_manifest(folder, **changes):
    path = folder / "manifest.json"
    fields = json.loads(path.read_text())
    fields.update(changes)
    path.write_text(json.dumps({name: value for name, value in fields.items() if value != "absent"}))


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name, verify):
    (folder / name).unlink()
    assert complaint(folder, verify=verify) == f"{folder / name}: missing, though the manifest names it{COPY}"


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_named(folder, name, verify):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-1])
    sizes = f"{len(data) - 1} bytes, the manifest says {len(data)}"
    assert complaint(folder, verify=verify) == f"{folder / name}: truncated: {sizes}{COPY}"


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_too_long_is_named(folder, name):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data + b"\n")
    sizes = f"{len(data) + 1} bytes, the manifest says {len(data)}"
    assert complaint(folder) == f"{folder / name}: too long: {sizes}{COPY}"


@pytest.mark.parametrize("name", FILES)
def test_a_single_changed_bit_is_found(folder, name):
    data = bytearray((folder / name).read_bytes())
    before = hashlib.sha256(data).hexdigest()[:12]
    data[-2] ^= 1
    (folder / name).write_bytes(data)
    after = hashlib.sha256(data).hexdigest()[:12]
    what = f"corrupted or replaced: its SHA-256 is {after}…, the manifest says {before}…"
    assert complaint(folder) == f"{folder / name}: {what}{COPY}"


def test_without_verification_contents_are_not_read(folder):
    data = bytearray((folder / "vectors.npy").read_bytes())
    data[-2] ^= 1
    (folder / "vectors.npy").write_bytes(data)
    KnowledgeStore.open(folder, verify=False).close()


def test_a_record_that_is_damaged_unverified_is_named_when_it_is_read(folder):
    data = (folder / "records.jsonl").read_bytes()
    (folder / "records.jsonl").write_bytes(b"#" + data[1:])
    with KnowledgeStore.open(folder, verify=False) as store:
        assert store.at(1).id == "r1"
        with pytest.raises(DataError, match=r"records\.jsonl:1: not a record: "):
            store.at(0)


def test_a_missing_folder_is_said_to_be_missing(tmp_path):
    assert complaint(tmp_path / "kb") == f"{tmp_path / 'kb'}: there is no such knowledge base{REBUILD}"


def test_any_other_folder_is_said_to_be_none(tmp_path):
    assert complaint(tmp_path) == f"{tmp_path}: not a knowledge base: it has no manifest.json{REBUILD}"


def test_a_truncated_manifest_is_named(folder):
    path = folder / "manifest.json"
    path.write_text(path.read_text()[:100])
    assert complaint(folder).startswith(f"{path}: truncated or not JSON: ")
    assert complaint(folder).endswith(REBUILD)


def test_a_manifest_that_is_not_text_is_named(folder):
    (folder / "manifest.json").write_bytes(b"\xff\xfe\x00")
    assert complaint(folder).startswith(f"{folder / 'manifest.json'}: truncated or not JSON: ")


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "something-else"}', '"text"'])
def test_a_foreign_manifest_is_told_from_ours(folder, text):
    (folder / "manifest.json").write_text(text)
    assert complaint(folder).startswith(f"{folder / 'manifest.json'}: not the manifest of a knowledge base: ")


@pytest.mark.parametrize("version", [0, 1, "2", None])
def test_an_older_format_version_is_refused(folder, version):
    edit_manifest(folder, version=version)
    what = f"format version {version!r}, this treewright reads version 2; it is older"
    assert complaint(folder) == f"{folder / 'manifest.json'}: {what}{REBUILD}"


def test_a_newer_format_version_is_refused(folder):
    edit_manifest(folder, version=3)
    what = "format version 3, this treewright reads version 2"
    assert complaint(folder) == f"{folder / 'manifest.json'}: {what}\n    it is newer: update treewright"


@pytest.mark.parametrize("field", ["count", "dimension", "files", "index", "metric", "encoder", "sources"])
def test_a_manifest_without_a_field_is_refused(folder, field):
    edit_manifest(folder, **{field: "absent"})
    assert complaint(folder) == f"{folder / 'manifest.json'}: the field '{field}' is missing{REBUILD}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", "many"),
        ("files", []),
        ("files", {"vectors.npy": {"size": 1}}),
        ("files", {"../vectors.npy": {"bytes": 1, "sha256": ""}}),
        ("metric", "taxicab"),
        ("encoder", "name"),
        ("index", "hnsw"),
        ("index", {"kind": "trie"}),
        ("index", {"kind": "hnsw", "links": -1}),
        ("index", {"kind": "hnsw", "links": 32}),
        ("count", -1),
    ],
)
def test_a_manifest_with_a_senseless_field_is_refused(folder, field, value):
    edit_manifest(folder, **{field: value})
    assert complaint(folder).startswith(f"{folder / 'manifest.json'}: not a sound manifest: ")


def test_a_manifest_that_leaves_out_a_file_is_refused(folder):
    files = json.loads((folder / "manifest.json").read_text())["files"]
    del files["ids.npy"]
    edit_manifest(folder, files=files)
    complaint_ = f"{folder / 'manifest.json'}: not a sound manifest: it lists no ids.npy{REBUILD}"
    assert complaint(folder) == complaint_


@pytest.mark.parametrize(("field", "value"), [("count", 19), ("dimension", 5), ("dimension", 2)])
def test_a_manifest_that_contradicts_the_files_is_refused(folder, field, value):
    edit_manifest(folder, **{field: value})
    assert "the manifest says" in complaint(folder)


def test_a_file_of_another_store_is_refused_even_unverified(folder, tmp_path):
    build(tmp_path / "other", 21).close()
    shutil.copy(tmp_path / "other" / "vectors.npy", folder / "vectors.npy")
    assert complaint(folder, verify=False).startswith(f"{folder / 'vectors.npy'}: too long: ")
