"""Log-likelihoods of observed lines given predicted shifts, for many candidates at once.

Shifts lie on a line, so minimum-cost matching keeps their order: sorting replaces the general assignment
problem. Each deviation is judged by a Laplace law with the scale of its prediction, plus a small share of
gross errors.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

GROSS_SHARE: Final = 0.03
"""Share of lines that no prediction explains: wrong assignments, impurities, special effects."""
GROSS_WIDTH: Final = {"13C": 220.0, "1H": 12.0}
"""ppm over which gross errors spread."""

Floats = npt.NDArray[np.float64]
NucleusName = Literal["13C", "1H"]


def log_density(difference: Floats, scale: Floats, nucleus: NucleusName) -> Floats:
    """Return the natural log of the density of a deviation, per ppm."""
    laplace = np.exp(-np.abs(difference) / scale) / (2.0 * scale)
    density: Floats = np.log((1.0 - GROSS_SHARE) * laplace + GROSS_SHARE / GROSS_WIDTH[nucleus])
    return density


def sort_rows(mean: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Sort the predictions of every candidate by mean; both of shape (candidates, shifts)."""
    order = np.argsort(mean, axis=1)
    return np.take_along_axis(mean, order, 1), np.take_along_axis(scale, order, 1)


def one_to_one(mean: Floats, scale: Floats, readings: Floats, nucleus: NucleusName) -> Floats:
    """Return the mean log density per line, best reading, where every prediction has its line.

    Args:
        mean: sorted predictions, shape (candidates, lines).
        scale: their expected errors, same shape.
        readings: sorted lines, shape (readings, lines).
        nucleus: 13C or 1H.
    """
    best: Floats = np.max([log_density(mean - lines, scale, nucleus).mean(1) for lines in readings], axis=0)
    return best


def onto(mean: Floats, scale: Floats, lines: Floats, nucleus: NucleusName) -> Floats:
    """Return the mean log density per prediction where lines overlap: each is used, some more than once.

    The best order-keeping map is found by dynamic programming over predictions, for all candidates in step.

    Args:
        mean: sorted predictions, shape (candidates, predictions).
        scale: their expected errors, same shape.
        lines: sorted, shape (lines,), at most as many as predictions.
        nucleus: 13C or 1H.
    """
    density = log_density(mean[:, :, None] - lines, scale[:, :, None], nucleus)
    best = np.full((len(mean), len(lines)), -np.inf)
    best[:, 0] = density[:, 0, 0]
    for number in range(1, mean.shape[1]):
        advanced = np.concatenate([np.full((len(mean), 1), -np.inf), best[:, :-1]], axis=1)
        best = np.maximum(best, advanced) + density[:, number]
    result: Floats = best[:, -1] / mean.shape[1]
    return result


def mutual(mean: Floats, scale: Floats, weights: Floats, lines: Floats, nucleus: NucleusName) -> Floats:
    """Return how well predictions and lines cover each other where counts are not known.

    Half is the mean over lines of the best prediction, half the mean over predictions of the best line.

    Args:
        mean: predictions, shape (candidates, predictions).
        scale: their expected errors, same shape.
        weights: 0 for predictions that do not count, shape (candidates, predictions).
        lines: shape (lines,).
        nucleus: 13C or 1H.
    """
    density = log_density(mean[:, :, None] - lines, scale[:, :, None], nucleus)
    floor = np.log(GROSS_SHARE / GROSS_WIDTH[nucleus])
    of_lines = np.where(weights[:, :, None] > 0, density, floor).max(1).mean(1)
    total = np.maximum(weights.sum(1), 1e-9)
    of_predictions = (density.max(2) * weights).sum(1) / total
    result: Floats = 0.5 * (of_lines + np.where(weights.sum(1) > 0, of_predictions, floor))
    return result
