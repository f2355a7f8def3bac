"""Laws of resampling (T12): each particle gets N·w descendants on average; keeping one changes only what it must."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from itertools import product
from math import ceil, floor

import numpy as np

from tests.laws.exact import Array
from tests.laws.law import Law, Outcome, averages_to, equal, follows
from treewright.searches.resampling import Scheme, descendants, descendants_with_first_kept
from treewright_registry import Key

WEIGHTS = (0.43, 0.27, 0.17, 0.08, 0.05)
N = len(WEIGHTS)
SCHEMES: tuple[Scheme, ...] = ("multinomial", "systematic", "stratified", "residual")


@cache
def _numbers(scheme: Scheme, draws: int, seed: int) -> Array:
    """Draw → descendants of each particle."""
    rows = [np.bincount(descendants(scheme, WEIGHTS, Key.root(seed, draw)), minlength=N) for draw in range(draws)]
    return np.array(rows, float)


def _average(scheme: Scheme, weights: Sequence[float], draws: int, seed: int) -> Outcome:
    return averages_to(_numbers(scheme, draws, seed), [N * weight for weight in weights])


def _floor_or_ceiling(scheme: Scheme, draws: int, seed: int) -> Outcome:
    rows = _numbers(scheme, draws, seed)
    outside = sum(
        row[index] not in (floor(N * weight), ceil(N * weight)) for row in rows for index, weight in enumerate(WEIGHTS)
    )
    return equal("numbers that are neither ⌊N w⌋ nor ⌈N w⌉", outside, 0)


# -- conditional forms: w_i × (law given that i is kept) adds up to the law without any condition ------------------

UNIFORM = "kept particle drawn uniformly"  # multinomial's others are independent of the kept one
UNCONDITIONED = "others drawn as if none were kept"
FEW = (0.5, 0.3, 0.2)
PATTERNS = [pattern for pattern in product(range(4), repeat=3) if sum(pattern) == 3]


@cache
def unconditional(scheme: Scheme) -> Mapping[tuple[int, ...], float]:
    """The law of the numbers of descendants, averaged over the order of the intervals, by a fine grid."""
    law = dict.fromkeys(PATTERNS, 0.0)
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    for order in orders:
        ends = np.cumsum([FEW[index] for index in order])
        for shifts, share in _grid(scheme):
            points = [(k + shift) / 3 for k, shift in enumerate(shifts)]
            places = [order[min(2, int(np.searchsorted(ends, point, side="right")))] for point in points]
            law[places.count(0), places.count(1), places.count(2)] += share / len(orders)
    return law


def _grid(scheme: Scheme) -> list[tuple[tuple[float, ...], float]]:
    """Shifts within the three equal parts, with their probabilities: exact, as all ends are multiples of 1/30."""
    fine = [(at + 0.5) / 10 for at in range(10)]
    if scheme == "systematic":
        return [((shift,) * 3, 0.1) for shift in fine]
    return [(shifts, 1e-3) for shifts in product(fine, repeat=3)]


def _by_hand(scheme: Scheme) -> Mapping[tuple[int, ...], float]:
    if scheme in ("systematic", "stratified"):
        return unconditional(scheme)
    law = dict.fromkeys(PATTERNS, 0.0)
    certain, rest = ((0, 0, 0), FEW) if scheme == "multinomial" else ((1, 0, 0), (0.25, 0.45, 0.3))
    for places in product(range(3), repeat=3 - sum(certain)):
        numbers = [certain[index] + places.count(index) for index in range(3)]
        law[numbers[0], numbers[1], numbers[2]] += float(np.prod([rest[place] for place in places]))
    return law


@cache
def _kept_counts(scheme: Scheme, flaw: str, draws: int, seed: int) -> list[int]:
    tally = dict.fromkeys(PATTERNS, 0)
    for draw in range(draws):
        key = Key.root(seed, draw)
        kept = key.child("kept").choice((1, 1, 1) if flaw == UNIFORM else FEW)
        order = [kept, *(index for index in range(3) if index != kept)]
        weights = [FEW[index] for index in order]
        places = (
            [0, *descendants(scheme, weights, key)[1:]]
            if flaw == UNCONDITIONED
            else descendants_with_first_kept(scheme, weights, key)
        )
        found = [order[place] for place in places]
        tally[found.count(0), found.count(1), found.count(2)] += 1
    return list(tally.values())


def _conditional(scheme: Scheme, flaw: str, draws: int, seed: int) -> Outcome:
    return follows(_kept_counts(scheme, flaw, draws, seed), _by_hand(scheme).values())


LAWS = [
    *(
        Law(
            "core/particle-filter",
            "T12",
            f"{scheme}: N w descendants on average",
            partial(_average, scheme, WEIGHTS),
            partial(_average, scheme, (0.4, 0.3, 0.15, 0.1, 0.05)),
            "other weights",
            draws=6000,
            thorough=100_000,
        )
        for scheme in SCHEMES
    ),
    Law(
        "core/particle-filter",
        "T12",
        "systematic: always ⌊N w⌋ or ⌈N w⌉ descendants",
        partial(_floor_or_ceiling, "systematic"),
        partial(_floor_or_ceiling, "multinomial"),
        "multinomial",
        draws=6000,
        thorough=100_000,
    ),
    *(
        Law(
            "core/particle-gibbs",
            "T12",
            f"{scheme}: keeping a particle drawn by weight gives the unconditional law",
            partial(_conditional, scheme, ""),
            partial(_conditional, scheme, flaw),
            flaw,
            draws=8000,
            thorough=100_000,
        )
        for scheme, flaw in zip(SCHEMES, (UNIFORM, UNCONDITIONED, UNCONDITIONED, UNCONDITIONED), strict=True)
    ),
]
