"""``treewright kb`` as a user meets it, with a plugin that is installed for the test."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.cli.process import environment, treewright
from tests.knowledge.words_plugin import install
from treewright_knowledge import (
    Description,
    IndexSettings,
    KnowledgeStore,
    Record,
    StoreBuilder,
    amend,
    changing,
    read_manifest,
)

WORDS = "stone notes onset\ntree bee\n"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    return install(tmp_path_factory.mktemp("installed") / "plugin")


@pytest.fixture
def kb(plugin, tmp_path):
    """Runs ``treewright kb`` in a folder that holds words.txt."""
    (tmp_path / "words.txt").write_text(WORDS)

    def run(*arguments):
        return treewright("kb", *arguments, cwd=tmp_path, paths=[plugin], plugins="toy")

    return run


@pytest.fixture
def built(kb, tmp_path):
    done = kb("build", "toy/words", "--source", "words.txt", "--out", "kb", "--date", "2026-01-31")
    assert done.returncode == 0, done.stderr
    return tmp_path / "kb"


def test_build_ends_with_figures_and_tells_progress_on_standard_error(kb, tmp_path):
    done = kb("build", "toy/words", "--source", "words.txt", "--out", "kb", "--date", "2026-01-31")
    size = read_manifest(tmp_path / "kb").size / 1000
    assert (done.returncode, re.sub(r"\d+\.\d s", "N s", done.stdout)) == (
        0,
        "toy/words is built\n"
        "  records      5\n"
        "  longest      5\n"
        "  mean length  4\n"
        f"  size         {size:.1f} kB\n"
        "  time         N s\n"
        "  folder       kb\n",
    )
    assert re.sub(r"\d+\.\d s", "N s", done.stderr) == ("encode: 2 of 5 records, N s\nencode: 5 of 5 records, N s\n")


def test_the_manifest_gets_component_options_sources_and_date(kb, tmp_path):
    (tmp_path / "more.txt").write_text("banana\n")
    arguments = ["--source", "words.txt", "more.txt", "--out", "kb", "--date", "2026-01-31"]
    assert kb("build", "words", *arguments, "--set", "shortest=4").returncode == 0
    description = read_manifest(tmp_path / "kb").description
    assert (description.component, description.created) == ("toy/words", "2026-01-31")
    assert description.options == {"shortest": 4, "mark": ""}
    assert [source.name for source in description.sources] == ["words.txt", "more.txt"]


def test_search_shows_rank_similarity_id_content_and_provenance(kb, built):
    done = kb("search", "kb", "tone", "-k", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "  1   0.8944  stone  STONE\n              words.txt:1\n  2   0.8944  notes  NOTES\n              words.txt:2\n"
    )


def test_search_as_json_gives_one_hit_a_line(kb, built):
    rows = [json.loads(line) for line in kb("search", "kb", "bee", "-k", "1", "--json").stdout.splitlines()]
    similarity = rows[0].pop("similarity")
    assert rows == [{"id": "bee", "content": "BEE", "provenance": "words.txt:5"}]
    assert similarity == pytest.approx(1.0, abs=1e-6)


def test_search_uses_the_options_of_the_build_and_set_wins(kb, tmp_path):
    kb("build", "toy/words", "--source", "words.txt", "--out", "kb", "--set", "mark='1'")
    assert kb("search", "kb", "bee", "-k", "1").stdout.splitlines()[0].endswith("  BEE1")
    done = kb("search", "kb", "bee", "-k", "1", "--set", "mark=x")
    assert done.stdout.splitlines()[0].endswith("  BEEx")


def test_a_name_means_the_store_that_the_plugin_ships(kb, built, plugin):
    shutil.copytree(built, plugin / "shipped-words", dirs_exist_ok=True)
    assert kb("search", "toy/words", "bee", "-k", "1").stdout.endswith("bee  BEE\n              words.txt:5\n")
    assert kb("info", "words").stdout.startswith(str(plugin / "shipped-words"))


def test_info_says_what_the_store_is(kb, built):
    manifest = read_manifest(built)
    done = kb("info", "kb")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "kb\n"
        "  component  toy/words\n"
        "  records    5\n"
        "  vectors    26 dimensions, cosine, exact search\n"
        "  encoder    letters 1\n"
        '  options    mark="", shortest=1\n'
        f"  source     words.txt, CC0, sha256 {manifest.description.sources[0].sha256[:12]}…\n"
        "  licence    CC0\n"
        "  created    2026-01-31\n"
        "  format     version 2\n"
        f"  size       {manifest.size / 1000:.1f} kB\n"
        "  files      4, all as the manifest says\n"
    )


def test_info_as_json_is_the_manifest(kb, built):
    assert kb("info", "kb", "--json").stdout == (built / "manifest.json").read_text()


def test_info_finds_a_damaged_file(kb, built):
    (built / "vectors.npy").write_bytes(b"")
    done = kb("info", "kb")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "kb/vectors.npy: truncated: 0 bytes, the manifest says 648"
        "\n    copy the whole folder again, or build the knowledge base anew\n"
    )


def test_an_existing_knowledge_base_is_replaced_only_on_demand(kb, built, tmp_path):
    (tmp_path / "words.txt").write_text("new\n")
    again = ["build", "toy/words", "--source", "words.txt", "--out", "kb"]
    done = kb(*again)
    assert (done.returncode, done.stderr) == (
        2,
        "--out: kb is a knowledge base already\n    add --replace to build it anew, or choose another folder\n",
    )
    assert read_manifest(built).count == 5
    assert kb(*again, "--replace").returncode == 0
    assert read_manifest(built).count == 1


def test_a_failed_replacement_leaves_the_old_knowledge_base(kb, built, tmp_path):
    (tmp_path / "words.txt").write_text("good b4d\n")
    done = kb("build", "toy/words", "--source", "words.txt", "--out", "kb", "--replace")
    assert (done.returncode, done.stderr) == (2, "words.txt:2: 'b4d' is no word\n")
    assert read_manifest(built).count == 5


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["build", "toy/words", "--source", "absent.txt", "words.txt", "gone.txt", "--out", "kb"],
            2,
            "--source absent.txt: there is no such file\n--source gone.txt: there is no such file\n",
        ),
        (
            ["build", "toy/words", "--source", "words.txt", "--out", "."],
            2,
            ".: holds other files than a knowledge base, which would be lost\n    choose another folder\n",
        ),
        (
            ["build", "toy/careless", "--source", "words.txt", "--out", "kb"],
            1,
            "toy/careless built no knowledge base in kb\n",
        ),
        (
            ["build", "toy/nameless", "--source", "words.txt", "--out", "kb"],
            1,
            "the manifest in kb names 'nothing' as its component, not 'toy/nameless'; take it from the build order\n",
        ),
        (
            ["search", "toy/careless", "bee"],
            2,
            "toy/careless comes without a knowledge base of its own\n"
            "    build one: treewright kb build toy/careless --source FILE --out DIR\n",
        ),
        (
            ["search", "toy/wordz", "bee"],
            2,
            "toy/wordz: there is no such folder, and knowledge base 'toy/wordz' is not registered\n"
            "    did you mean 'toy/words'?\n"
            "    known knowledge bases: toy/careless, toy/indexed, toy/nameless, toy/words\n",
        ),
        (
            ["info", "words.txt"],
            2,
            "words.txt: is a file; a knowledge base is a folder\n",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_explained(kb, arguments, code, message):
    done = kb(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", message)


def test_an_unknown_option_is_refused_with_the_nearest(kb):
    done = kb("build", "toy/words", "--source", "words.txt", "--out", "kb", "--set", "shortst=4")
    assert done.returncode == 2
    assert "toy/words: unknown option 'shortst'; did you mean 'shortest'? (int = 1)" in done.stderr


def test_a_query_that_cannot_be_read_is_the_components_to_explain(kb, built):
    done = kb("search", "kb", "42")
    assert (done.returncode, done.stderr) == (2, "query '42': only the letters a to z are known\n")


def test_a_store_without_component_cannot_be_searched_in_words(kb, tmp_path):
    KnowledgeStore.build(tmp_path / "kb", [Record("a", "b")], None, Description()).close()
    done = kb("search", "kb", "a")
    assert (done.returncode, done.stderr) == (
        2,
        "kb: its manifest names no component that could read a query\n"
        "    search it from Python: KnowledgeStore.search\n",
    )


def test_a_date_must_be_one(kb):
    done = kb("build", "toy/words", "--source", "words.txt", "--out", "kb", "--date", "today")
    assert done.returncode == 2
    assert "argument --date: 'today' is not a date like 2026-01-31" in done.stderr


def test_update_adds_removes_and_changes_the_index(kb, built, tmp_path):
    (tmp_path / "more.txt").write_text("banana\n")
    done = kb("update", "kb", "--source", "more.txt", "--remove", "bee", "tree", "--index", "hnsw")
    size = read_manifest(built).size / 1000
    assert (done.returncode, re.sub(r"\d+\.\d s", "N s", done.stdout)) == (
        0,
        "kb is changed\n"
        "  records  4 (before: 5)\n"
        "  added    1\n"
        "  index    hnsw\n"
        f"  size     {size:.1f} kB\n"
        "  time     N s\n",
    )
    with KnowledgeStore.open(built) as store:
        assert [record.id for record in store] == ["stone", "notes", "onset", "banana"]
        assert [source.name for source in store.info().description.sources] == ["words.txt", "more.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to do"),
        (["--index", "trie"], "--index: 'trie' is unknown; known: exact, hnsw, ivf, ivf-sq8"),
        (["--index", "ivf", "--breadth", "-1"], "--breadth: breadth of the index must be a whole number"),
        (["--source", "absent.txt"], "--source absent.txt: there is no such file"),
        (["--remove", "wasp"], "kb: there is no record 'wasp'; nothing was removed"),
    ],
)
def test_an_update_that_cannot_be_is_refused(kb, built, arguments, message):
    done = kb("update", "kb", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize("first", [["--remove", "bee"], ["--index", "hnsw"], ["--remove", "bee", "--index", "ivf"]])
def test_an_update_with_a_source_that_cannot_be_read_changes_nothing(kb, built, tmp_path, first):
    (tmp_path / "bad.txt").write_text("good b4d\n")
    before = {path.name: (path.stat().st_ino, path.read_bytes()) for path in built.iterdir()}
    done = kb("update", "kb", *first, "--source", "bad.txt")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "bad.txt:2: 'b4d' is no word"
    assert {path.name: (path.stat().st_ino, path.read_bytes()) for path in built.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.txt", "kb", "words.txt"]


def test_an_update_with_a_record_that_is_there_changes_nothing_and_names_the_folder(kb, built, tmp_path):
    (tmp_path / "more.txt").write_text("stone\n")
    done = kb("update", "kb", "--remove", "bee", "--source", "more.txt")
    assert (done.returncode, read_manifest(built).count) == (2, 5)
    assert "building-" not in done.stderr
    assert "'stone'" in done.stderr


def test_an_update_replaces_a_record_by_another_of_its_id(kb, built, tmp_path):
    (tmp_path / "more.txt").write_text("bee\n")
    assert kb("update", "kb", "--remove", "bee", "tree", "--source", "more.txt").returncode == 0
    with KnowledgeStore.open(built) as store:
        assert [(record.id, record.provenance) for record in store][3:] == [("bee", "more.txt:1")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kb", "more.txt", "words.txt"]


def test_an_update_that_would_replace_every_record_is_a_build(kb, built, tmp_path):
    (tmp_path / "more.txt").write_text("bee\n")
    done = kb("update", "kb", "--remove", *WORDS.split(), "--source", "more.txt")
    assert (done.returncode, done.stderr.splitlines()[-2:]) == (
        2,
        [
            "--source: there is no record left to add to",
            "    build the knowledge base anew: treewright kb build --replace",
        ],
    )
    assert read_manifest(built).count == 5


def test_a_component_that_cannot_add_is_named(kb, built):
    path = built / "manifest.json"
    path.write_text(path.read_text().replace("toy/words", "toy/careless"))
    done = kb("update", "kb", "--source", "words.txt")
    assert done.returncode == 2
    assert "--source: toy/careless cannot add to a knowledge base" in done.stderr


def test_a_fast_check_reads_all_of_a_small_one_and_samples_of_a_large_one(kb, built):
    done = kb("info", "kb", "--fast")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "  files      4, all as the manifest says")
    with StoreBuilder(built, read_manifest(built).description) as builder:
        builder.add([Record("a", "b")])
        with builder.extra("zeros").open("wb") as file:
            file.truncate(260_000_000)
    done = kb("info", "kb", "--fast")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "  files      4, samples as the manifest says")


def test_an_update_that_finds_nothing_new_says_so_and_writes_nothing(kb, built, tmp_path):
    (tmp_path / "more.txt").write_text("")
    before = {path.name: path.stat().st_ino for path in built.iterdir()}
    for arguments in (["--source", "more.txt"], ["--index", "exact"]):
        done = kb("update", "kb", *arguments)
        assert (done.returncode, done.stdout.splitlines()[:2]) == (
            0, ["kb: nothing is changed", "  records  5 (before: 5)"],
        )  # fmt: skip
    assert {path.name: path.stat().st_ino for path in built.iterdir()} == before


def test_info_tells_the_index_as_it_is_now(kb, tmp_path):
    arguments = ["--source", "words.txt", "--out", "kb", "--set", "index=hnsw", "--set", "breadth=7"]
    assert kb("build", "toy/indexed", *arguments).returncode == 0
    assert '  options    breadth=7, index="hnsw", mark="", shortest=1' in kb("info", "kb").stdout.splitlines()
    assert kb("update", "kb", "--index", "exact").returncode == 0
    shown = kb("info", "kb").stdout.splitlines()
    assert "  vectors    26 dimensions, cosine, exact search" in shown
    assert '  options    breadth=0, index="exact", mark="", shortest=1' in shown


def test_another_breadth_keeps_the_graph_as_it_was_built(kb, built):
    amend(built, index=IndexSettings("hnsw", links=5, construction=9)).close()
    assert kb("update", "kb", "--breadth", "70").returncode == 0
    assert read_manifest(built).index == IndexSettings("hnsw", breadth=70, links=5, construction=9)


def begun(process):
    """Reads until it has said that it waits."""
    return process.stderr.readline().decode()


@pytest.fixture
def kb_begun(plugin, tmp_path):
    """The same, started and not waited for."""

    def start(*arguments):
        command = [sys.executable, "-m", "treewright", "kb", *arguments]
        places = environment([plugin], "toy")
        return subprocess.Popen(command, cwd=tmp_path, env=places, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    return start


@pytest.mark.skipif(os.name != "posix", reason="locks by flock")
def test_updates_at_the_same_time_all_take_place(kb_begun, built):
    with changing(built):
        updates = [kb_begun("update", "kb", "--remove", word) for word in ("bee", "tree")]
        assert [begun(each) for each in updates] == ["kb: waiting, as another process is changing it\n"] * 2
        amend(built, remove=["stone"]).close()
    assert {each.communicate(timeout=60)[0].decode().splitlines()[0] for each in updates} == {"kb is changed"}
    with KnowledgeStore.open(built) as store:
        assert [record.id for record in store] == ["notes", "onset"]


@pytest.mark.skipif(os.name != "posix", reason="locks by flock")
def test_a_build_that_waited_for_another_does_not_replace_it(kb_begun, tmp_path):
    (tmp_path / "words.txt").write_text(WORDS)
    with changing(tmp_path / "kb"):
        second = kb_begun("build", "toy/words", "--source", "words.txt", "--out", "kb")
        assert begun(second) == "kb: waiting, as another process is changing it\n"
        KnowledgeStore.build(tmp_path / "kb", [Record("a", "b")], None, Description()).close()
    told = second.communicate(timeout=60)[1].decode()
    assert (second.returncode, told) == (
        2, "--out: kb is a knowledge base already\n    add --replace to build it anew, or choose another folder\n",
    )  # fmt: skip
    assert read_manifest(tmp_path / "kb").count == 1


def test_search_and_info_know_the_names_that_pipelines_use(kb, built, plugin):
    shutil.copytree(built, plugin / "shipped-words", dirs_exist_ok=True)
    assert kb("search", "small/words", "bee", "-k", "1").stdout.endswith("bee  BEE\n              words.txt:5\n")
    assert kb("info", "small/words").stdout.startswith(str(plugin / "shipped-words"))


def test_all_records_below_an_id_are_removed_together(kb, built):
    with KnowledgeStore.open(built) as store:
        vectors = store.vectors[:3].copy()
    ids = iter(["p/1", "p/2", "q/1"])
    amend(built, add=[Record(name, name) for name in ids], encode=lambda chunk: vectors).close()
    assert kb("update", "kb", "--remove", "p/*", "bee").stdout.splitlines()[1] == "  records  5 (before: 8)"
    with KnowledgeStore.open(built) as store:
        assert [record.id for record in store] == ["stone", "notes", "onset", "tree", "q/1"]
