"""Spectra as data: peaks, groups, and what the caller knows about their reliability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Final, Literal, get_args

from treewright_chemistry.errors import SpectrumError
from treewright_chemistry.formula import Formula

Nucleus = Literal["13C", "1H"]
Evidence = Literal["exact", "soft"]
"""How far counts can be trusted: ``exact`` for spectra made by a calculator, ``soft`` for measured ones."""
Provenance = Literal["calculated", "measured", "unknown"]

SHIFT_RANGE: Final[dict[Nucleus, tuple[float, float]]] = {"13C": (-300.0, 350.0), "1H": (-30.0, 30.0)}
"""ppm; wider than closed-shell organic compounds (tetraiodomethane -292, carbenium 330, hydrides -30)."""
ELEMENT: Final[dict[Nucleus, str]] = {"13C": "C", "1H": "H"}


@dataclass(frozen=True, slots=True)
class Peak:
    """One resonance.

    Attributes:
        shift: ppm.
        multiplicity: tokens of the pattern, e.g. ``("t", "q")``; empty where unknown.
        couplings: coupling constants in Hz, largest first as a rule.
        attached: hydrogens on a 13C atom where the source tells (DEPT), else None.
    """

    shift: float
    multiplicity: tuple[str, ...] = ()
    couplings: tuple[float, ...] = ()
    attached: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """What one entry of a peak list holds: one peak, or several within a range.

    Attributes:
        peaks: at least one.
        count: atoms behind the entry, None where the source does not tell.
        bounds: printed range in ppm, None for a single shift. Bounds are padding; the peaks hold the shifts.
    """

    peaks: tuple[Peak, ...]
    count: int | None = None
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """An infrared band: wavenumber in 1/cm and a strength such as ``s``, ``m``, ``w``, ``br`` or nothing."""

    wavenumber: float
    strength: str = ""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The spectra of one unknown.

    Attributes:
        formula: molecular formula.
        carbon: 13C groups.
        proton: 1H groups.
        infrared: bands, not used for scoring.
        evidence: given by the caller or the data set, never derived from the numbers.
        provenance: where the spectra come from, likewise given.
        warnings: oddities met while reading; two spectra are equal whatever was met.
    """

    formula: Formula
    carbon: tuple[Group, ...]
    proton: tuple[Group, ...]
    evidence: Evidence
    infrared: tuple[Band, ...] = ()
    provenance: Provenance = "unknown"
    warnings: tuple[str, ...] = dataclass_field(default=(), compare=False)

    def __post_init__(self) -> None:
        check_spectrum(self)


def count_of(groups: tuple[Group, ...]) -> int | None:
    """Return the atoms behind all groups, None where a group does not tell."""
    if any(group.count is None for group in groups):
        return None
    return sum(group.count or 0 for group in groups)


def count_warnings(carbon: tuple[Group, ...], proton: tuple[Group, ...], formula: Formula) -> tuple[str, ...]:
    """Return a line for each nucleus whose list holds more than the formula has; measured lists may."""
    lines = []
    for groups, element, nucleus in ((carbon, "C", "13C"), (proton, "H", "1H")):
        listed = sum(group.count or 1 for group in groups)
        if listed > formula[element]:
            lines.append(f"{nucleus}: the list holds at least {listed} {element}, {formula} has {formula[element]}")
    return tuple(lines)


def sparse_warnings(carbon: tuple[Group, ...], formula: Formula) -> tuple[str, ...]:
    """Return a line where fewer than a third of the carbons have a 13C line, which only symmetry excuses."""
    listed = sum(group.count or len(group.peaks) for group in carbon)
    if not carbon or 3 * listed >= formula["C"]:
        return ()
    lines = "1 line" if listed == 1 else f"{listed} lines"
    what = f"13C: {lines} for {formula['C']} carbons; unless the molecule is highly symmetric, lines are missing"
    return (f"{what} and the score says little",)


def check_spectrum(spectrum: Spectrum) -> None:
    """Refuse a spectrum that is empty, absurd, of a formula without carbon, or exact and inconsistent with its formula.

    Raises:
        SpectrumError: names the nucleus and group.
    """
    _check_choices(spectrum)
    if not spectrum.formula["C"]:
        repair = "Only shifts of carbon and of hydrogen on carbon can be predicted; check the formula"
        raise SpectrumError(f"{spectrum.formula} has no carbon", field="formula", repair=repair)
    if not spectrum.carbon and not spectrum.proton:
        repair = "Give at least one 13C or 1H line"
        raise SpectrumError("the spectrum is empty", field="13C and 1H", repair=repair)
    _check_groups(spectrum.carbon, "13C")
    _check_groups(spectrum.proton, "1H")
    if spectrum.evidence == "exact":
        _check_exact(spectrum)


def _check_choices(spectrum: Spectrum) -> None:
    for field, value, choices in (
        ("evidence", spectrum.evidence, get_args(Evidence)),
        ("provenance", spectrum.provenance, get_args(Provenance)),
    ):
        if value not in choices:
            raise SpectrumError(f"{value!r} is not known", field=field, repair=f"Write one of {', '.join(choices)}")


def _check_groups(groups: tuple[Group, ...], nucleus: Nucleus) -> None:
    low, high = SHIFT_RANGE[nucleus]
    for number, group in enumerate(groups, start=1):
        field = f"{nucleus} group {number}"
        if not group.peaks:
            raise SpectrumError("the group holds no peak", field=field, repair="Give at least one shift")
        if group.count is not None and group.count < 1:
            raise SpectrumError(f"a count of {group.count}", field=field, repair="Counts are 1 or more")
        for shift in [peak.shift for peak in group.peaks] + list(group.bounds or ()):
            if not (math.isfinite(shift) and low <= shift <= high):
                what = f"a shift of {shift:g} ppm is absurd, {nucleus} lies between {low:g} and {high:g}"
                raise SpectrumError(what, field=field, repair="Check decimal point, unit and nucleus")


def _check_exact(spectrum: Spectrum) -> None:
    repair = "Check formula and peak list, or mark the spectrum as soft if it was measured"
    _check_complete(spectrum.carbon, "13C", repair)
    _check_complete(spectrum.proton, "1H", repair)
    carbons, hydrogens = count_of(spectrum.carbon), count_of(spectrum.proton)
    if spectrum.carbon and carbons != spectrum.formula["C"]:
        what = f"the lines count {carbons} C, {spectrum.formula} has {spectrum.formula['C']}"
        raise SpectrumError(what, field="13C counts", repair=repair)
    if spectrum.proton and (hydrogens or 0) > spectrum.formula["H"]:
        what = f"the lines count {hydrogens} H, {spectrum.formula} has only {spectrum.formula['H']}"
        raise SpectrumError(what, field="1H counts", repair=repair)


def _check_complete(groups: tuple[Group, ...], nucleus: Nucleus, repair: str) -> None:
    for number, group in enumerate(groups, start=1):
        field = f"{nucleus} group {number}"
        if group.count is None:
            raise SpectrumError("an exact spectrum needs a count in every group", field=field, repair=repair)
        if group.count < len(group.peaks):
            what = f"{len(group.peaks)} peaks share a count of {group.count}"
            raise SpectrumError(what, field=field, repair=repair)
