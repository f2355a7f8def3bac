"""Conditional logit: the weights under which a truth is told from its decoys.

    P(truth) = exp(w · x₀) / Σⱼ exp(w · xⱼ)      minimise  mean(-log P) + ridge · Σₖ (wₖ sₖ)²

x₀ are the parts of the truth, xⱼ those of all candidates, sₖ the root mean square by which decoys differ from
their truths in part k, so that the ridge asks the same of parts of any unit. Source: McFadden, Conditional
logit analysis of qualitative choice behavior (1974); the ridge is chosen by log-loss of cases left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

FOLDS: Final = 5
RIDGES: Final = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)
TIE: Final = 1e-6

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choices:
    """Decoys less truth, padded.

    Attributes:
        differences: parts of every decoy less those of its truth, shape (cases, decoys, parts).
        present: which decoys there are, shape (cases, decoys).
    """

    differences: Floats
    present: npt.NDArray[np.bool_]

    def __getitem__(self, cases: npt.NDArray[np.bool_]) -> Choices:
        return Choices(self.differences[cases], self.present[cases])

    def __len__(self) -> int:
        return len(self.present)


def choices_of(tables: Sequence[Floats]) -> Choices:
    """Return the choices of cases, each an array of parts with the truth first, shape (1 + decoys, parts)."""
    most = max(len(table) for table in tables) - 1
    differences = np.zeros((len(tables), most, tables[0].shape[1]))
    present = np.zeros((len(tables), most), np.bool_)
    for number, table in enumerate(tables):
        differences[number, : len(table) - 1] = table[1:] - table[0]
        present[number, : len(table) - 1] = True
    return Choices(differences, present)


def log_losses(choices: Choices, weights: Floats) -> Floats:
    """Return -log P(truth), shape (cases,)."""
    return _losses(choices, weights)[0]


def firsts(choices: Choices, weights: Floats) -> Floats:
    """Return whether each truth ranks first, shape (cases,); a tie of n counts 1/n."""
    above = _logits(choices, weights)
    return np.where((above > TIE).any(1), 0.0, 1.0 / (1.0 + (np.abs(above) <= TIE).sum(1)))


def fit_weights(choices: Choices, fixed: Mapping[int, float], signs: Floats, ridge: float) -> Floats:
    """Return the weights that minimise the penalised mean log-loss, shape (parts,).

    Args:
        choices: the cases.
        fixed: weights that are not fitted, by the number of the part.
        signs: 1 where a weight must not be negative, -1 where it must not be positive, shape (parts,).
        ridge: strength of the penalty.
    """
    spread = np.sqrt((choices.differences[choices.present] ** 2).mean(0))
    unit = np.where(spread > 0.0, spread, 1.0)
    bounds: list[tuple[float | None, float | None]] = [(0.0, None) if sign > 0 else (None, 0.0) for sign in signs]
    start = signs * 0.1
    for number, value in fixed.items():
        bounds[number], start[number] = (value * unit[number],) * 2, value * unit[number]
    free = np.array([number not in fixed for number in range(len(signs))], dtype=np.float64)
    scaled = Choices(choices.differences / unit, choices.present)

    def objective(weights: Floats) -> tuple[float, Floats]:
        losses, gradient = _losses(scaled, weights)
        penalty = ridge * free * weights
        return float(losses.mean() + weights @ penalty), gradient + 2.0 * penalty

    found: Floats = minimize(objective, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    return found / unit


def left_out_losses(choices: Choices, fixed: Mapping[int, float], signs: Floats, ridge: float) -> Floats:
    """Return the log-loss of each case under weights fitted without its fold, shape (cases,)."""
    losses = np.empty(len(choices))
    for outside, weights in _folds(choices, fixed, signs, ridge):
        losses[outside] = log_losses(choices[outside], weights)
    return losses


def left_out_firsts(choices: Choices, fixed: Mapping[int, float], signs: Floats, ridge: float) -> Floats:
    """Return whether each truth ranks first under weights fitted without its fold, shape (cases,)."""
    found = np.empty(len(choices))
    for outside, weights in _folds(choices, fixed, signs, ridge):
        found[outside] = firsts(choices[outside], weights)
    return found


def best_ridge(choices: Choices, fixed: Mapping[int, float], signs: Floats) -> float:
    """Return the strength among RIDGES with the least log-loss of cases left out."""
    return min(RIDGES, key=lambda ridge: float(left_out_losses(choices, fixed, signs, ridge).mean()))


def _folds(
    choices: Choices, fixed: Mapping[int, float], signs: Floats, ridge: float
) -> list[tuple[npt.NDArray[np.bool_], Floats]]:
    """Return the cases of every fold and the weights fitted to all others; one case is one molecule."""
    result = []
    for fold in range(FOLDS):
        outside = np.arange(len(choices)) % FOLDS == fold
        result.append((outside, fit_weights(choices[~outside], fixed, signs, ridge)))
    return result


def _logits(choices: Choices, weights: Floats) -> Floats:
    """Return how far each decoy stands above its truth, minus infinity where there is none."""
    return np.where(choices.present, choices.differences @ weights, -np.inf)


def _losses(choices: Choices, weights: Floats) -> tuple[Floats, Floats]:
    """Return the log-losses and the gradient of their mean."""
    logits = _logits(choices, weights)
    top = np.maximum(logits.max(1), 0.0)
    shares = np.exp(logits - top[:, None])
    total = shares.sum(1) + np.exp(-top)
    probabilities = shares / total[:, None]
    gradient = np.einsum("cd,cdp->p", probabilities, choices.differences) / len(choices)
    return top + np.log(total), gradient
