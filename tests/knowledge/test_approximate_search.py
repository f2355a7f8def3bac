"""HNSW and IVF find nearly what exact search finds, with the same similarities, from files that stay on the disk."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.knowledge.stores import DESCRIPTION, build
from treewright_knowledge import IndexSettings, KnowledgeStore
from treewright_registry import DataError

COSINE = replace(DESCRIPTION, metric="cosine")
KINDS = ["hnsw", "ivf", "ivf-sq8"]
COUNT = 3000


def clouds(count, seed, dimension=32):
    """Points around 60 centres, as texts around topics."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((60, dimension))
    spread = 0.6 * random.standard_normal((count, dimension))
    return (centres[random.integers(0, 60, count)] + spread).astype(np.float32)


VECTORS, QUERIES = clouds(COUNT, 0), clouds(60, 1)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    place = tmp_path_factory.mktemp("stores")
    made = {kind: build(place / kind, COUNT, VECTORS, COSINE, index=IndexSettings(kind)) for kind in ["exact", *KINDS]}
    yield made
    for store in made.values():
        store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_nearly_all_of_the_nearest_are_found_with_exactly_their_similarities(stores, kind):
    similarities, positions = stores[kind].nearest(QUERIES, 10)
    true_similarities, true_positions = stores["exact"].nearest(QUERIES, 10)
    found = [len(set(row) & set(true)) for row, true in zip(positions, true_positions, strict=True)]
    assert sum(found) >= 0.95 * 600
    same = positions == true_positions
    assert same.mean() > 0.5
    assert (similarities[same] == true_similarities[same]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_that_looks_at_everything_misses_nothing(stores, kind):
    found = stores[kind].search(QUERIES, 10, breadth=COUNT)
    assert found == stores["exact"].search(QUERIES, 10)


@pytest.mark.parametrize("kind", KINDS)
def test_a_narrow_search_misses_more_than_a_wide_one(stores, kind):
    exact = stores["exact"].nearest(QUERIES, 10)[1]

    def found(breadth):
        positions = stores[kind].nearest(QUERIES, 10, breadth)[1]
        return sum(len(set(row) & set(true)) for row, true in zip(positions, exact, strict=True))

    assert found(1) < found(64)


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_finds_the_same_alone_as_among_sixty_others(stores, kind):
    together = stores[kind].search(QUERIES, 10)
    assert [stores[kind].search(query[None], 10)[0] for query in QUERIES] == together


@pytest.mark.parametrize("kind", KINDS)
def test_equal_similarities_come_in_the_order_of_the_records(tmp_path, kind):
    vectors = np.repeat(clouds(20, 5), 4, axis=0)
    with build(tmp_path / "kb", 80, vectors, COSINE, index=IndexSettings(kind, breadth=80)) as store:
        for number in range(20):
            (hits,) = store.search(vectors[4 * number][None], 4)
            assert [hit.id for hit in hits] == [f"r{4 * number + copy}" for copy in range(4)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_tiny_stores_and_many_wanted_records_are_no_trouble(tmp_path, kind, count):
    with build(tmp_path / "kb", count, VECTORS[:count], COSINE, index=IndexSettings(kind)) as store:
        (hits,) = store.search(VECTORS[:1], 10)
        assert (hits[0].id, len(hits)) == ("r0", count)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_store_of_any_kind_finds_nothing(tmp_path, kind):
    with KnowledgeStore.build(tmp_path / "kb", [], None, COSINE, index=IndexSettings(kind)) as store:
        assert store.search(QUERIES[:1], 3) == [[]]


def test_an_inverted_file_may_find_fewer_records_than_asked(tmp_path):
    settings = IndexSettings("ivf", lists=50, breadth=1)
    with build(tmp_path / "kb", COUNT, VECTORS, COSINE, index=settings) as store:
        (hits,) = store.search(QUERIES[:1], 500)
        similarities, positions = store.nearest(QUERIES[:1], 500)
    assert 0 < len(hits) < 500
    assert (positions[0, len(hits) :] == -1).all()
    assert np.isneginf(similarities[0, len(hits) :]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_inner_products_of_any_length_can_be_searched(tmp_path, kind):
    vectors = clouds(500, 3) * np.random.default_rng(1).uniform(0.1, 10, (500, 1)).astype(np.float32)
    with build(tmp_path / "kb", 500, vectors, DESCRIPTION, index=IndexSettings(kind, breadth=500)) as store:
        (hits,) = store.search(QUERIES[:1], 1)
    products = vectors @ QUERIES[0]
    assert hits[0].id == f"r{products.argmax()}"
    assert hits[0].similarity == pytest.approx(products.max(), rel=1e-5)


def test_the_manifest_tells_every_choice_that_was_made(stores):
    index = {
        kind: json.loads((stores[kind].folder / "manifest.json").read_text())["index"] for kind in ["exact", *KINDS]
    }
    assert index == {
        "exact": {"kind": "exact"},
        "hnsw": {"kind": "hnsw", "breadth": 64, "links": 32, "construction": 100},
        "ivf": {"kind": "ivf", "breadth": 4, "lists": 75, "seed": 0},
        "ivf-sq8": {"kind": "ivf-sq8", "breadth": 4, "lists": 75, "seed": 0},
    }


def test_the_graph_holds_no_vectors_and_eight_bit_lists_a_quarter(stores):
    sizes = {kind: stores[kind].info().files["index.faiss"].bytes for kind in KINDS}
    vectors = 4 * 32 * COUNT
    assert sizes["hnsw"] < 300 * COUNT
    assert vectors + 8 * COUNT < sizes["ivf"] < 1.1 * (vectors + 8 * COUNT)
    assert sizes["ivf-sq8"] < 0.25 * vectors + 8 * COUNT + 20_000


@pytest.mark.parametrize("kind", ["ivf", "ivf-sq8"])
def test_our_file_of_inverted_lists_is_the_index_that_faiss_builds_itself(stores, kind):
    import faiss

    ours = faiss.read_index(str(stores[kind].folder / "index.faiss"))
    vectors = np.ascontiguousarray(stores[kind].vectors)
    theirs = faiss.clone_index(ours)
    theirs.reset()
    theirs.add(vectors)
    assert faiss.serialize_index(theirs).tobytes() == faiss.serialize_index(ours).tobytes()


@pytest.mark.parametrize("kind", ["ivf", "ivf-sq8"])
def test_the_same_input_gives_the_same_inverted_file(stores, tmp_path, kind):
    build(tmp_path / "kb", COUNT, VECTORS, COSINE, index=IndexSettings(kind), chunk=177).close()
    assert (tmp_path / "kb" / "index.faiss").read_bytes() == (stores[kind].folder / "index.faiss").read_bytes()


MEMORY = """
import sys
from pathlib import Path
import numpy as np
from treewright_knowledge import Description, IndexSettings, KnowledgeStore, Record
import faiss

def resident():
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) / 1000  # our own memory, without mapped files

peak = 0
def told(done):
    global peak
    peak = max(peak, resident())

def encode(chunk):
    random = np.random.default_rng(int(chunk[0].id))
    return random.standard_normal((len(chunk), 384), dtype=np.float32)

count = 40_000
before = resident()
stream = (Record(str(number), number) for number in range(count))
index = IndexSettings("ivf-sq8", lists=50)
KnowledgeStore.build(Path("kb"), stream, encode, Description(), index=index, chunk=1000, progress=told).close()
told(count)
store = KnowledgeStore.open(Path("kb"))
store.search(np.ones((1, 384)), 5)
told(count)
print(peak - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")
def test_a_build_of_sixty_megabytes_needs_little_memory(tmp_path):
    """The vectors alone are 61 MB; the stream and the opened store hold a chunk and the index of ids."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )
    assert float(done.stdout) < 25


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "trie"}, "index 'trie' is unknown; known: exact, hnsw, ivf, ivf-sq8"),
        ({"kind": "hnsw", "links": 1}, "links of the index must be a whole number of at least 2, not 1"),
        ({"kind": "ivf", "lists": 2.5}, "lists of the index must be a whole number of at least 0, not 2.5"),
    ],
)
def test_settings_that_no_index_can_have_are_refused(options, message):
    with pytest.raises(ValueError) as error:
        IndexSettings(**options)
    assert str(error.value) == message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verify", [True, "fast"])
def test_a_damaged_index_is_named(tmp_path, kind, verify):
    folder = tmp_path / "kb"
    build(folder, 300, VECTORS[:300], COSINE, index=IndexSettings(kind)).close()
    data = bytearray((folder / "index.faiss").read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    (folder / "index.faiss").write_bytes(data)
    with pytest.raises(DataError, match=r"index\.faiss: corrupted or replaced: "):
        KnowledgeStore.open(folder, verify=verify)


def foreign(folder, kind, index):
    """Put another FAISS index into a store, of the same length and with a manifest that believes in it."""
    import faiss

    from treewright_knowledge.checksums import entry_of

    build(folder, 300, VECTORS[:300], COSINE, index=IndexSettings(kind)).close()
    faiss.write_index(index, str(folder / "index.faiss"))
    manifest = json.loads((folder / "manifest.json").read_text())
    entry = entry_of(folder / "index.faiss")
    manifest["files"]["index.faiss"] = {"bytes": entry.bytes, "sha256": entry.sha256, "sample": entry.sample}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError) as error:
        KnowledgeStore.open(folder)
    return str(error.value).removeprefix(f"{folder / 'index.faiss'}: ").split("\n")[0]


def test_foreign_indexes_are_told_from_ours(tmp_path):
    import faiss

    flat = faiss.IndexFlatIP(32)
    flat.add(VECTORS[:300])
    assert foreign(tmp_path / "a", "ivf", flat) == (
        "holds a foreign index, IndexFlatIP, where an IVF index by inner product should be"
    )
    distance = faiss.IndexHNSWFlat(32, 8)
    distance.add(VECTORS[:300])
    assert foreign(tmp_path / "b", "hnsw", distance) == (
        "holds a foreign index, IndexHNSWFlat, where an HNSW index by inner product should be"
    )
    fewer = faiss.index_factory(32, "IVF2,Flat", faiss.METRIC_INNER_PRODUCT)
    fewer.train(VECTORS[:200])
    fewer.add(VECTORS[:200])
    assert foreign(tmp_path / "c", "ivf", fewer) == "holds 200 vectors of 32 dimensions, the manifest says 300 of 32"


def test_what_faiss_cannot_read_is_named_even_unverified(tmp_path):
    folder = tmp_path / "kb"
    build(folder, 300, VECTORS[:300], COSINE, index=IndexSettings("hnsw")).close()
    (folder / "index.faiss").write_bytes(b"\0" * (folder / "index.faiss").stat().st_size)
    with pytest.raises(DataError, match=r"index\.faiss: not a readable FAISS index: "):
        KnowledgeStore.open(folder, verify=False)


@pytest.mark.parametrize("kind", ["ivf", "ivf-sq8"])
@pytest.mark.parametrize("wrong", [300, 1_000_000_000, 2**62, -2, -(2**63)])
def test_an_index_that_names_a_record_that_there_is_not_is_refused_by_the_search(tmp_path, kind, wrong):
    folder = tmp_path / "kb"
    build(folder, 300, VECTORS[:300], COSINE, index=IndexSettings(kind, lists=1, breadth=1)).close()
    data = bytearray((folder / "index.faiss").read_bytes())
    data[-8:] = wrong.to_bytes(8, "little", signed=True)  # the id of the last vector in the one list
    (folder / "index.faiss").write_bytes(data)
    with KnowledgeStore.open(folder, verify=False) as store:
        with pytest.raises(DataError) as error:
            store.search(VECTORS[299:300], 5)
        what = f"corrupted: names a record at {wrong}, where the store has 300"
        repair = "copy the whole folder again, or build the knowledge base anew"
        assert str(error.value) == f"{folder / 'index.faiss'}: {what}\n    {repair}"


@pytest.mark.parametrize("kind", KINDS)
def test_more_than_an_index_finds_is_filled_with_gaps(tmp_path, kind):
    build(tmp_path / "kb", 300, VECTORS[:300], COSINE, index=IndexSettings(kind, breadth=1)).close()
    with KnowledgeStore.open(tmp_path / "kb") as store:
        similarities, positions = store.nearest(VECTORS[:20], 300, 1)
        gaps = positions < 0
        assert similarities.shape == positions.shape == (20, 300)
        assert (positions[gaps] == -1).all()
        assert (similarities[gaps] == -np.inf).all()
        assert np.isfinite(similarities[~gaps]).all()
        assert (np.diff(gaps.astype(int), axis=1) >= 0).all()  # at the end of each row
        assert bool(gaps.any()) == (kind != "hnsw")
