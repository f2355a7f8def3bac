"""Grading of answers: agreement with stored labels, safety against hostile answers, throughput.

agreement   our labels of the 800 samples of math_cot_100 against the stored ones (the one miss is ``10{,}000``
            against ``10000``, which is equal), with and without the comparisons that need no algebra
hostile     answers made to hang or crash a grader, one by one: how many were late, the slowest, and whether the grader
            still works afterwards
throughput  pairs a second: math-verify in this process, in the worker one by one, in the worker in batches, and the
            grader as it is used (plain comparisons first, nothing asked twice); on pairs that all differ, and on the
            800 samples as they come

    TREEWRIGHT_DATA=… python benchmarks/grading.py --json grading.json
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hostile_answers import hostile_answers

from treewright_math.data_files.places import existing_file
from treewright_math.data_files.rows import read_rows
from treewright_math.grading.grader import Grader
from treewright_math.recorded.layouts import read_recorded

FOLDER = "$TREEWRIGHT_DATA/math"
CHUNK = 50
Pair = tuple[str, str]


def labelled(name: str) -> list[tuple[Pair, bool]]:
    """(reference, answer) and stored label of every sample of a file that has an answer."""
    found = []
    for row in read_rows(f"{FOLDER}/{name}.jsonl.gz"):
        problem = read_recorded(row.fields)
        for sample in problem.samples:
            if sample.answer is not None and problem.reference is not None:
                found.append(((problem.reference, sample.answer), bool(sample.correct)))
    return found


def agreement(add: Callable[..., None]) -> None:
    samples = labelled("math_cot_100")
    for work, quick in (("with plain comparisons", True), ("math-verify alone", False)):
        grader = Grader(quick=quick)
        outcomes = grader.compare_all([pair for pair, _ in samples])
        grader.close()
        agreed = sum(outcome.equal == label for outcome, (_, label) in zip(outcomes, samples, strict=True))
        add(f"agreement {work}", len(samples), "samples that agree", agreed, "samples")
        if quick:
            for by, number in sorted(Counter(outcome.by for outcome in outcomes).items()):
                add(f"agreement {work}", len(samples), f"decided by {by}", number, "samples")


def hostile(count: int, deadline: float, add: Callable[..., None]) -> None:
    grader = Grader(deadline=deadline)
    grader.compare("\\frac{1}{2}", "\\sqrt{2}")  # the worker starts
    first, slowest, called_right = grader.worker, 0.0, 0
    late: Counter[str] = Counter()
    begin = time.perf_counter()
    for number, (kind, answer) in enumerate(hostile_answers(count), 1):
        asked = time.perf_counter()
        outcome = grader.compare("\\frac{7919}{3}", answer)
        slowest = max(slowest, time.perf_counter() - asked)
        called_right += outcome.equal
        if outcome.reason and "answer within" in outcome.reason:
            late[kind] += 1
        elif outcome.reason and outcome.by == "math-verify":
            late[f"(crashed) {kind}"] += 1
        if number % 500 == 0:
            print(f"  {number} of {count}, {sum(late.values())} late or crashed, slowest {slowest:.2f} s", flush=True)
    seconds = time.perf_counter() - begin
    alive = grader.compare("\\sqrt{8}", "2\\sqrt{2}").equal and not grader.compare("\\sqrt{8}", "3").equal
    work = f"hostile, deadline {deadline:g} s"
    add(work, count, "answers with an outcome", count, "answers")
    for kind, number in late.most_common():
        add(work, count, f"late: {kind}", number, "answers")
    add(work, count, "late or crashed", sum(late.values()), "answers")
    add(work, count, "called right", called_right, "answers")
    add(work, count, "slowest answer", slowest, "s")
    add(work, count, "whole run", seconds, "s")
    add(work, count, "same worker at the end", int(first == grader.worker), "yes = 1")
    add(work, count, "grades rightly at the end", int(alive), "yes = 1")
    grader.close()


def throughput(count: int, add: Callable[..., None]) -> None:
    hard = list(dict.fromkeys(pair for pair, _ in labelled("llm_samples_math_l5")))
    side_by_side("different pairs", hard[:: max(1, len(hard) // count)][:count], add)
    side_by_side("samples as they come", [pair for pair, _ in labelled("math_cot_100")], add)


def side_by_side(name: str, pairs: Sequence[Pair], add: Callable[..., None]) -> None:
    """Each way gets the same chunks of pairs in turn, so that what else the machine does falls on all of them."""
    graders = {"worker, one by one": Grader(quick=False), "worker, batches": Grader(quick=False), "grader": Grader()}
    ways = {"in this process": _in_this_process(), **{work: _asking(work, each) for work, each in graders.items()}}
    for grader in graders.values():
        grader.compare("\\frac{1}{2}", "\\sqrt{2}")  # the worker starts
    seconds = dict.fromkeys(ways, 0.0)
    found: dict[str, list[bool]] = {work: [] for work in ways}
    for start in range(0, len(pairs), CHUNK):
        for work, ask in ways.items():
            begin = time.perf_counter()
            found[work] += ask(pairs[start : start + CHUNK])
            seconds[work] += time.perf_counter() - begin
    for work in ways:
        system = "treewright" if work in graders else "math-verify"
        add(f"{name}: {work}", len(pairs), "throughput", len(pairs) / seconds[work], "pairs/s", system)
        same = sum(one == other for one, other in zip(found[work], found["in this process"], strict=True))
        add(f"{name}: {work}", len(pairs), "same as in this process", same, "pairs", system)
    for grader in graders.values():
        grader.close()


def _in_this_process() -> Callable[[Sequence[Pair]], list[bool]]:
    from treewright_math.grading.worker import math_verify_equal

    equal = math_verify_equal()
    return lambda pairs: [equal(*pair) for pair in pairs]


def _asking(work: str, grader: Grader) -> Callable[[Sequence[Pair]], list[bool]]:
    if "one by one" in work:
        return lambda pairs: [grader.compare(*pair).equal for pair in pairs]
    return lambda pairs: [outcome.equal for outcome in grader.compare_all(pairs)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--hostile", type=int, default=10_000, help="how many hostile answers (default 10,000)")
    parser.add_argument("--deadline", type=float, default=0.5, help="seconds for one hostile answer (default 0.5)")
    parser.add_argument("--pairs", type=int, default=1_500, help="pairs of the throughput (default 1,500)")
    options = parser.parse_args()
    existing_file(f"{FOLDER}/math_cot_100.jsonl.gz", "the data folder")
    versions = {"treewright": version("treewright-math"), "math-verify": version("math-verify")}
    rows: list[dict[str, Any]] = []

    def add(work: str, size: int, metric: str, value: float, unit: str, system: str = "treewright") -> None:
        rows.append(
            {
                "system": system,
                "version": versions[system],
                "work": work,
                "size": size,
                "metric": metric,
                "value": value,
                "unit": unit,
            }
        )
        print(f"{work:42} {size:>6}  {metric:32} {value:12,.6g} {unit}", flush=True)
        if options.json:  # after each row, so that an interrupted run is not lost
            options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")

    agreement(add)
    throughput(options.pairs, add)
    if options.hostile:
        hostile(options.hostile, options.deadline, add)


if __name__ == "__main__":
    main()
