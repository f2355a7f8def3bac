"""Exact search finds what comparing with everything finds, in the same order."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.knowledge.stores import DESCRIPTION, build, records, whole_vectors
from treewright_knowledge import KnowledgeStore
from treewright_registry import DataError, Hit


def brute_force(vectors, query, k):
    """Ids and similarities by comparing with every vector; equals in the order of the store."""
    similarities = [float(np.dot(vector, query)) for vector in vectors]
    best = sorted(range(len(vectors)), key=lambda position: (-similarities[position], position))[:k]
    return [(f"r{position}", similarities[position]) for position in best]


def found(hits):
    return [(hit.id, hit.similarity) for hit in hits]


@pytest.mark.parametrize("count", [1, 7, 500])
@pytest.mark.parametrize("k", [1, 5, 150, 600])
def test_search_equals_brute_force_even_among_equal_similarities(tmp_path, count, k):
    vectors, queries = whole_vectors(count), whole_vectors(40, seed=1)
    with build(tmp_path / "kb", count, vectors) as store:
        answers = store.search(queries, k)
    assert [found(hits) for hits in answers] == [brute_force(vectors, query, k) for query in queries]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 70), st.integers(0, 1000))
def test_search_equals_brute_force_for_any_size(tmp_path_factory, count, dimension, k, seed):
    vectors, queries = whole_vectors(count, dimension, seed, most=1), whole_vectors(3, dimension, seed + 1)
    with build(tmp_path_factory.mktemp("kb") / "kb", count, vectors) as store:
        answers = store.search(queries, k)
    assert [found(hits) for hits in answers] == [brute_force(vectors, query, k) for query in queries]


def test_when_all_records_are_equal_the_first_ones_are_found(tmp_path):
    with build(tmp_path / "kb", 300, np.ones((300, 4), np.float32)) as store:
        (hits,) = store.search([[1, 1, 1, 1]], 3)
    assert found(hits) == [("r0", 4.0), ("r1", 4.0), ("r2", 4.0)]


def test_a_query_finds_the_same_alone_as_among_fifty_others(tmp_path):
    random = np.random.default_rng(3)
    vectors = random.standard_normal((2000, 48)).astype(np.float32)
    queries = random.standard_normal((51, 48)).astype(np.float32)
    with build(tmp_path / "kb", 2000, vectors) as store:
        together = store.search(queries, 20)
        alone = [store.search(query[None], 20)[0] for query in queries]
    assert together == alone


def test_cosine_compares_directions_and_not_lengths(tmp_path):
    vectors = np.array([[10.0, 0.0], [0.0, 0.1], [3.0, 4.0]], np.float32)
    with build(tmp_path / "kb", 3, vectors, replace(DESCRIPTION, metric="cosine")) as store:
        (hits,) = store.search([[0.0, 7.0]], 3)
    assert found(hits) == [("r1", 1.0), ("r2", pytest.approx(0.8, abs=1e-7)), ("r0", 0.0)]


def test_dot_takes_lengths_into_account(tmp_path):
    with build(tmp_path / "kb", 2, np.array([[10.0, 0.0], [1.0, 1.0]], np.float32)) as store:
        (hits,) = store.search([[1.0, 1.0]], 2)
    assert found(hits) == [("r0", 10.0), ("r1", 2.0)]


def test_a_hit_brings_content_and_provenance(tmp_path):
    with build(tmp_path / "kb", 2, np.eye(2, dtype=np.float32)) as store:
        assert store.search([[0.0, 1.0]], 1) == [[Hit("r1", "content 1", 1.0, "words.txt:2")]]


def test_no_queries_give_no_answers(tmp_path):
    with build(tmp_path / "kb") as store:
        assert store.search(np.empty((0, 4), np.float32), 3) == []


def test_an_empty_store_finds_nothing(tmp_path):
    with build(tmp_path / "kb", 0) as store:
        assert len(store) == 0
        assert store.search([[1, 2, 3, 4]], 3) == [[]]


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused(tmp_path, k):
    with build(tmp_path / "kb") as store, pytest.raises(ValueError, match=f"k must be at least 1, not {k}"):
        store.search([[1, 2, 3, 4]], k)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ([[1, 2, 3]], "query vectors have shape (1, 3), expected (n, 4); its encoder is toy/letters 1"),
        ([1, 2, 3, 4], "query vectors have shape (4,), expected (n, 4); its encoder is toy/letters 1"),
        (
            [[1, 2, 3, 4], [1, 2, float("nan"), 4]],
            "query vector 2 holds a number that is not finite; its encoder is toy/letters 1",
        ),
    ],
)
def test_queries_that_do_not_fit_are_refused(tmp_path, query, message):
    with build(tmp_path / "kb") as store, pytest.raises(DataError) as error:
        store.search(query, 1)
    assert str(error.value) == f"{tmp_path / 'kb'}: {message}"


def test_a_store_without_vectors_holds_records_but_cannot_be_searched_by_vector(tmp_path):
    folder = tmp_path / "kb"
    with KnowledgeStore.build(folder, records(3), None, DESCRIPTION) as store:
        assert store.get("r2").content == "content 2"
        with pytest.raises(DataError) as error:
            store.search([[1.0]], 1)
    assert str(error.value) == f"{folder}: this knowledge base has no vectors to search by"


def test_a_pickled_store_opens_again_in_its_place(tmp_path):
    with build(tmp_path / "kb") as store, pickle.loads(pickle.dumps(store)) as copy:
        assert copy.search([[1, 2, 0, 1]], 5) == store.search([[1, 2, 0, 1]], 5)
