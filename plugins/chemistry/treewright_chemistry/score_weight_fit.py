"""Fitting the weights of the score: ``python -m treewright_chemistry.score_weight_fit DATA_DIR [--cross-fit]``.

To be run again whenever tables, network or parts change (some five minutes on one core); it prints ``WEIGHTS`` for
``score_weights``. Conditional logit (``conditional_logit``) of truths among decoys of their formula
(``score_weight_cases``), in two rounds: first pool molecules and edited isomers, then also what a search guided
by the weights of the first round finds. Nothing of MolPuzzle takes part.

What these spectra cannot tell is not fitted: neighbours and split lines in exact spectra, whose patterns and
classes are printed here by the same rules that read them (the one is set by hand, the other as in soft spectra);
labile hydrogens and neighbours in soft ones, and DEPT letters, which the sources do not hold (by hand).

There is no random part: molecules are chosen by the hash of their InChIKey block, which also seeds the searches.

``--cross-fit`` compares on MolPuzzle dev, among decoys that searches guided by the new *and* by the shipped
weights find: the new weights, the shipped ones, and ones fitted to dev itself (five folds by molecule), which is
what knowing dev would be worth. Intervals: bootstrap over molecules, 95 %.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.conditional_logit import (
    best_ridge,
    choices_of,
    firsts,
    fit_weights,
    left_out_firsts,
    left_out_losses,
    log_losses,
)
from treewright_chemistry.cosine_cases import Held
from treewright_chemistry.held_out import hash_order
from treewright_chemistry.score_weight_cases import PartCase, PartScoring, development_spectra, validation_spectra
from treewright_chemistry.score_weights import PARTS, WEIGHTS
from treewright_chemistry.spectrum import Evidence

MOLECULES: Final = 600
SEARCHED: Final = 150
"""Molecules whose decoys come from a search as well; it takes most of the time."""
POOL_DECOYS: Final = 30
DEVELOPMENT_DECOYS: Final = 300
BY_HAND: Final[dict[Evidence, dict[str, float]]] = {
    "soft": {"labile": -0.7, "neighbours": -3.0, "attached": -20.0},
    "exact": {"neighbours": -6.0, "attached": -10.0},
}
"""Neighbours in exact spectra is the one weight that has seen MolPuzzle dev: a fit to it gave -6.1. At -3 the
log-loss there was 0.014 higher (0.003 to 0.026), and one truth more ranked first."""
AS_IN_SOFT: Final = "missing_classes"
"""The part whose weight exact spectra take over from soft ones."""
SIGNS: Final[npt.NDArray[np.float64]] = np.array([1.0 if part in ("carbon", "proton") else -1.0 for part in PARTS])
RESAMPLES: Final = 2_000

Floats = npt.NDArray[np.float64]
Interval = tuple[float, float, float]
"""Value, low, high."""
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FittedWeights:
    """Weights of one kind of evidence, and how they did on molecules left out of the fit (five folds).

    Attributes:
        weights: in the order of PARTS.
        ridge: the penalty that was chosen.
        cases: number of truths.
        decoys: median number of decoys.
        first: share of truths that rank first, with interval.
        log_loss: mean of -log P(truth), with interval.
    """

    weights: tuple[float, ...]
    ridge: float
    cases: int
    decoys: float
    first: Interval
    log_loss: Interval


@dataclass(frozen=True, slots=True)
class Compared:
    """One set of weights on MolPuzzle dev; differences are paired, to the shipped weights."""

    decoys: str
    weights: str
    cases: int
    first: Interval
    log_loss: Interval
    first_gain: Interval
    log_loss_gain: Interval


def fit_cases(cases: Sequence[PartCase], fixed: Mapping[str, float]) -> FittedWeights:
    """Fit the weights to cases; the cosine, and parts in ``fixed``, are not fitted."""
    choices = choices_of([case.parts for case in cases])
    held = {PARTS.index(part): value for part, value in {"cosine": 0.0, **fixed}.items()}
    ridge = best_ridge(choices, held, SIGNS)
    weights = fit_weights(choices, held, SIGNS, ridge)
    return FittedWeights(
        weights=tuple(float(f"{value:.3g}") for value in weights),
        ridge=ridge,
        cases=len(cases),
        decoys=float(np.median([len(case.parts) - 1 for case in cases])),
        first=interval(left_out_firsts(choices, held, SIGNS, ridge)),
        log_loss=interval(left_out_losses(choices, held, SIGNS, ridge)),
    )


def interval(values: Floats, seed: int = 0) -> Interval:
    """Return the mean with its bootstrap interval of 95 %."""
    rows = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[rows].mean(1), [0.025, 0.975])
    return round(float(values.mean()), 4), round(float(low), 4), round(float(high), 4)


def fit_evidence(
    data_dir: Path, evidence: Evidence, fixed: Mapping[str, float], *, number: int = MOLECULES, log: Log = print
) -> FittedWeights:
    """Fit one kind of evidence on at most ``number`` molecules of the validation share.

    Raises:
        LeakError: a reserved molecule slipped in.
    """
    held = sorted(validation_spectra(data_dir, evidence, number), key=lambda each: hash_order(each.block))
    scoring = PartScoring(data_dir, held, POOL_DECOYS)
    pairs = [(each, case) for each in held if (case := scoring.of(each)) is not None]
    guide = fit_cases([case for _, case in pairs], fixed)
    log(f"{evidence}, pool and edited decoys: {guide}")
    searched = with_found(pairs[:SEARCHED], scoring, [np.array(guide.weights)])
    return fit_cases([*searched, *(case for _, case in pairs[SEARCHED:])], fixed)


def with_found(
    pairs: Sequence[tuple[Held, PartCase]], scoring: PartScoring, guides: Sequence[Floats]
) -> list[PartCase]:
    """Return the cases with what searches guided by each of the weights find."""
    cases = []
    for held, case in pairs:
        for weights in guides:
            case = scoring.with_found(held, case, weights)
        cases.append(case)
    return cases


def fit_all(data_dir: Path, *, number: int = MOLECULES, log: Log = print) -> dict[Evidence, FittedWeights]:
    """Fit both kinds of evidence, soft first, since exact takes one weight over from it."""
    fit = partial(fit_evidence, data_dir, number=number, log=log)
    soft = fit("soft", BY_HAND["soft"])
    taken = soft.weights[PARTS.index(AS_IN_SOFT)]
    return {"exact": fit("exact", {**BY_HAND["exact"], AS_IN_SOFT: taken}), "soft": soft}


def compare_on_development(data_dir: Path, new: Floats) -> list[Compared]:
    """Compare new, shipped and cross-fitted weights on MolPuzzle dev, among all decoys and those of the pool."""
    held = development_spectra(data_dir)
    scoring = PartScoring(data_dir, held, DEVELOPMENT_DECOYS)
    pairs = [(each, case) for each in held if (case := scoring.of(each)) is not None]
    cases = with_found(pairs, scoring, [new, WEIGHTS["exact"]])
    pool = [case.pool_only() for case in cases if case.listed]
    return [*_compared("all", cases, new), *_compared("pool", pool, new)]


def _compared(decoys: str, cases: Sequence[PartCase], new: Floats) -> list[Compared]:
    choices = choices_of([case.parts for case in cases])
    fixed = {PARTS.index("cosine"): 0.0, PARTS.index("attached"): BY_HAND["exact"]["attached"]}
    ridge = best_ridge(choices, fixed, SIGNS)
    shipped = WEIGHTS["exact"]
    rows = {
        "fitted without dev": (firsts(choices, new), log_losses(choices, new)),
        "shipped": (firsts(choices, shipped), log_losses(choices, shipped)),
        "cross-fitted on dev": (
            left_out_firsts(choices, fixed, SIGNS, ridge),
            left_out_losses(choices, fixed, SIGNS, ridge),
        ),
    }
    first, loss = rows["shipped"]
    return [
        Compared(decoys, name, len(cases), *map(interval, (own, lost, own - first, lost - loss)))
        for name, (own, lost) in rows.items()
    ]


def main() -> None:
    """Fit from the command line."""
    parser = argparse.ArgumentParser(description="Fit the weights of the score")
    parser.add_argument("data", type=Path, help="the data folder")
    parser.add_argument("--cross-fit", action="store_true", help="compare on MolPuzzle dev as well")
    parser.add_argument("--number", type=int, default=MOLECULES, help="most molecules of each kind of evidence")
    parser.add_argument("--json", type=Path, help="write weights and figures to this file")
    given = parser.parse_args()
    fitted = fit_all(given.data, number=given.number)
    for evidence, result in fitted.items():
        print(f"{evidence}: {result}", flush=True)
    compared = compare_on_development(given.data, np.array(fitted["exact"].weights)) if given.cross_fit else []
    for row in compared:
        print(row)
    if given.json is not None:
        content = {
            "fitted": {name: asdict(result) for name, result in fitted.items()},
            "dev": list(map(asdict, compared)),
        }
        given.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
