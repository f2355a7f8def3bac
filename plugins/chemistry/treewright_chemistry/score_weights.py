"""The parts of a score, their weights, and the calibration of the reward."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class FitScore:
    """A score and its parts.

    Attributes:
        carbon: 13C log-likelihood, summed over distinct lines.
        proton: 1H log-likelihood, summed over distinct peaks.
        missing_classes: 13C peaks in excess of the candidate's classes of equivalent carbons.
        surplus_classes: classes in excess of the 13C peaks.
        sizes: share of the carbons in classes whose size fits no count.
        labile: hydrogens on carbon that do not fit the number listed.
        neighbours: share of the hydrogens whose neighbours do not fit the patterns.
        attached: share of the carbons whose hydrogens do not fit the DEPT letters.
        surprise_1, surprise_2: how unusual the environments of radius 1 and 2 are, summed over atoms.
        cosine: of spectrum and molecule by the encoder, less that of a typical truth; 0 where it does not count.
        total: weighted sum; differences between candidates are log-odds.
        reward: total on a scale of 0 to 1; at most MISMATCH_CAP where the formula differs.
    """

    carbon: float
    proton: float
    missing_classes: float
    surplus_classes: float
    sizes: float
    labile: float
    neighbours: float
    attached: float
    surprise_1: float
    surprise_2: float
    cosine: float
    total: float
    reward: float


PARTS: Final = tuple(field.name for field in fields(FitScore))[:-2]
"""Names of the parts, in the order of every array of parts."""

Floats = npt.NDArray[np.float64]

WEIGHTS: Final[dict[str, Floats]] = {
    "exact": np.array([0.232, 0.397, -0.288, -4.85, -9.0, -7.6, -6.0, -10.0, -0.177, -0.153, 0.0]),
    "soft": np.array([0.412, 0.341, -0.288, -0.889, -5.43, -0.7, -3.0, -20.0, -0.114, -0.0709, 0.0]),
}
"""By evidence, in the order of PARTS.

Fitted by ``python -m treewright_chemistry.score_weight_fit DATA_DIR`` (2026-11-23; nothing random): a
conditional logit of truths among pool isomers, edited isomers and what a search finds, on molecules of the
validation share, which tables and network have not seen. Exact: 222 of CASCADE DFT8K; of those left out of the
fit 87.4 % rank first (95 %: 82.9 to 91.4; median of 61 decoys). Soft: 600 of nmrshiftdb2, 81.6 % (78.5 to 84.6;
56 decoys). Set by hand there: ``neighbours`` and ``attached``, ``labile`` in soft spectra.

``--cross-fit``, run before reserved molecules were taken out of the decoys (weights differed by less than a tenth):
on MolPuzzle dev, not fitted to, 99.3 % rank first (97.8 to 100; 137 truths) at a log-loss of 0.077; the weights
shipped before that, fitted to dev, gave 98.5 % and 0.077 (difference 0.000, -0.011 to 0.009), and such fitted to four
fifths of dev gave 99.3 % and 0.084 on the fifth left out. The weight of the cosine belongs to the encoder and
stands beside it (``cosine_weights``).
"""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The scale of the reward; ``calibration_fit`` tells what it means and where it comes from.

    Attributes:
        offset, slope: a right structure of n heavy atoms totals about -(offset + slope · n).
        width: by how much total / typical total must fall for the log-odds of the reward to rise by 1.
    """

    offset: float
    slope: float
    width: float

    def rewards(self, totals: Floats, heavy_atoms: int) -> Floats:
        """Return the rewards, 0 to 1, of candidates with these totals; all have so many heavy atoms."""
        ratio = totals / -(self.offset + self.slope * heavy_atoms)
        logit = (1.0 - ratio) / self.width + np.log(TYPICAL_SCORE / (1.0 - TYPICAL_SCORE))
        result: Floats = 1.0 / (1.0 + np.exp(-np.clip(logit, -50.0, 50.0)))
        return result


SURPLUS_COST: Final = 2.0
"""Taken off the total for each 13C line in excess of the formula's carbons: nothing can explain it (set by hand).

The same for all structures of a spectrum, so it changes no ranking."""
TYPICAL_SCORE: Final = 0.8
"""What a typical right structure scores."""
CALIBRATION: Final = {
    "exact": Calibration(offset=5.424, slope=0.481, width=0.384),
    "soft": Calibration(offset=0.974, slope=1.04, width=0.302),
}
"""By evidence; fitted by ``calibration_fit``, to be fitted again with the weights."""
MISMATCH: Final[Floats] = np.array([-400.0, -400.0, 20.0, 20.0, 1.0, 20.0, 1.0, 1.0, 200.0, 200.0, -2.0])
"""Parts of a molecule with another formula."""
MISMATCH_CAP: Final = 0.2
