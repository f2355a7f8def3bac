"""What a spectrum demands of a structure, as objects: for filters, critiques, and prompts.

Which demands are exact depends on the evidence, which the caller states: spectra made by a calculator list
every carbon and every hydrogen on carbon, measured ones do not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from treewright_chemistry.formula import formula_of
from treewright_chemistry.observations import neighbours_of
from treewright_chemistry.spectrum import Evidence, Group, Spectrum, count_of
from treewright_chemistry.structures import (
    Mol,
    carbon_class_count,
    carbon_hydrogens,
    count_matches,
)

COUPLING_TOLERANCE: Final[dict[Evidence, float]] = {"exact": 0.1, "soft": 0.3}
"""Hz by which the shared coupling of two partners may differ."""
LEAST_PARTNER_COUPLING: Final = 5.0
"""Hz; smaller couplings repeat by chance too often to point out partners."""

MOST_TEXTS: Final = 60
"""Patterns, and pairs of partners, that are put into words; a reader could not hold more against a structure."""


@dataclass(frozen=True)
class Constraint:
    """One demand.

    Attributes:
        name: short and stable, e.g. ``labile-hydrogens``.
        kind: ``exact`` must hold, ``soft`` is a prior.
        weight: cost of one unit of violation, in log-odds.
        text: the demand in words.
        violation: how far a sanitized molecule misses it; 0 where it holds. None where it is for readers
            only.
    """

    name: str
    kind: Evidence
    weight: float
    text: str
    violation: Callable[[Mol], float] | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A range of 13C shifts, ``low`` to ``high`` ppm, that speaks for a group, and its SMARTS."""

    low: float
    high: float
    smarts: str
    text: str


WINDOWS: Final = (
    Window(185.0, 225.0, "[#6X3]=[O,S]", "a ketone, an aldehyde or a thiocarbonyl"),
    Window(160.0, 185.0, "[#6X3]=[O,N,S] [#6X3]~[O,N,F,S]", "an acid derivative or sp2 carbon beside O or N"),
    Window(100.0, 160.0, "[#6X3] [#6X2] [CX4]([O,N])[O,N] [CX4][F,Cl]", "an alkene, an arene or an acetal"),
    Window(50.0, 85.0, "[CX4][O,N,S,F,Cl,Br] [CX2] [CX4D4] [CX4D3]", "CO, CN, C-halogen, alkyne, branching"),
)  # fmt: skip


def constraints_of(spectrum: Spectrum) -> tuple[Constraint, ...]:
    """Return all demands of a spectrum, exact ones first."""
    found = [*_formula(spectrum), *_hydrogens(spectrum), *_classes(spectrum), *_neighbours(spectrum)]
    found += [*_partners(spectrum), *_windows(spectrum)]
    return tuple(sorted(found, key=lambda constraint: constraint.kind != "exact"))


def violations(constraints: tuple[Constraint, ...], molecule: Mol) -> list[tuple[Constraint, float]]:
    """Return the demands that a molecule misses, worst first, with the cost of each."""
    costs = [(c, c.weight * c.violation(molecule)) for c in constraints if c.violation is not None]
    return sorted((pair for pair in costs if pair[1] > 0), key=lambda pair: -pair[1])


def _formula(spectrum: Spectrum) -> Iterator[Constraint]:
    formula = spectrum.formula

    def differs(molecule: Mol) -> float:
        return float(formula_of(molecule) != formula)

    yield Constraint("formula", "exact", 100.0, f"The molecular formula is {formula}.", differs)
    degrees = formula.unsaturation
    text = f"Rings and double bonds add up to {degrees} (a triple bond counts twice)."
    yield Constraint("unsaturation", "exact", 0.0, text)


def _hydrogens(spectrum: Spectrum) -> Iterator[Constraint]:
    listed = count_of(spectrum.proton) if spectrum.proton else None
    if listed is None:
        return
    exact = spectrum.evidence == "exact"
    labile = spectrum.formula["H"] - listed

    def missed(molecule: Mol) -> float:
        surplus = carbon_hydrogens(molecule) - listed
        return float(abs(surplus) if exact else max(surplus, 0))

    if exact:
        text = f"{listed} hydrogens sit on carbon and {labile} on O, N or S."
    else:
        text = f"The 1H list shows {listed} hydrogens; those on O, N or S may be among them or missing."
    yield Constraint("labile-hydrogens", spectrum.evidence, 2.0, text, missed)


def _classes(spectrum: Spectrum) -> Iterator[Constraint]:
    lines = len({peak.shift for group in spectrum.carbon for peak in group.peaks})
    if not lines:
        return
    printed = sum(len(group.peaks) for group in spectrum.carbon)
    exact = spectrum.evidence == "exact"
    seen = printed if exact else lines
    # Stereochemistry can part carbons that topology calls equivalent, so more lines than classes stay
    # possible.
    most = f"There are {seen} 13C lines, so there are hardly more than {seen} kinds of carbon."
    yield Constraint("carbon-classes-most", spectrum.evidence, 3.0 if exact else 0.5, most, lambda molecule:
                     float(max(carbon_class_count(molecule) - seen, 0)))  # fmt: skip
    text = f"Most likely there are exactly {seen} kinds of carbon."
    yield Constraint("carbon-classes", "soft", 2.0 if exact else 0.5, text, lambda molecule:
                     float(abs(carbon_class_count(molecule) - seen)))  # fmt: skip


def _neighbours(spectrum: Spectrum) -> Iterator[Constraint]:
    told = ((peak, neighbours_of(peak)) for group in spectrum.proton for peak in group.peaks)
    for peak, neighbours in islice((pair for pair in told if pair[1]), MOST_TEXTS):
        where = f"{peak.shift:g} ppm ({''.join(peak.multiplicity)})"
        text = f"The hydrogens at {where} have {neighbours} neighbouring hydrogens."
        yield Constraint(f"neighbours-{peak.shift:g}", "soft", 0.5, text)


def _partners(spectrum: Spectrum) -> Iterator[Constraint]:
    """Name pairs of 1H groups that share a coupling which no third group has."""
    for pair, value in sorted(_shared(spectrum.proton, COUPLING_TOLERANCE[spectrum.evidence]).items())[:MOST_TEXTS]:
        first, second = (_middle(spectrum.proton[number]) for number in pair)
        text = f"The hydrogens at {first:g} and {second:g} ppm share J = {value:g} Hz, so they are neighbours."
        yield Constraint(f"partners-{first:g}-{second:g}", "soft", 0.5, text)


def _shared(groups: Sequence[Group], tolerance: float) -> dict[tuple[int, int], float]:
    """Pairs of groups, by position, and the largest coupling of the first that only they have, within the tolerance."""
    couplings = sorted((value, number) for number, group in enumerate(groups) for value in _couplings(group))
    found: dict[tuple[int, int], float] = {}
    for value, number in reversed(couplings):
        sharing = _sharing(couplings, value, tolerance) if value >= LEAST_PARTNER_COUPLING else set()
        others = sharing - {number}
        if len(others) == 1 and number < min(others):
            found.setdefault((number, min(others)), value)
    return found


def _sharing(couplings: Sequence[tuple[float, int]], value: float, tolerance: float) -> set[int]:
    """The groups that have a coupling within the tolerance, as far as the third; couplings ascend."""
    sharing: set[int] = set()
    start = bisect_left(couplings, (value - 2 * tolerance, -1))  # rounding must not leave out one at the very edge
    for other, number in islice(couplings, start, None):
        if other > value + 2 * tolerance or len(sharing) > 2:
            break
        if abs(value - other) <= tolerance:
            sharing.add(number)
    return sharing


def _windows(spectrum: Spectrum) -> Iterator[Constraint]:
    for window in WINDOWS:
        lines = [p.shift for g in spectrum.carbon for p in g.peaks if window.low <= p.shift < window.high]
        if lines:
            listed = ", ".join(f"{shift:g}" for shift in lines)
            yield Constraint(f"window-{window.low:g}", "soft", 1.0, f"13C at {listed} ppm: {window.text}.",
                             _lacking(window, len(set(lines))))  # fmt: skip


def _lacking(window: Window, lines: int) -> Callable[[Mol], float]:
    def lacking(molecule: Mol) -> float:
        return float(max(lines - count_matches(molecule, window.smarts), 0))

    return lacking


def _couplings(group: Group) -> set[float]:
    return {value for peak in group.peaks for value in peak.couplings}


def _middle(group: Group) -> float:
    return round(sum(peak.shift for peak in group.peaks) / len(group.peaks), 2)
