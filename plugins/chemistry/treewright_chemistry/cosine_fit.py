"""Fitting how much the encoder's cosine counts: ``python -m treewright_chemistry.cosine_fit DATA_DIR [--encoder DIR]``.

To be run again whenever the encoder is trained anew (some ten minutes on one core); it writes
``cosine_weights.json`` beside the encoder. Conditional logit of the truth among its decoys:

    P(truth) = softmax over candidates of  a · total + b · cosine

Total is the score without the cosine; the weight is b / a, on the scale of the total. The cosine is said to help
where it lowers the log-loss of molecules left out (five folds, by hash) in at least ``SURE`` standard errors of
the paired differences, and does not lower the share of truths ranked first among them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from treewright_chemistry.cosine_cases import Scored, Scoring, held_spectra
from treewright_chemistry.cosine_weights import write_cosine_weights
from treewright_chemistry.encoder import DualEncoder
from treewright_chemistry.shared_encoder import encoder_folder
from treewright_chemistry.spectrum import Evidence

MOLECULES: Final = 250
FOLDS: Final = 5
RIDGE: Final = 1e-4
"""Of both coefficients; keeps them finite should all truths rank first."""
SURE: Final = 1.64
"""Standard errors by which the log-loss has to fall (one-sided 95 %)."""

Floats = npt.NDArray[np.float64]
Log = Callable[[str], None]


def fit_logit(cases: Sequence[Scored], *, cosine: bool = True) -> Floats:
    """Return the coefficients (a, b), neither negative; b is 0 without ``cosine``."""
    bounds = [(1e-3, None), (0.0, None if cosine else 0.0)]
    table = _table(cases)

    def objective(x: Floats) -> float:
        return float(_losses(table @ x).mean()) + RIDGE * float(x @ x)

    found: Floats = minimize(objective, np.array([1.0, 1.0 if cosine else 0.0]), bounds=bounds).x
    return found


def log_losses(cases: Sequence[Scored], coefficients: Floats) -> Floats:
    """Return minus the log-probability of each truth, shape (cases,)."""
    return _losses(_table(cases) @ coefficients)


def firsts(cases: Sequence[Scored], coefficients: Floats) -> Floats:
    """Return whether each truth ranks first, shape (cases,); a tie of n counts 1/n."""
    above = _table(cases) @ coefficients
    above = above - above[:, :1]
    ties = (np.abs(above) <= 1e-6).sum(1)
    return np.where((above > 1e-6).any(1), 0.0, 1.0 / ties)


def fitted_weight(cases: Sequence[Scored]) -> dict[str, Any]:
    """Return weight, typical cosine, whether the cosine helps, and the figures of the molecules left out."""
    a, b = fit_logit(cases)
    gains, before, after = [], [], []
    for fold in range(FOLDS):
        inside = [case for number, case in enumerate(cases) if number % FOLDS != fold]
        outside = cases[fold::FOLDS]
        plain, mixed = fit_logit(inside, cosine=False), fit_logit(inside)
        gains.append(log_losses(outside, plain) - log_losses(outside, mixed))
        before.append(firsts(outside, plain))
        after.append(firsts(outside, mixed))
    gain = np.concatenate(gains)
    error = float(gain.std(ddof=1)) / len(gain) ** 0.5
    first = [float(np.concatenate(values).mean()) for values in (before, after)]
    return {
        "weight": round(float(b / a), 3),
        "typical": round(float(np.mean([case.cosines[0] for case in cases])), 3),
        "helps": bool(gain.mean() > SURE * error and first[1] >= first[0]),
        "cases": len(cases),
        "decoys": float(np.median([len(case.totals) - 1 for case in cases])),
        "log_loss_gain": [round(float(gain.mean()), 4), round(error, 4)],
        "first_without": round(first[0], 4),
        "first_with": round(first[1], 4),
        "first_cosine_alone": round(float(firsts(cases, np.array([0.0, 1.0])).mean()), 4),
    }


def _table(cases: Sequence[Scored]) -> Floats:
    """Return totals and cosines, shape (cases, candidates, 2); absent candidates can never win."""
    table = np.full((len(cases), max(len(case.totals) for case in cases), 2), -1e9)
    for row, case in zip(table, cases, strict=True):
        row[: len(case.totals), 0] = case.totals
        row[: len(case.totals), 1] = case.cosines
    return table


def _losses(logits: Floats) -> Floats:
    top = logits.max(axis=1)
    losses: Floats = top + np.log(np.exp(logits - top[:, None]).sum(axis=1)) - logits[:, 0]
    return losses


def fit_cosine(data_dir: Path, folder: Path, *, number: int = MOLECULES, log: Log = print) -> dict[str, Any]:
    """Fit both kinds of evidence for the encoder in a folder, and write the weights beside it.

    Args:
        data_dir: the data folder.
        folder: of the encoder.
        number: most molecules of each kind of evidence.
        log: receives progress lines.

    Returns:
        Weights and figures by evidence.

    Raises:
        TableError: the encoder cannot be used.
        LeakError: a reserved molecule slipped in.
    """
    scoring = Scoring(data_dir, DualEncoder.load(folder))
    evidence: dict[str, Any] = {}
    for kind in get_args(Evidence):
        held = held_spectra(data_dir, kind, number)
        cases = [case for each in held if (case := scoring.of(each)) is not None]
        evidence[kind] = fitted_weight(cases)
        log(f"weight of the cosine, {kind}: {evidence[kind]}")
    write_cosine_weights(folder, evidence)
    return evidence


def main() -> None:
    """Fit from the command line."""
    parser = argparse.ArgumentParser(description="Fit how much the encoder's cosine counts in the score")
    parser.add_argument("data", type=Path, help="the data folder")
    parser.add_argument("--encoder", default="", help="folder of the encoder; the shipped one if absent")
    parser.add_argument("--number", type=int, default=MOLECULES, help="most molecules of each kind of evidence")
    given = parser.parse_args()
    fit_cosine(given.data, encoder_folder(given.encoder), number=given.number)


if __name__ == "__main__":
    main()
