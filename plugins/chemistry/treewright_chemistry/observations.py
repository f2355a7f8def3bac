"""What a spectrum says, as arrays ready for scoring many candidates."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.spectrum import Group, Peak, Spectrum, count_of

MAX_READINGS: Final = 12
"""Readings kept of a spectrum whose ranges leave open how many atoms stand behind each peak."""
COUPLING_FLOOR: Final = 3.0
"""Hz; smaller couplings reach over more than three bonds and tell nothing about direct neighbours."""
MAX_NEIGHBOURS: Final = 10

NEIGHBOURS: Final = {"s": 0, "d": 1, "t": 2, "q": 3, "quint": 4, "h": 5, "sept": 6}
"""Equivalent neighbours behind one token of a pattern."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Observations:
    """Arrays of one spectrum; shifts ascend.

    Attributes:
        carbon: possible readings of the 13C lines, each line repeated by its count, shape (readings, carbons);
            the carbons may be fewer than those of the formula in soft mode.
        classes: number of distinct 13C peaks.
        sizes: count of every 13C peak where no reading is open, descending; empty otherwise.
        proton: 1H shifts, each repeated by its count, shape (hydrogens,).
        neighbours: share of the hydrogens with 0, 1, 2, ... neighbouring hydrogens, shape (MAX_NEIGHBOURS + 1,);
            all 0 where the patterns are not known.
        labile: hydrogens on heteroatoms, None where the spectrum does not tell.
    """

    carbon: Floats
    classes: int
    sizes: tuple[int, ...]
    proton: Floats
    neighbours: Floats
    labile: int | None


def observe(spectrum: Spectrum) -> Observations:
    """Prepare a spectrum for scoring."""
    opened = all(len(group.peaks) in (1, group.count or 1) for group in spectrum.carbon)
    listed = count_of(spectrum.proton)
    return Observations(
        carbon=_readings(spectrum.carbon),
        classes=sum(len(group.peaks) for group in spectrum.carbon),
        sizes=tuple(sorted(_sizes(spectrum.carbon), reverse=True)) if opened else (),
        proton=np.sort(np.concatenate([[], *(_spread(group) for group in spectrum.proton)])),
        neighbours=_neighbour_shares(spectrum.proton),
        labile=spectrum.formula["H"] - listed if spectrum.proton and listed is not None else None,
    )


def neighbours_of(peak: Peak) -> int | None:
    """Return the number of neighbouring hydrogens that a pattern speaks of, None for none or an unresolved pattern."""
    if not peak.multiplicity or "m" in peak.multiplicity:
        return None
    tokens = [token for token in peak.multiplicity if token not in ("s", "br")]
    couplings = peak.couplings if len(peak.couplings) == len(tokens) else (np.inf,) * len(tokens)
    total = sum(NEIGHBOURS[token] for token, j in zip(tokens, couplings, strict=True) if j >= COUPLING_FLOOR)
    return min(total, MAX_NEIGHBOURS)


def _readings(groups: tuple[Group, ...]) -> Floats:
    """Return all (at most MAX_READINGS) ways to spread open counts over the peaks of their ranges."""
    choices = [list(islice(_compositions(group), MAX_READINGS)) for group in groups]
    shifts = [[peak.shift for peak in group.peaks] for group in groups]
    readings = []
    for counts in islice(product(*choices), MAX_READINGS):
        lines = [np.repeat(values, number) for values, number in zip(shifts, counts, strict=True)]
        readings.append(np.sort(np.concatenate([[], *lines])))
    return np.array(readings)


def _compositions(group: Group) -> list[tuple[int, ...]]:
    """Return the ways to write the count as a sum of one positive number per peak."""
    parts, total = len(group.peaks), group.count or len(group.peaks)
    cuts = combinations(range(1, total), parts - 1)
    return [tuple(np.diff([0, *cut, total]).tolist()) for cut in cuts] or [(1,) * parts]


def _sizes(groups: tuple[Group, ...]) -> list[int]:
    return [(group.count or 1) // len(group.peaks) for group in groups for _ in group.peaks]


def _spread(group: Group) -> Floats:
    """Return the shift of every hydrogen of a group; an open count is spread evenly over the peaks."""
    total = group.count or len(group.peaks)
    shifts = np.sort([peak.shift for peak in group.peaks])
    return shifts[np.arange(total) * len(shifts) // total]


def _neighbour_shares(groups: tuple[Group, ...]) -> Floats:
    shares = np.zeros(MAX_NEIGHBOURS + 1)
    for group in groups:
        for peak in group.peaks:
            neighbours = neighbours_of(peak)
            if neighbours is not None:
                shares[neighbours] += (group.count or len(group.peaks)) / len(group.peaks)
    return shares
