"""Where the system refuses to write a knowledge base, the error names the place and what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.process import treewright
from tests.knowledge.stores import build, whole_vectors
from tests.knowledge.words_plugin import install
from treewright_knowledge import IndexSettings, KnowledgeStore, changing
from treewright_registry import StorageError

GROWING = """
import resource, sys
from pathlib import Path
from tests.knowledge.stores import build, whole_vectors
from treewright_knowledge import IndexSettings
from treewright_registry import StorageError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
index, dimension = IndexSettings(sys.argv[1]), int(sys.argv[2])
try:
    build(Path("kb"), 2000, whole_vectors(2000, dimension), index=index)
except StorageError as error:
    print(error)
"""

TOO_LARGE = (
    "kb: cannot be written: File too large\n"
    "    files there may not grow so large (ulimit -f, or the file system): choose another folder\n"
)


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    return install(tmp_path_factory.mktemp("installed") / "plugin")


@pytest.mark.parametrize(
    ("place", "repair"),
    [
        ("words.txt/kb", "a part of the path is a file: choose another place"),
        ("words.txt/more/kb", "a part of the path is a file: choose another place"),
        ("k" * 300, "choose a shorter name"),
        pytest.param(
            "/proc/x/kb",
            "no folder can be made there: choose another place",
            marks=pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc"),
        ),
    ],
)
def test_a_place_where_nothing_can_be_built_is_named(place, repair, plugin, tmp_path):
    (tmp_path / "words.txt").write_text("stone\n")
    done = treewright(
        "kb", "build", "toy/words", "--source", "words.txt", "--out", place, cwd=tmp_path, paths=[plugin], plugins="toy"
    )
    assert (done.returncode, done.stdout) == (1, "")
    first, second = done.stderr.splitlines()
    assert first.startswith(f"{place}: cannot be written: ")
    assert second == f"    {repair}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path):
    build(tmp_path / "shelf" / "kb", 3).close()
    (tmp_path / "shelf").chmod(0o555)
    try:
        with pytest.raises(StorageError, match="you may not write there: change the permissions"):
            build(tmp_path / "shelf" / "kb", 4)
        with pytest.raises(StorageError, match="kb: cannot be written: Permission denied"):
            changing(tmp_path / "shelf" / "kb").__enter__()
    finally:
        (tmp_path / "shelf").chmod(0o755)


def grown(folder, index, dimension, limit):
    """What a build says that may write files of at most ``limit`` bytes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", GROWING, index, str(dimension), str(limit)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(("index", "dimension"), [("exact", 40), ("hnsw", 4), ("ivf", 22)])
def test_a_disk_that_takes_no_more_stops_the_build_and_leaves_the_old_one(tmp_path, index, dimension):
    """The limit for one file's size stands for the disk: both refuse in the middle of writing."""
    build(tmp_path / "kb", 3).close()
    assert grown(tmp_path, index, dimension, 180_000) == TOO_LARGE
    assert [path.name for path in tmp_path.iterdir()] == ["kb"]
    with KnowledgeStore.open(tmp_path / "kb") as store:
        assert len(store) == 3


def test_a_graph_whose_last_bytes_find_no_room_is_not_put_in_place(tmp_path):
    """They are written as the file is closed; cut short, the graph would be of no use."""
    built = build(tmp_path / "whole", 2000, whole_vectors(2000, 4), index=IndexSettings("hnsw"))
    built.close()
    size = (tmp_path / "whole" / "index.faiss").stat().st_size
    assert grown(tmp_path, "hnsw", 4, size - 100) == TOO_LARGE
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]
    assert grown(tmp_path, "hnsw", 4, size) == ""
