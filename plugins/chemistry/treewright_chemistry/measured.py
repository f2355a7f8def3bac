"""Spectra from nmrshiftdb2 records, as an analyst would have them: lines without assignment."""

from __future__ import annotations

from collections import Counter

from treewright_chemistry.formula import Formula
from treewright_chemistry.nmrshiftdb import Record, Signal
from treewright_chemistry.spectrum import Group, Peak, Spectrum


def measured_spectrum(record: Record, formula: Formula, *, counts: bool = True, letters: bool = False) -> Spectrum:
    """Return the first 13C spectrum and the fullest 1H spectrum of a record, as soft evidence.

    Args:
        record: of nmrshiftdb2.
        formula: of the molecule.
        counts: tell how many carbons share a 13C line (the source lists one signal per carbon); without,
            lines only.
        letters: tell the hydrogens on each carbon where the source has multiplicity letters (DEPT).
    """
    carbon = record.carbon[0] if record.carbon else ()
    proton = max(record.proton, key=len, default=())
    return Spectrum(
        formula=formula,
        carbon=_groups(carbon, counted=counts and len(carbon) == formula["C"], letters=letters),
        # Only a list that accounts for every hydrogen of the formula has counts that can be trusted.
        proton=_groups(proton, counted=len(proton) == formula["H"], letters=False),
        evidence="soft",
        provenance="measured",
    )


def _groups(signals: tuple[Signal, ...], *, counted: bool, letters: bool) -> tuple[Group, ...]:
    """Merge equal shifts (and letters) to one group, in ascending order."""
    number = Counter((signal.shift, signal.attached if letters else None) for signal in signals)
    ordered = sorted(number.items(), key=lambda item: (item[0][0], item[0][1] or 0))
    return tuple(
        Group((Peak(shift, attached=attached),), count if counted else None) for (shift, attached), count in ordered
    )
