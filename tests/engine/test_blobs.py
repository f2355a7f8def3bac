"""Bytes are kept by content, in the run folder."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.engine.toys import Words, component, pipeline
from treewright.engine.blobs import FolderBlobs
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright_registry import (
    Blob,
    BlobStore,
    DataError,
    Proposals,
    ProposeRequest,
    Step,
    Text,
    from_json,
    to_json,
)

DIGEST = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of b"hello"


def test_the_same_bytes_are_kept_once_and_come_back(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    first, second = blobs.put(b"hello", "text/plain"), blobs.put(b"hello", "text/plain")
    assert first == second == Blob(DIGEST, "text/plain")
    assert blobs.get(first) == b"hello"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "2c" / DIGEST]


def test_missing_and_damaged_blobs_are_named(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    blob = Blob(DIGEST, "text/plain")
    with pytest.raises(DataError) as missing:
        blobs.get(blob)
    assert str(missing.value) == f"{tmp_path}/2c/{DIGEST}: blob is missing; the run folder is incomplete"
    blobs.put(b"hello", "text/plain")
    (tmp_path / "2c" / DIGEST).write_bytes(b"hell0")
    with pytest.raises(DataError) as damaged:
        blobs.get(blob)
    assert str(damaged.value) == (f"{tmp_path}/2c/{DIGEST}: blob is damaged; delete the file and run again")


class Painter:
    """Answers with a picture."""

    blobs: BlobStore | None = None

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        assert self.blobs is not None
        content = (Text("a picture: "), self.blobs.put(b"hello", "image/png"))
        return [Proposals([Step(content, finish="stop")]) for _ in requests]


class Pictures(Words):
    def extract(self, trajectory: object) -> object:  # type: ignore[override]
        return to_json(trajectory.step.content)  # type: ignore[attr-defined]

    def canonical(self, answer: object) -> str:  # type: ignore[override]
        return str(answer)


def test_component_that_asks_for_blobs_writes_to_the_run_folder(tmp_path: Path) -> None:
    spec = pipeline(policy=component("policy", Painter), count=1)
    spec = type(spec)(component("task", Pictures, count=1), spec.search, spec.aggregator, spec.roles)
    solutions: list[Solution] = []
    run_local(spec, ListFeed(Words(count=1).problems()), solutions.append, blobs=tmp_path)
    assert solutions[0].error is None
    assert from_json(solutions[0].answer) == (Text("a picture: "), Blob(DIGEST, "image/png"))
    assert FolderBlobs(tmp_path).get(Blob(DIGEST, "image/png")) == b"hello"
