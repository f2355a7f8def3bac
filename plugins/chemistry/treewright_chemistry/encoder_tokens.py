"""What the spectrum encoder sees of a spectrum: one row per peak, and one row for the formula.

Rows hold plain numbers; the encoder turns shifts and couplings to waves and bins. The order of rows means
nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.encoder_features import SYMBOLS, unsaturation
from treewright_chemistry.formula import Formula
from treewright_chemistry.spectrum import Group, Peak, Spectrum

PATTERNS: Final = ("s", "d", "t", "q", "quint", "h", "sept", "m", "br")
"""Tokens of a multiplicity, each counted in a column of its own."""
COUPLINGS: Final = 5
"""Coupling constants kept of a peak; patterns have no more tokens in practice."""
NUCLEUS, SHIFT, COUNT, ATTACHED, PATTERN = 0, 1, 2, 3, 4
"""Columns: 0 for 13C and 1 for 1H; ppm; atoms (0 unknown); attached hydrogens (-1 unknown); patterns."""
COUPLING: Final = PATTERN + len(PATTERNS)
"""First of the columns of the coupling constants in Hz, 0 where there is none."""
COLUMNS: Final = COUPLING + COUPLINGS
FORMULA_COLUMNS: Final = len(SYMBOLS) + 2

Floats = npt.NDArray[np.float32]


def peak_rows(spectrum: Spectrum) -> Floats:
    """Return one row per peak, shape (peaks, COLUMNS); peaks of a range share its count evenly."""
    rows = [row for nucleus, groups in enumerate((spectrum.carbon, spectrum.proton)) for row in _rows(groups, nucleus)]
    return np.array(rows, dtype=np.float32).reshape(-1, COLUMNS)


def formula_row(formula: Formula, *, exact: bool) -> Floats:
    """Return element counts, unsaturation, and whether counts are exact, shape (FORMULA_COLUMNS,)."""
    counts = {element: formula[element] for element in SYMBOLS}
    return np.array([*counts.values(), unsaturation(counts), float(exact)], dtype=np.float32)


def _rows(groups: tuple[Group, ...], nucleus: int) -> list[list[float]]:
    return [_row(peak, (group.count or 0) / len(group.peaks), nucleus) for group in groups for peak in group.peaks]


def _row(peak: Peak, count: float, nucleus: int) -> list[float]:
    patterns = [float(peak.multiplicity.count(token)) for token in PATTERNS]
    couplings = [*peak.couplings[:COUPLINGS], *[0.0] * COUPLINGS][:COUPLINGS]
    attached = -1.0 if peak.attached is None else float(peak.attached)
    return [float(nucleus), peak.shift, count, attached, *patterns, *couplings]
