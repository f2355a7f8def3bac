"""What the leakage guard of retrieval catches, and what it withholds without need.

    python benchmarks/leakage_guard.py [--every N]

Caught: problems of math_pool_4500 (every N-th) in other dress, each compared with its own record. Withheld: of the 20
records of the pool nearest to each problem of MATH500, of which none is that problem; of the 5 of each pool problem
that are nearest to it beside itself; and of the 5 records of ``embedded/problems`` nearest to each of 300 problems of
the embedded world. The pairs withheld are printed for reading, as some of them are indeed one problem twice.
"""

import argparse
import random
import time
from collections.abc import Callable, Sequence

import numpy as np
from knowledge_texts import rows_of

from treewright_math.embedded_world.recipe import DIFFICULTIES
from treewright_math.embedded_world.task import draw_set
from treewright_math.retrieval.same_problem import reading, same_problem
from treewright_math.retrieval.shipped_knowledge import embedded_records
from treewright_math.text_encoder.embedded_encoder import shared_encoder
from treewright_registry import Key

DRESS: dict[str, Callable[[str], str]] = {
    "an instruction on a new line": lambda text: f"{text}\nPut your final answer within \\boxed{{}}.",
    "an instruction behind it": lambda text: f"{text} Put your final answer within \\boxed{{}}.",
    "an instruction before it": lambda text: f"Solve the following math problem step by step: {text}",
    "in quotation marks": lambda text: f'Please solve "{text}" and explain.',
    "between Question: and Answer:": lambda text: f"Question: {text}\nAnswer:",
    "one full stop more": lambda text: f"{text}.",
    "capitals, line ends": lambda text: text.upper().replace(" ", "\n "),
    "without dollar signs": lambda text: text.replace("$", ""),
    "\\left, \\right, \\dfrac": lambda text: (
        text.replace("(", "\\left(").replace(")", "\\right)").replace("\\frac", "\\dfrac")
    ),
    "every 15th word left out": lambda text: _thinned(text),
    "the last tenth cut off": lambda text: text[: len(text) * 9 // 10],
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The leakage guard of retrieval.")
    parser.add_argument("--every", type=int, default=9)
    options = parser.parse_args()
    pool = [row["problem"] for row in rows_of("math_pool_4500.jsonl.gz")]
    began = time.perf_counter()
    for problem in pool:
        reading(problem)
    print(f"reading a record for the first time: {(time.perf_counter() - began) / len(pool) * 1e6:.0f} µs")
    taken = pool[:: options.every]
    for name, dress in DRESS.items():
        caught = sum(same_problem(dress(problem), problem) for problem in taken)
        print(f"caught     {name:32} {caught:5} of {len(taken)}")
    queries = [row["problem"] for row in rows_of("math500.jsonl.gz")]
    _withheld("MATH500 and its 20 nearest of the pool", queries, pool, 20)
    _withheld("pool problems and their 5 nearest", pool, pool, 5, itself=True)
    bank = [str(dict(record.content)["problem"]) for record in embedded_records("problems")]  # type: ignore[arg-type]
    for difficulty, settings in DIFFICULTIES.items():
        asked = [problem.text for problem in draw_set(Key.root(3), 300, settings, False, "validation")]
        _withheld(f"embedded world, {difficulty}, and their 5 nearest", asked, bank, 5)
    return 0


def _thinned(text: str) -> str:
    chance = random.Random(text)
    words = text.split(" ")
    for _ in range(max(1, len(words) // 15)):
        words.pop(chance.randrange(len(words)))
    return " ".join(words)


def _withheld(name: str, queries: Sequence[str], records: Sequence[str], k: int, itself: bool = False) -> None:
    similar = shared_encoder().encode(queries) @ shared_encoder().encode(records).T
    if itself:
        np.fill_diagonal(similar, -np.inf)
    near = np.argsort(-similar, axis=1, kind="stable")[:, :k]
    began = time.perf_counter()
    pairs = [
        (query, records[at])
        for query, row in zip(queries, near, strict=True)
        for at in row
        if same_problem(query, records[at])
    ]
    seconds = time.perf_counter() - began
    touched = len({query for query, _ in pairs})
    print(f"withheld   {name:40} {len(pairs)} of {near.size} pairs, {touched} of {len(queries)} problems,"
          f" {seconds / near.size * 1e6:.0f} µs a pair")  # fmt: skip
    for query, record in pairs:
        print(f"    {' '.join(query.split())[:150]}\n    = {' '.join(record.split())[:150]}\n")


if __name__ == "__main__":
    raise SystemExit(main())
