"""Uniform numbers named by a row's seed and a token's position, for many rows at once.

The t-th number of a row is the t-th output of SplitMix64 begun at the row's seed (G. L. Steele, D. Lea,
C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; constants theirs)::

    z = seed + (t + 1) · 0x9E3779B97F4A7C15            (all modulo 2⁶⁴)
    z = (z ⊕ z≫30) · 0xBF58476D1CE4E5B9
    z = (z ⊕ z≫27) · 0x94D049BB133111EB
    u = (z ⊕ z≫31) ≫ 11, divided by 2⁵³

Its output is a function of seed and position alone, so a row draws the same numbers in any batch.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Uniforms: TypeAlias = npt.NDArray[np.float64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def uniforms(seeds: npt.NDArray[np.uint64], position: int) -> Uniforms:
    """Numbers in [0, 1), one for each seed, at ``position`` (0 or more) of its stream."""
    offset = np.uint64((int(_GAMMA) * (position + 1)) & 0xFFFFFFFFFFFFFFFF)
    z = seeds + offset
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53
