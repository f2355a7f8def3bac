"""The indexes of a knowledge base: recall, time, memory and size; beside FAISS alone on the same file.

    python benchmarks/knowledge_texts.py CACHE                     real texts as vectors, once
    python benchmarks/knowledge_index.py CACHE OUT [--size 20000] [--generated] [--json FILE]

Vectors: real mathematical texts (see ``knowledge_texts``), or with ``--generated`` 384 numbers a vector from a stated
generator: one of 1,000 centres drawn from N(0, I) plus 0.7·N(0, I), scaled to length 1, seed 0. The last ``QUERIES``
vectors are queries and stand in no store. A million vectors take some 10 minutes and 6 GB of disk for each kind.

Searches use one thread and one query a call. ``recall@10``: share of the ten exactly nearest that are found. ``share
of exact``: time of a query over that of exact search in the same run. ``overhead``: time of ``KnowledgeStore.nearest``
over that of FAISS alone with the same file and settings, the two measured in turn, minus 1; ``overhead with records``
counts the reading of ten records too. Rows {system, version, work, size, metric, value, unit} are written after each
kind.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from curve_drawing import Curve, Point, draw
from knowledge_texts import cached_vectors

from treewright_knowledge import INDEXES, Description, IndexSettings, KnowledgeStore, Record
from treewright_knowledge.faiss_file import MappedFlat
from treewright_knowledge.vectors import VECTORS as STORED

QUERIES = 500
K = 10
BREADTHS = {"exact": (0,), "hnsw": (16, 32, 64, 128, 256), "ivf": (4, 8, 16, 32, 64, 128), "ivf-sq8": (8, 16, 32, 64)}
DIMENSION = 384
VECTORS = "vectors.npy"  # what is built reads them mapped, so that they are not counted as its memory
QUERY_FILE = "queries.npy"

Floats = npt.NDArray[np.float32]
Row = dict[str, Any]


def main() -> int:
    """Measure kind after kind, print, write."""
    options = _arguments()
    if options.build:
        return _build(options)
    if options.hold:
        return _hold(options)
    rows: list[Row] = []
    base, queries = _vectors(options)
    options.out.mkdir(parents=True, exist_ok=True)
    np.save(options.out / VECTORS, base)
    np.save(options.out / QUERY_FILE, queries)
    work = "generated" if options.generated else "real text"
    exact: tuple[npt.NDArray[np.int64], float] | None = None
    for kind in options.kinds:
        for row, reference in _measured(kind, work, base, queries, exact, options):
            exact = reference
            rows.append(row)
            head = f"{row['work']:34} {row['size']:>8}  {row['metric']:27}"
            print(f"{head} {row['value']:10.4g} {row['unit']}", flush=True)
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1) + "\n")
    if options.svg:
        _draw(options.svg / f"knowledge_index_{work.replace(' ', '_')}.svg", rows)
    return 0


def _draw(path: Path, rows: Sequence[Row]) -> None:
    """Recall against the time of a query, a line a kind."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row["work"].split(", ")[1], {})[row["metric"]] = row["value"]
    curves: dict[str, list[Point]] = {}
    for name, told in found.items():
        if "recall@10" in told:
            curves.setdefault(name.split()[0], []).append(Point(told["time a query"], told["recall@10"]))
    labels = {kind: [str(breadth) for breadth in BREADTHS[kind] if breadth] for kind in curves}
    lines = [Curve(kind, points, labels[kind]) for kind, points in curves.items()]
    title = f"{rows[0]['size']:,} vectors of 384 numbers, {rows[0]['work'].split(', ')[0]}"
    note = "one query a call, one thread; numbers: breadth (efSearch, nprobe)"
    draw(path, title, ("ms a query", "recall@10"), lines, logarithmic=True, note=note)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Figures of the knowledge base's indexes.")
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=20_000, help="vectors of the store (default: 20000)")
    parser.add_argument("--generated", action="store_true", help="vectors of the generator instead of real texts")
    parser.add_argument("--kinds", nargs="+", choices=INDEXES, default=list(INDEXES))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path, metavar="DIR", help="draw recall against time there")
    parser.add_argument("--build", help=argparse.SUPPRESS)
    parser.add_argument("--hold", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _vectors(options: argparse.Namespace) -> tuple[Floats, Floats]:
    """Vectors of the store and queries."""
    if options.generated:
        everything = generated(options.size + QUERIES)
    else:
        everything = cached_vectors(options.cache)
        everything = np.concatenate([everything[: min(options.size, len(everything) - QUERIES)], everything[-QUERIES:]])
    return everything[:-QUERIES], everything[-QUERIES:]


def generated(count: int) -> Floats:
    """The stated generator."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((1000, DIMENSION), dtype=np.float32)
    rows = np.empty((count, DIMENSION), dtype=np.float32)
    for start in range(0, count, 10_000):
        part = rows[start : start + 10_000]
        noise = random.standard_normal((len(part), DIMENSION), dtype=np.float32)
        part[:] = centres[random.integers(0, 1000, len(part))] + np.float32(0.7) * noise
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return rows


# Building, in a process of its own whose memory is watched


def _build(options: argparse.Namespace) -> int:
    base = np.load(options.out.parent / VECTORS, mmap_mode="r")
    records = (Record(str(number), f"text {number}") for number in range(len(base)))
    told = {"count": 0}

    def encode(chunk: Sequence[Record]) -> Floats:
        start = told["count"]
        told["count"] += len(chunk)
        return base[start : start + len(chunk)]

    import faiss  # noqa: F401 - loaded before, so that its own size is not counted

    memory, began = [_held()], time.monotonic()
    ended = threading.Event()
    watch = threading.Thread(target=lambda: memory.append(_highest(ended)))
    watch.start()
    KnowledgeStore.build(options.out, records, encode, Description(), index=IndexSettings(options.build)).close()
    seconds = time.monotonic() - began
    ended.set()
    watch.join()
    print(json.dumps({"seconds": seconds, "grown": (memory[1] - memory[0]) / 1e6}))
    return 0


def _highest(ended: threading.Event) -> int:
    """The most memory held at any time until the end, looked up fifty times a second."""
    most = _held()
    while not ended.wait(0.02):
        most = max(most, _held())
    return most


def _held(what: str = "RssAnon") -> int:
    """Bytes of memory of this process; ``RssAnon``: those that are no pages of mapped files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def _hold(options: argparse.Namespace) -> int:
    """What a process holds that has the store open and has asked for every query once."""
    import faiss  # noqa: F401 - as above

    queries = np.load(options.out.parent / QUERY_FILE)
    before = {what: _held(what) for what in ("RssAnon", "VmRSS")}
    with KnowledgeStore.open(options.out, verify="fast") as store:
        for query in queries:
            store.nearest(query[None], K)
        print(json.dumps({what: (_held(what) - held) / 1e6 for what, held in before.items()}))
    return 0


def _told(folder: Path, options: argparse.Namespace, *words: str) -> dict[str, float]:
    """The answer of this program in a process of its own, so that nothing else is counted."""
    command = [sys.executable, __file__, str(options.cache), str(folder), *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


# Searching


def _measured(
    kind: str, work: str, base: Floats, queries: Floats, exact: Any, options: argparse.Namespace
) -> Iterator[tuple[Row, Any]]:
    import faiss

    folder = options.out / f"{work.replace(' ', '-')}-{kind}"
    told = _told(folder, options, "--build", kind)
    held = _told(folder, options, "--hold")

    def row(name: str, metric: str, value: float, unit: str) -> Row:
        return {
            "system": "treewright", "version": version("treewright"), "work": f"{work}, {name}", "size": len(base),
            "metric": metric, "value": value, "unit": unit,
        }  # fmt: skip

    with KnowledgeStore.open(folder, verify="fast") as store:
        yield row(kind, "build time", told["seconds"], "s"), exact
        yield row(kind, "build memory", told["grown"], "MB"), exact
        yield row(kind, "size on disk", store.info().size / 1e6, "MB"), exact
        yield row(kind, "memory of searching", held["RssAnon"], "MB"), exact
        yield row(kind, "the same with mapped pages", held["VmRSS"], "MB"), exact
        faiss.omp_set_num_threads(1)
        for breadth in BREADTHS[kind]:
            positions = store.nearest(queries, K, breadth)[1]
            seconds = _median(lambda query, b=breadth: store.nearest(query, K, b), queries)
            exact = exact or (positions, seconds)
            name = f"{kind} {breadth}" if breadth else kind
            recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(positions, exact[0], strict=True)])
            yield row(name, "recall@10", float(recall), "share"), exact
            yield row(name, "time a query", seconds * 1e3, "ms"), exact
            yield row(name, "share of exact", seconds / exact[1], "ratio"), exact
        yield from ((each, exact) for each in _overheads(kind, store, queries, row))
        faiss.omp_set_num_threads(os.cpu_count() or 1)


def _median(call: Callable[..., Any], queries: Floats) -> float:
    """Seconds of one query, the median over all; the first few are warm-up."""
    times = []
    for query in queries:
        began = time.perf_counter()
        call(query[None])
        times.append(time.perf_counter() - began)
    return statistics.median(times[20:])


def _overheads(kind: str, store: KnowledgeStore, queries: Floats, row: Callable[..., Row]) -> Iterator[Row]:
    """Ours over FAISS's own, the calls in turn; the median of the ratios of the pairs' sums over blocks of queries."""
    raw = _raw(kind, store)
    ways = (raw, lambda query: store.nearest(query, K), lambda query: store.search(query, K))
    plain, full = [], []
    for start in range(0, len(queries), 50):
        spent = [0.0, 0.0, 0.0]
        for number, query in enumerate(queries[start : start + 50]):
            for turn in range(3):  # what comes first finds the query's vectors in no cache: each way in its turn
                way = (number + turn) % 3
                spent[way] += _seconds(lambda q=query[None], w=ways[way]: w(q))
        plain.append(spent[1] / spent[0] - 1.0)
        full.append(spent[2] / spent[0] - 1.0)
    yield row(kind, "overhead", statistics.median(plain), "share")
    yield row(kind, "overhead with records", statistics.median(full), "share")


def _seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _raw(kind: str, store: KnowledgeStore) -> Callable[[Floats], Any]:
    """FAISS alone: its own lists in memory, the same vectors where they lie.

    Not ``IndexFlatIP`` with vectors that it copied: that was slower than the same numbers in an array or a mapped file,
    and a hampered peer would flatter us.
    """
    import faiss

    vectors, settings = store.vectors, store.info().index
    if kind == "exact":
        inner = faiss.METRIC_INNER_PRODUCT
        return lambda query: faiss.knn(query, vectors, K, metric=inner)
    mapped = MappedFlat(store.folder / STORED, len(store), DIMENSION)
    if kind == "hnsw":
        graph = faiss.read_index(str(store.folder / "index.faiss"), faiss.IO_FLAG_SKIP_STORAGE)
        graph.storage, graph.own_fields = mapped.index, False
        walk = faiss.SearchParametersHNSW(efSearch=settings.breadth)
        return lambda query, kept=mapped: graph.search(query, K, params=walk)
    lists = faiss.read_index(str(store.folder / "index.faiss"))
    look = faiss.SearchParametersIVF(nprobe=settings.breadth)
    if kind == "ivf":
        return lambda query: lists.search(query, K, params=look)
    refine = faiss.IndexRefine(lists, mapped.index)
    both = faiss.IndexRefineSearchParameters(k_factor=4, base_index_params=look)
    return lambda query, kept=mapped: refine.search(query, K, params=both)


if __name__ == "__main__":
    raise SystemExit(main())
