"""What a spectrum says, as arrays ready for scoring many candidates."""

from __future__ import annotations

from collections.abc import Iterator
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
MAX_ATTACHED: Final = 4
SAME_SHIFT: Final = 0.005
"""ppm; measured 13C lines closer than this are one line."""

NEIGHBOURS: Final = {"s": 0, "d": 1, "t": 2, "q": 3, "quint": 4, "h": 5, "sept": 6}
"""Equivalent neighbours behind one token of a pattern."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Observations:
    """Arrays of one spectrum; shifts ascend.

    Attributes:
        carbon: readings of the 13C lines, shape (readings, lines). Where the counts add up to the carbons
            of the formula, a line stands once per carbon; otherwise once.
        counted: whether the 13C lines stand once per carbon.
        classes: number of distinct 13C peaks.
        sizes: carbons behind every 13C peak, descending; empty where they are not known.
        proton: 1H shifts, shape (lines,): each repeated by its count if all counts are known, else once.
        proton_peaks: number of distinct 1H peaks.
        proton_counted: whether all 1H counts are known.
        neighbours: share of the hydrogens with 0, 1, 2, ... neighbouring hydrogens, shape (MAX_NEIGHBOURS +
            1,); all 0 where no pattern is known.
        attached: share of the carbons with 0, 1, 2, ... hydrogens, shape (MAX_ATTACHED + 1,); all 0 where
            not known.
        listed: hydrogens in the 1H list, None where counts are missing.
    """

    carbon: Floats
    counted: bool
    classes: int
    sizes: tuple[int, ...]
    proton: Floats
    proton_peaks: int
    proton_counted: bool
    neighbours: Floats
    attached: Floats
    listed: int | None


def observe(spectrum: Spectrum) -> Observations:
    """Prepare a spectrum for scoring."""
    counted = bool(spectrum.carbon) and count_of(spectrum.carbon) == spectrum.formula["C"]
    opened = counted and all(len(group.peaks) in (1, group.count) for group in spectrum.carbon)
    sizes = _sizes(spectrum.carbon)
    listed = count_of(spectrum.proton) if spectrum.proton else None
    return Observations(
        carbon=_readings(spectrum.carbon) if counted else _distinct(spectrum.carbon),
        counted=counted,
        classes=len(sizes) if spectrum.evidence == "soft" else sum(len(group.peaks) for group in spectrum.carbon),
        sizes=sizes if opened else (),
        proton=np.sort(np.concatenate([[], *(_spread(group) for group in spectrum.proton)])),
        proton_peaks=sum(len(group.peaks) for group in spectrum.proton),
        proton_counted=listed is not None,
        neighbours=_neighbour_shares(spectrum.proton),
        attached=_attached_shares(spectrum.carbon),
        listed=listed,
    )


def neighbours_of(peak: Peak) -> int | None:
    """Return the neighbouring hydrogens that a pattern speaks of, None where it is unknown or unresolved."""
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


def _compositions(group: Group) -> Iterator[tuple[int, ...]]:
    """Yield the ways to write the count as a sum of one positive number per peak; they can be millions."""
    parts, total = len(group.peaks), group.count or len(group.peaks)
    if total < parts:
        yield (1,) * parts
    for cut in combinations(range(1, total), parts - 1):
        yield tuple(np.diff([0, *cut, total]).tolist())


def _distinct(groups: tuple[Group, ...]) -> Floats:
    shifts = np.sort([peak.shift for group in groups for peak in group.peaks])
    kept = np.diff(shifts, prepend=-np.inf) > SAME_SHIFT
    return shifts[kept][None, :]


def _sizes(groups: tuple[Group, ...]) -> tuple[int, ...]:
    """Return the carbons behind each distinct shift, descending; sources may print them one by one."""
    sizes: dict[float, int] = {}
    for group in groups:
        for peak in group.peaks:
            sizes[peak.shift] = sizes.get(peak.shift, 0) + (group.count or 1) // len(group.peaks)
    return tuple(sorted(sizes.values(), reverse=True))


def _spread(group: Group) -> Floats:
    """Return the shift of every hydrogen of a group; an open count is spread evenly over the peaks."""
    total = group.count or len(group.peaks)
    shifts = np.sort([peak.shift for peak in group.peaks])
    return shifts[np.arange(total) * len(shifts) // total]


def _neighbour_shares(groups: tuple[Group, ...]) -> Floats:
    shares: Floats = np.zeros(MAX_NEIGHBOURS + 1)
    for group in groups:
        for peak in group.peaks:
            neighbours = neighbours_of(peak)
            if neighbours is not None:
                shares[neighbours] += (group.count or len(group.peaks)) / len(group.peaks)
    result: Floats = shares / max(float(shares.sum()), 1.0)
    return result


def _attached_shares(groups: tuple[Group, ...]) -> Floats:
    shares = np.zeros(MAX_ATTACHED + 1)
    for group in groups:
        for peak in group.peaks:
            if peak.attached is None:
                return np.zeros(MAX_ATTACHED + 1)
            shares[peak.attached] += (group.count or len(group.peaks)) / len(group.peaks)
    result: Floats = shares / max(float(shares.sum()), 1.0)
    return result
