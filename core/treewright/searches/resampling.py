r"""Resampling: which particles go on, in proportion to their weights.

All four schemes give particle i on average N w_i descendants; they differ in how much chance is left.

    multinomial   N independent draws
    stratified    one draw in each of N equal parts of [0, 1)
    systematic    one draw, repeated at distance 1/N: each particle gets ⌊N w_i⌋ or ⌈N w_i⌉
    residual      ⌊N w_i⌋ for certain, the rest by independent draws

Source: Douc, Cappé, Moulines, "Comparison of resampling schemes for particle filtering" (2005). The conditional forms
follow the definition of conditional SMC (Andrieu, Doucet, Holenstein 2010): the law of the others, given that the
kept particle descends from itself. Its own point lies uniformly in its own interval; where a scheme depends on the
order of the intervals, the order is drawn anew.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import floor
from random import Random
from typing import Literal, TypeAlias

from treewright_registry import Key

Scheme: TypeAlias = Literal["multinomial", "systematic", "stratified", "residual"]


def descendants(scheme: Scheme, weights: Sequence[float], key: Key) -> list[int]:
    """For each of the N places the particle that goes on there; ``weights`` add up to 1."""
    draw = key.generator()
    if scheme == "residual":
        certain, rest = _split(weights)
        left = len(weights) - len(certain)
        return certain + _drawn(rest, [draw.random() for _ in range(left)])
    return _drawn(weights, _points(scheme, len(weights), draw))


def descendants_with_first_kept(scheme: Scheme, weights: Sequence[float], key: Key) -> list[int]:
    """The same, given that place 0 is a descendant of particle 0."""
    if not weights[0] > 0:  # so small that it has become 0: nothing can be conditioned on
        return [0, *descendants(scheme, weights, key)[1:]]
    draw = key.generator()
    n = len(weights)
    order = draw.sample(range(n), n)
    if scheme == "residual":
        others = _residual_others(weights, draw)
    else:
        shuffled = [weights[index] for index in order]
        position = order.index(0)
        own = sum(shuffled[:position]) + draw.random() * weights[0]
        others = [order[index] for index in _drawn(shuffled, _other_points(scheme, n, own, draw))]
    draw.shuffle(others)
    return [0, *others]


def _points(scheme: Scheme, n: int, draw: Random) -> list[float]:
    if scheme == "multinomial":
        return [draw.random() for _ in range(n)]
    shift = draw.random()
    return [(k + (shift if scheme == "systematic" else draw.random())) / n for k in range(n)]


def _other_points(scheme: Scheme, n: int, own: float, draw: Random) -> list[float]:
    """All points but one, given that one of them is ``own``."""
    if scheme == "multinomial":
        return [draw.random() for _ in range(n - 1)]
    part = min(n - 1, floor(own * n))
    shift = own * n - part
    return [(k + (shift if scheme == "systematic" else draw.random())) / n for k in range(n) if k != part]


def _residual_others(weights: Sequence[float], draw: Random) -> list[int]:
    """The kept descendant is one of the certain ones or one of the drawn ones, as likely as it has of each."""
    certain, rest = _split(weights)
    left = len(weights) - len(certain)
    share = certain.count(0) / (len(weights) * weights[0])
    if draw.random() < share or not left:
        certain.remove(0)
    else:
        left -= 1
    return certain + _drawn(rest, [draw.random() for _ in range(left)])


def _split(weights: Sequence[float]) -> tuple[list[int], list[float]]:
    """Descendants that are certain, and the weights that are left for drawing (not normalised)."""
    n = len(weights)
    whole = [floor(n * weight + 1e-12) for weight in weights]  # 3 · (1/3) is 3 thirds, not 0
    certain = [index for index, count in enumerate(whole) for _ in range(count)]
    return certain, [max(0.0, n * weight - count) for weight, count in zip(weights, whole, strict=True)]


def _drawn(weights: Sequence[float], points: Sequence[float]) -> list[int]:
    """The particle whose interval holds each point of [0, 1)."""
    ends = list(accumulate(weights))
    last = max((index for index, weight in enumerate(weights) if weight > 0), default=0)
    return [min(bisect_right(ends, point * ends[-1]), last) for point in points]
