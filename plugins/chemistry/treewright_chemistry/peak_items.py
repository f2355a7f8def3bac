"""What stands in the parentheses of a printed peak: counts, couplings, patterns, in the words of papers.

Everything comes out in one form: a quintet is ``quint`` whether it was called quint, quin, pent or p.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from treewright_chemistry.errors import SpectrumError
from treewright_chemistry.spectrum import ELEMENT, Nucleus

REPAIR: Final = "Write groups like 128.4 (2C, s) or 1.49 (2H, tt, J = 7.5, 6.6 Hz), separated by commas"
NUMBER: Final = r"[-−–]?\d+(?:\.\d+)?"
MOST_ATOMS: Final = 999

_COUNT: Final = re.compile(r"(?:[~≈]|ca\.?)?\s*(\d+(?:\.\d+)?)\s*(?:[x×*]\s*)?([CH])")
_CARBONS: Final = re.compile(r"(?:(\d+)\s*(?:[x×*]\s*)?)?(C|C_?q|CH[23]?)")
_TIMES: Final = re.compile(r"[x×*]\s*(\d+)|(\d+)\s*[x×*]")
_LETTERS: Final = {"S": 0, "D": 1, "T": 2, "Q": 3}
_ATTACHED: Final = {"C": 0, "Cq": 0, "C_q": 0, "CH": 1, "CH2": 2, "CH3": 3}
_SUBSCRIPTS: Final = str.maketrans("₂₃", "23")

_ORDER: Final = r"(?:\^?\{?[1-6¹²³⁴⁵⁶]\}?\s?)?"
_J: Final = re.compile(
    rf"{_ORDER}J(?:[^=≈:,;()]{{0,12}}(?:\([^()]*\))?\s*[=≈:]|[A-Za-z]{{0,3}}(?:\([^()]*\))?)\s*[~≈]?"
)
_JOINED: Final = re.compile(r"\s*(?:\band\b|[/&])\s*")
_HERTZ: Final = re.compile(r"\s*Hz$", re.IGNORECASE)

_NAMES: Final = {
    "s": ("s", "singlet"),
    "d": ("d", "doublet", "doublets"),
    "t": ("t", "triplet", "triplets"),
    "q": ("q", "quartet", "quartets", "quadruplet"),
    "quint": ("quint", "quin", "pent", "quintet", "quintets", "quintuplet", "pentet", "pentets", "p"),
    "h": ("h", "sext", "sxt", "sextet", "sextets", "hextet"),
    "sept": ("sept", "spt", "hept", "septet", "septets", "heptet", "heptets"),
    "m": ("m", "multiplet"),
    "br": ("br", "b", "broad"),
    "": ("app", "apparent", "pseudo", "of"),
}
_TOKEN: Final = {name: token for token, names in _NAMES.items() for name in names}
# Longest first. A p before another letter may mean "pseudo" as well as a pentet, so it is not read.
_TOKENS: Final = re.compile(
    "|".join(name if name != "p" else "p(?![a-z])" for name in sorted(_TOKEN, key=len, reverse=True))
)


@dataclass(frozen=True, slots=True)
class Atoms:
    """Carbons or hydrogens behind a peak, and hydrogens on each carbon; None where not said."""

    count: int | None = None
    attached: int | None = None


def atoms_of(item: str, nucleus: Nucleus, field: str) -> Atoms | None:
    """Return what ``2C``, ``~2H``, ``2 × CH``, ``CH3``, ``×2`` or ``Q`` tells; None for an item of another kind.

    Raises:
        SpectrumError: the count is no whole number, or absurd.
    """
    plain = item.translate(_SUBSCRIPTS)
    counted = _COUNT.fullmatch(plain)
    if counted and counted[2] == ELEMENT[nucleus]:
        return Atoms(_whole(counted[1], field))
    if nucleus == "1H":
        return None
    if plain in _LETTERS:
        return Atoms(attached=_LETTERS[plain])
    if carbons := _CARBONS.fullmatch(plain):
        return Atoms(_whole(carbons[1], field) if carbons[1] else None, _ATTACHED[carbons[2]])
    times = _TIMES.fullmatch(plain)
    return Atoms(_whole(times[1] or times[2], field)) if times else None


def speaks_of_atoms(item: str) -> bool:
    """Whether an item is a count, of whatever nucleus."""
    return _COUNT.fullmatch(item) is not None


def couplings_of(item: str, field: str, *, going_on: bool) -> list[float] | None:
    """Return coupling constants in Hz: ``3J(H,H) = 8.5 Hz``, ``J = 8.0 and 1.5 Hz``, ``8.5 Hz``; else None.

    Args:
        item: one item.
        field: for the error.
        going_on: the item before ended in a constant without "Hz", so that a bare number is one too.

    Raises:
        SpectrumError: after a J stands something else than numbers.
    """
    label = _J.match(item)
    said = _HERTZ.search(item) is not None
    if label is None and not said and not going_on:
        return None
    numbers = [part for part in _JOINED.split(_HERTZ.sub("", item[label.end() if label else 0 :]).strip()) if part]
    if numbers and all(re.fullmatch(NUMBER, part) for part in numbers):
        return [number_of(part) for part in numbers]
    if label is None:
        return None
    raise SpectrumError(f"{item[:40]!r} is no coupling constant", field=field, repair=REPAIR)


def ends_in_hertz(item: str) -> bool:
    """Whether a list of couplings ends with this item."""
    return _HERTZ.search(item) is not None


def pattern_of(item: str, field: str) -> tuple[str, ...]:
    """Return the tokens of a pattern: ``ddt``, ``br s``, ``app. t``, ``doublet of triplets``.

    Raises:
        SpectrumError: it is none.
    """
    compact = re.sub(r"[ .-]", "", item)
    if compact == "undefined":
        return ()
    names = _TOKENS.findall(compact)
    if "".join(names) != compact or not names:
        raise SpectrumError(f"{item[:40]!r} is neither count, pattern nor coupling", field=field, repair=REPAIR)
    return tuple(_TOKEN[name] for name in names if _TOKEN[name])


def number_of(text: str) -> float:
    """Return a number that may have a typographic minus."""
    return float(text.replace("−", "-").replace("–", "-"))


def _whole(text: str, field: str) -> int:
    value = float(text)
    if value > MOST_ATOMS or value != int(value):
        repair = f"Counts are whole numbers up to {MOST_ATOMS}: round it, or leave it out"
        raise SpectrumError(f"a count of {text[:20]}", field=field, repair=repair)
    return int(value)
