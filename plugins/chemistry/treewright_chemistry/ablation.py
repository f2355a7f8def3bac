"""Switching parts of the score off by name.

A name is one of PARTS, or one of GROUPS: ``shifts`` leaves out both shift likelihoods, ``plausibility`` how
usual the environments are. ``13C`` and ``1H`` leave out a nucleus altogether: its lines are taken out of the
spectrum, so its shifts, classes, counts and patterns no longer count, nor does what the cosine read of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from treewright_chemistry.errors import SpectrumError
from treewright_chemistry.score_weights import PARTS
from treewright_chemistry.spectrum import Spectrum

GROUPS: Final[dict[str, frozenset[str]]] = {
    "shifts": frozenset({"carbon", "proton"}),
    "plausibility": frozenset({"surprise_1", "surprise_2"}),
    "13C": frozenset({"carbon", "missing_classes", "surplus_classes", "sizes", "attached"}),
    "1H": frozenset({"proton", "labile", "neighbours"}),
}
"""Parts that one name switches off together."""
NAMES: Final = (*GROUPS, *PARTS)
"""Every name that may be switched off."""


def checked_names(names: Iterable[str]) -> frozenset[str]:
    """Return the names.

    Raises:
        ValueError: one of them is unknown; lists the known ones.
    """
    chosen = frozenset(names)
    unknown = sorted(chosen - set(NAMES))
    if unknown:
        raise ValueError(f"without: {unknown[0]!r} is no part of the score; known are {', '.join(NAMES)}")
    return chosen


def dropped_parts(names: frozenset[str]) -> frozenset[str]:
    """Return the PARTS that the names switch off."""
    return frozenset(names & set(PARTS)).union(*(GROUPS[name] for name in names & GROUPS.keys()))


def visible(spectrum: Spectrum, names: frozenset[str]) -> Spectrum:
    """Return the spectrum without the nuclei that are left out altogether.

    Raises:
        SpectrumError: nothing would be left of it.
    """
    carbon = () if "13C" in names else spectrum.carbon
    proton = () if "1H" in names else spectrum.proton
    if not carbon and not proton:
        left_out = " and ".join(sorted(names & {"13C", "1H"}))
        repair = "Leave a nucleus in the score that the spectrum has"
        raise SpectrumError(f"without {left_out} nothing is left of the spectrum", field="without", repair=repair)
    if (carbon, proton) == (spectrum.carbon, spectrum.proton):
        return spectrum
    return replace(spectrum, carbon=carbon, proton=proton)
