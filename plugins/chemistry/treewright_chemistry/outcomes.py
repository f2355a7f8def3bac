"""What became of the truth: not found, found but outranked, or solved; and at which rank it stood.

"Found" is the truth's being among the structures that were proposed to the search. A policy that works in
bursts (``chemistry/assembly``) looks at hundreds of structures for each one that it proposes; a truth that it
met and did not propose was not found. The ranks are those of the run itself, so they hold for every scorer.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import median
from typing import Any, Final

from treewright_chemistry.structures import constitution, parse_structure
from treewright_registry import JSON

TOP: Final = (1, 3, 5, 10)
FOUND: Final = "found"
RANK: Final = "rank_given_found"
FIRST: Final = "first_given_found"
_Z: Final = 1.959963984540054  # 97.5 % quantile of the normal distribution


def placed(answers: Sequence[JSON], truth: str) -> dict[str, Any]:
    """Metrics of one problem: ``found``, and if so ``rank_given_found``, from 1.

    Args:
        answers: distinct constitutions as canonical SMILES, best first.
        truth: SMILES of the true structure.
    """
    wanted = constitution(parse_structure(truth))
    spellings = {wanted, constitution(parse_structure(wanted))}  # a canonical SMILES may change when read again
    rank = next((place for place, answer in enumerate(answers, start=1) if answer in spellings), None)
    return {FOUND: False} if rank is None else {FOUND: True, RANK: rank}


def outcomes(records: Sequence[Any]) -> dict[str, dict[str, float]]:
    """Metrics of a set, each with an interval at 95 %; failed problems count as not found.

    ``top_k``: the truth is among the first k. ``found``: it was proposed at all. ``outranked``: found, and
    another structure ranked first. ``not_found``, ``outranked`` and ``top_1`` add up to 1. Of the found
    ones: ``first_given_found`` is the share at rank 1, ``rank_given_found`` the median rank.
    """
    ranks = [record.metrics.get(RANK) for record in records]
    found = sorted(rank for rank in ranks if rank is not None)
    n = len(ranks)
    shares = {f"top_{k}": _share(sum(rank <= k for rank in found), n) for k in TOP}
    shares |= {
        FOUND: _share(len(found), n),
        "outranked": _share(sum(rank > 1 for rank in found), n),
        "not_found": _share(n - len(found), n),
    }
    return shares | (_given_found(found) if found else {})


def median_interval(ordered: Sequence[int]) -> tuple[int, int]:
    """Lowest and highest value of the median at 95 %, from order statistics (normal approximation).

    Source: W. J. Conover, Practical Nonparametric Statistics, section 3.2: ranks n/2 ± 1.96 · √n / 2.
    """
    n = len(ordered)
    half = _Z * sqrt(n) / 2
    low, high = int(n / 2 - half), int(n / 2 + half) + 1
    return ordered[max(low, 0)], ordered[min(high, n - 1)]


def _given_found(found: Sequence[int]) -> dict[str, dict[str, float]]:
    low, high = median_interval(found)
    return {
        FIRST: _share(sum(rank == 1 for rank in found), len(found)),
        RANK: {"value": float(median(found)), "low": low, "high": high, "n": len(found)},
    }


def _share(count: int, n: int) -> dict[str, float]:
    from treewright.run.intervals import wilson

    low, high = wilson(count, n)
    return {"value": count / n, "low": low, "high": high, "n": n}
