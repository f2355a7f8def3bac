"""Distributions by computation instead of sampling: best-of-n, soft best-of-n, tilted laws; distances between laws."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]


def tilted(base: ArrayLike, weights: ArrayLike) -> Array:
    """The law proportional to base times weight."""
    law = np.asarray(base, float) * np.asarray(weights, float)
    return np.asarray(law / law.sum())


def soft_best_of_n(base: ArrayLike, weights: ArrayLike, n: int) -> Array:
    """The law of S-BoN(base, weights, n): n independent draws, one of them taken with probability ∝ its weight.

        P(y) = n p_y w_y ∫₀^∞ exp(−t w_y) φ(t)^{n−1} dt,    φ(t) = Σ_z p_z exp(−t w_z)

    from 1/S = ∫ exp(−tS) dt. Weights may be 0 (rejected draws): then the law's mass is 1 − P(all rejected).
    The integral is a sum over t = eˢ, which converges geometrically.
    """
    p, w = np.asarray(base, float), np.asarray(weights, float)
    w = w / w.max()
    s = np.arange(np.log(1e-18), np.log(800.0 / w[w > 0].min()), 0.01)
    t = np.exp(s)
    decay = np.exp(-np.outer(t, w))
    integral = (t * 0.01 * (decay @ p) ** (n - 1)) @ decay
    return np.asarray(n * p * w * integral)


def best_of_n(base: ArrayLike, values: ArrayLike, n: int) -> Array:
    """The law of the best-scored of n independent draws, by F(y)^n − F(y−)^n; ties go to the draw made first."""
    p, v = np.asarray(base, float), np.asarray(values, float)
    law = np.zeros_like(p)
    for level in np.unique(v):
        below, here = p[v < level].sum(), p[v == level].sum()
        law[v == level] = ((below + here) ** n - below**n) * p[v == level] / here
    return law


def kl(p: ArrayLike, q: ArrayLike) -> float:
    """Kullback-Leibler divergence KL(p‖q) in nats."""
    p, q = np.asarray(p, float), np.asarray(q, float)
    return float(np.sum(p[p > 0] * np.log(p[p > 0] / q[p > 0])))


def total_variation(p: ArrayLike, q: ArrayLike) -> float:
    """Half the sum of absolute differences."""
    return float(np.abs(np.asarray(p, float) - np.asarray(q, float)).sum() / 2)


def chi_square_divergence(q: ArrayLike, p: ArrayLike) -> float:
    """χ²(q‖p) = Σ q²/p − 1."""
    return float(np.sum(np.asarray(q, float) ** 2 / np.asarray(p, float)) - 1)
