"""The chemistry knowledge base over a large list of SMILES: building, size, memory, time of queries.

    python benchmarks/chemistry_knowledge.py build SMILES OUT [--workers 2] [--json FILE]
    python benchmarks/chemistry_knowledge.py query KB [--queries 200] [--json FILE]

``build`` runs ``treewright kb build`` and watches its memory. ``query`` asks an opened knowledge base for its own
substructures (every n-th, so common and rare ones) and, by spectrum, with the measured spectra of the
demonstration. Limits beside it: RDKit alone over a plain list of a sample of the molecules, scaled to all of them;
FAISS alone over the same vectors, without formula filter. Rows: {system, version, work, size, metric, value, unit}.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

SAMPLE = 5_000
"""Molecules of the plain list that RDKit alone searches."""
HITS = 10
"""Hits asked for."""
COUNTED = 10
"""Queries whose matches are all counted, which takes long."""

Row = dict[str, Any]


def main() -> int:
    """Measure, print a table, write the rows."""
    options = _arguments()
    rows = options.measure(options)
    for row in rows:
        head = f"{row['system']:10} {row['version']:10} {row['work']:58} {row['size']:>8}"
        print(f"{head}  {row['metric']:8} {row['value']:10.4g} {row['unit']}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Figures of the chemistry knowledge base.")
    actions = parser.add_subparsers(required=True)
    build = actions.add_parser("build")
    build.add_argument("source", type=Path)
    build.add_argument("out", type=Path)
    build.add_argument("--workers", type=int, default=2)
    build.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE")
    build.set_defaults(measure=_build)
    query = actions.add_parser("query")
    query.add_argument("knowledge", type=Path)
    query.add_argument("--queries", type=int, default=200)
    query.set_defaults(measure=_query)
    for action in (build, query):
        action.add_argument("--json", type=Path)
    return parser.parse_args()


def _row(system: str, work: str, size: int, metric: str, value: float, unit: str) -> Row:
    distribution = {"FAISS": "faiss-cpu", "RDKit": "rdkit"}.get(system, system)
    return {
        "system": system, "version": version(distribution), "work": work, "size": size, "metric": metric,
        "value": value, "unit": unit,
    }  # fmt: skip


# Building


def _build(options: argparse.Namespace) -> list[Row]:
    from treewright_knowledge import read_manifest

    settings = [f"workers={options.workers}", *options.set]
    command = [sys.executable, "-m", "treewright", "kb", "build", "chemistry/substructures", "--replace"]
    command += ["--source", str(options.source), "--out", str(options.out)]
    command += [word for setting in settings for word in ("--set", setting)]
    begin = time.monotonic()
    process = subprocess.Popen(command)
    memory = _watched(process)
    seconds = time.monotonic() - begin
    if process.returncode:
        raise SystemExit(process.returncode)
    manifest = read_manifest(options.out)
    account = json.loads((options.out / "build.json").read_text())
    size, work = account["lines read"], f"kb build ({', '.join(settings)})"
    library = sum(entry.bytes for name, entry in manifest.files.items() if name.startswith("molecules"))
    figures = [
        ("time", seconds, "s"), ("disk", manifest.size / 1e6, "MB"), ("library", library / 1e6, "MB"),
        ("memory", memory / 2**20, "MiB"), ("records", manifest.count, "records"),
    ]  # fmt: skip
    return [_row("treewright", work, size, metric, value, unit) for metric, value, unit in figures]


def _watched(process: subprocess.Popen[bytes]) -> int:
    """Wait; returns the largest resident memory of all its processes together, bytes (Linux)."""
    most = 0
    while process.poll() is None:
        most = max(most, sum(map(_resident, _family(process.pid))))
        time.sleep(0.5)
    return most


def _family(process: int) -> Iterable[int]:
    yield process
    try:
        threads = [path.read_text() for path in Path(f"/proc/{process}/task").glob("*/children")]
    except OSError:
        return  # it has just ended
    for child in " ".join(threads).split():
        yield from _family(int(child))


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096
    except OSError:
        return 0


# Queries


def _query(options: argparse.Namespace) -> list[Row]:
    from treewright_chemistry.knowledge_queries import OpenedKnowledge
    from treewright_knowledge import KnowledgeStore

    begin = time.perf_counter()
    KnowledgeStore.open(options.knowledge).close()
    opening = time.perf_counter() - begin
    knowledge = OpenedKnowledge.open(options.knowledge)
    molecules = json.loads((options.knowledge / "build.json").read_text())["searchable"]
    rows = [_row("treewright", "open and verify all checksums", molecules, "time", 1000 * opening, "ms")]
    return rows + _by_substructure(knowledge, molecules, options.queries) + _by_spectrum(knowledge, options.queries)


def _by_substructure(knowledge: Any, molecules: int, number: int) -> list[Row]:
    from rdkit import Chem

    smarts = _patterns(knowledge.store, number)
    knowledge.search("[Po]", HITS)  # found nowhere: reads every file of the library once
    rows = _timed(f"substructure, {HITS} smallest", molecules, smarts, lambda q: knowledge.search(q, HITS))
    few = smarts[:: max(len(smarts) // COUNTED, 1)]
    rows += _timed("substructure, all matches counted", molecules, few, lambda q: _count(knowledge, q))
    step = max(molecules // SAMPLE, 1)
    sample = [Chem.MolFromSmiles(knowledge.molecules.at(position)) for position in range(0, molecules, step)]
    scale = molecules / len(sample)
    queries = [Chem.MolFromSmarts(each) for each in few]
    plain = f"HasSubstructMatch over {len(sample):,} parsed molecules, scaled"
    rows += _timed(plain, molecules, queries, lambda q: [mol.HasSubstructMatch(q) for mol in sample], "RDKit", scale)
    return rows


def _count(knowledge: Any, smarts: str) -> int:
    from treewright_chemistry.knowledge_queries import pattern_of

    return int(knowledge.molecules.count(pattern_of(smarts)))


def _patterns(store: Any, number: int) -> list[str]:
    """Every n-th substructure of the knowledge base as SMARTS; an open place matches any atom."""
    step = max(len(store) // number, 1)
    return [store.at(position).id for position in range(0, len(store), step)][:number]


def _by_spectrum(knowledge: Any, number: int) -> list[Row]:
    import faiss
    import numpy as np

    spectra = _spectra(number)
    knowledge.by_spectrum(spectra[0], HITS)
    size = len(knowledge.store)
    rows = _timed(f"spectrum with formula filter, {HITS} best", size, spectra, lambda s: knowledge.by_spectrum(s, HITS))
    vectors = knowledge.store.vectors
    random = np.random.default_rng(0)
    queries = random.standard_normal((len(spectra), 1, vectors.shape[1])).astype(np.float32)
    faiss.omp_set_num_threads(1)
    inner = faiss.METRIC_INNER_PRODUCT
    rows += _timed(
        f"exact inner product, {HITS} best, no filter, no encoder", size, list(queries),
        lambda query: faiss.knn(query, vectors, HITS, metric=inner), "FAISS",
    )  # fmt: skip
    return rows


def _spectra(number: int) -> list[Any]:
    """The measured spectra of the demonstration, again and again."""
    from importlib import resources

    from treewright_chemistry.spectrum_codec import SpectrumCodec

    text = resources.files("treewright_chemistry").joinpath("data/demo_spectra.json").read_text(encoding="utf-8")
    spectra = [SpectrumCodec().decode(record["spectrum"]) for record in json.loads(text)["records"]]
    return [spectra[i % len(spectra)] for i in range(number)]


def _timed(
    work: str,
    size: int,
    queries: Sequence[Any],
    ask: Callable[[Any], Any],
    system: str = "treewright",
    scale: float = 1.0,
) -> list[Row]:
    """Median and 95th percentile of one query after the other."""
    times = []
    for query in queries:
        begin = time.perf_counter()
        ask(query)
        times.append(1000 * scale * (time.perf_counter() - begin))
    figures = {"median": statistics.median(times), "p95": statistics.quantiles(times, n=20)[-1]}
    return [_row(system, f"{work} ({len(times)} queries)", size, name, value, "ms") for name, value in figures.items()]


if __name__ == "__main__":
    raise SystemExit(main())
