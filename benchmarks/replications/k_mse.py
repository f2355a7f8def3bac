"""K-MSE in miniature: structure elucidation of MolPuzzle's development molecules, closed book.

The embedded policy stands for the language model, the tree search is K-MSE's (``core/self-refine-mcts``),
the scorer mixes shift likelihoods and the dual encoder. Budgets are inner evaluations: distinct
candidates made and scored for a molecule. K-MSE's own figure with GPT-4o is 57.8 % (one source; another
gives 39.8 %).
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from claims import Row  # this folder is not a package
from paired_runs import Outcome, Variant, difference, run

PAPER = 0.578
FULL, SMALL, BURST = 10_000, 1_000, 250
OUT = Path("runs/replicate-k-mse")


def measure(claims: Sequence[Row]) -> list[Row]:
    """The four claims, in the order of ``claims.py``."""
    full = _run("tree-full", "chemistry/k-mse", FULL, 1000)
    tree = _run("tree", "chemistry/k-mse", SMALL, BURST)
    sample = _run("best-of-n", "chemistry/best-of-n", SMALL, BURST)
    bare = _run("no-knowledge", "chemistry/k-mse", SMALL, BURST, ("policy.fragments", "none"))
    blind = _run(
        "no-shifts", "chemistry/k-mse", SMALL, BURST, ("scorer.without", ["shifts"]), ("policy.without", ["shifts"])
    )
    top = full.accuracy()
    return [
        _row(claims[0], top, full, unit="top-1", holds=top[1] > PAPER),
        _row(claims[1], difference(tree, sample), tree),
        _row(claims[2], difference(tree, bare), tree),
        _row(claims[3], difference(tree, blind), tree),
    ]


def _run(name: str, pipeline: str, budget: int, burst: int, *settings: tuple[str, object]) -> Outcome:
    own = {"budget.inner_evaluations": budget, "policy.evaluations": burst, "seed": 0, **dict(settings)}
    return run(Variant(name, pipeline, own), OUT / name, workers=2)


def _row(
    claim: Row,
    value: tuple[float, float, float],
    outcome: Outcome,
    unit: str = "difference of top-1",
    holds: bool | None = None,
) -> Row:
    figure, low, high = value
    return replace(
        claim,
        ours=figure,
        low=low,
        high=high,
        n=len(outcome.records),
        unit=unit,
        holds=low > 0 if holds is None else holds,
        command="make replicate ONLY=k-mse",
    )
