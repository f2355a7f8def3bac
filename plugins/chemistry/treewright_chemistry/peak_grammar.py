"""Peak lists as text: the printed forms of calculators and papers.

    list   = [ label ":" ] group { "," group } [ "." ]           label: up to the colon, e.g. "13C NMR:"
           | shift { " " shift }                                 128.4 77.1 20.3
    group  = shift [ "(" item { "," item } ")" ]                 128.4   77.1 (2C)   2.04 (3H, s)
           | shift "-" shift [ "(" item { "," item } ")" ]       7.1-7.3 (5H, 7.17 (d, J = 7.8 Hz), 7.26 (s))
    item   = atoms | multiplicity | coupling | shift [ "(" item ... ")" ] | assignment
    atoms  = count element; for 13C also [count ["x"]] C CH CH2 CH3, "x" count, and of a DEPT S D T Q for 0 1 2 3
             attached hydrogens
    coupling     = [order] "J" [nuclei] ["="] numbers ["Hz"] | number "Hz"
    multiplicity = tokens quint sept h s d t q m br without separator, or their names, or "undefined"

Commas inside parentheses belong to their group, and a sub-peak carries no count. ``h`` is a sextet. Where one group
visibly ends and the next begins, "and" or a blank does for the comma, and a δ before a shift is passed over. So is an
assignment (``C=O``, ``OCH3``, ``H-4``: any other text with a capital letter), with a note. Decimal commas are refused:
``58,3`` could be one shift or two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from itertools import accumulate
from typing import Final

from treewright_chemistry.errors import SpectrumError
from treewright_chemistry.peak_items import (
    NUMBER,
    REPAIR,
    Atoms,
    atoms_of,
    couplings_of,
    ends_in_hertz,
    number_of,
    pattern_of,
    speaks_of_atoms,
)
from treewright_chemistry.spectrum import Group, Nucleus, Peak

MAX_GROUPS: Final = 400
"""Groups a list may have; more is not a peak list but raw data."""

_HEAD: Final = re.compile(rf"^({NUMBER})(?:\s*[-−–]\s*({NUMBER}))?\s*(?:ppm)?\s*(?:\((.*)\))?$", re.DOTALL)
_DELTA: Final = r"δ\s?_?\{?[HC]?\}?\s?(?:\(ppm\)|ppm)?\s?[=:]?\s?"
_LEAD: Final = re.compile(rf"^(?:(?:and|&)\s)?(?:{_DELTA})?")
_GAP: Final = re.compile(rf"(?<=[)\d])(\sppm)?\s(?:(?:and|&)\s)?(?=(?:{_DELTA})?\d)")
_DECIMAL_COMMA: Final = re.compile(r"(?<![\d.])\d{1,3},\d{1,3}(?!\d|\.\d)")
# J1,2 = 3.5 Hz, JH,F = 8.8 Hz and H-2,6: commas that do not separate
_COMMA_IN_J: Final = re.compile(r"(J[A-Za-z0-9'_{]{1,5}),\s?(?=[A-IK-Za-z0-9']{1,4}\}?\s?=)")
_COMMA_IN_ATOMS: Final = re.compile(r"\b([HC]-?\d{1,2}[a-z']?),(?=\d{1,2}[a-z']?\s?[,;)])")
_SUB_PEAK: Final = re.compile(rf"^{NUMBER}\s*(?:\(|$)")
_ASSIGNMENT: Final = re.compile(r"[A-Z]|^(?:arom|aliph|exch|overl)[a-z]*\.?$")
_RANGE: Final = re.compile(r"\d\s*-")
_LABEL: Final = re.compile(r"^[^:()]*:\s*")


def parse_groups(text: str, nucleus: Nucleus, skipped: list[str] | None = None) -> tuple[Group, ...]:
    """Return the groups of a printed peak list; an empty text gives none.

    Args:
        text: the list.
        nucleus: whose.
        skipped: takes the assignments that were passed over.

    Raises:
        SpectrumError: names nucleus and group number, and what could not be read.
    """
    body = _COMMA_IN_ATOMS.sub(r"\1/", _COMMA_IN_J.sub(r"\1-", _LABEL.sub("", " ".join(text.split()))))
    body = body.rstrip(" .,;").removesuffix("ppm").rstrip(" .,;")
    if not body:
        return ()
    _refuse_decimal_commas(body, f"{nucleus} list")
    skipped = [] if skipped is None else skipped
    # A bare column or row of shifts needs no commas.
    bare = not set(body) - set("0123456789.- ") and " " in body and not _RANGE.search(body)
    parts = body.split() if bare else split_top_level(_with_commas(body), f"{nucleus} list")
    if len(parts) > MAX_GROUPS:
        what = f"{len(parts)} groups exceed the limit of {MAX_GROUPS}"
        raise SpectrumError(what, field=f"{nucleus} list", repair="Give picked peaks, not the raw spectrum")
    fields = [f"{nucleus} group {number}" for number in range(1, len(parts) + 1)]
    return tuple(_group(part, nucleus, field, skipped) for part, field in zip(parts, fields, strict=True))


def coupling_warnings(groups: tuple[Group, ...], nucleus: Nucleus) -> tuple[str, ...]:
    """Return a line for every peak whose pattern asks for another number of couplings."""
    lines = []
    for number, group in enumerate(groups, start=1):
        for peak in group.peaks:
            expected = sum(token not in ("s", "m", "br") for token in peak.multiplicity)
            if (
                peak.couplings
                and peak.multiplicity
                and len(peak.couplings) != expected
                and "m" not in peak.multiplicity
            ):
                pattern = "".join(peak.multiplicity)
                lines.append(f"{nucleus} group {number}: pattern {pattern} with {len(peak.couplings)} couplings")
    return tuple(lines)


def split_top_level(text: str, field: str) -> list[str]:
    """Split at the commas (or semicolons) outside parentheses.

    Raises:
        SpectrumError: parentheses are not balanced, or an entry is empty.
    """
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth < 0 or depth > 3:
            break
        if depth == 0 and character in ",;":
            parts.append(text[start:position].strip())
            start = position + 1
    parts.append(text[start:].strip())
    if depth != 0:
        raise SpectrumError("parentheses are not balanced", field=field, repair=REPAIR)
    if not all(parts):
        raise SpectrumError("an entry between two commas is empty", field=field, repair=REPAIR)
    return parts


def _with_commas(body: str) -> str:
    """The list with a comma where a group ends and another begins, as at the ends of lines."""
    depths = list(accumulate((character == "(") - (character == ")") for character in body))
    return _GAP.sub(lambda found: found[0] if depths[found.start()] else f"{found[1] or ''}, ", body)


def _refuse_decimal_commas(body: str, field: str) -> None:
    found = _DECIMAL_COMMA.search(body)
    if found is not None:
        point = found[0].replace(",", ".")
        repair = f"Write a decimal point, {point}, or a blank after a comma that separates two numbers"
        raise SpectrumError(f"{found[0]!r} looks like a decimal comma", field=field, repair=repair)


def _group(text: str, nucleus: Nucleus, field: str, skipped: list[str]) -> Group:
    first, last, inside = _head(text, field)
    found = _items(inside, nucleus, field, skipped)
    if last is None:
        if found.peaks:
            raise SpectrumError(f"{text[:40]!r} nests peaks in a single shift", field=field, repair=REPAIR)
        return Group((found.peak(first),), found.count)
    return Group(tuple(found.peaks) or (found.peak(round((first + last) / 2, 4)),), found.count, (first, last))


def _head(text: str, field: str) -> tuple[float, float | None, str | None]:
    text = _LEAD.sub("", text)
    match = _HEAD.match(text)
    if match is None:
        shown = text if len(text) <= 40 else text[:37] + "..."
        raise SpectrumError(f"{shown!r} does not begin with a shift", field=field, repair=REPAIR)
    first, last, inside = match.groups()
    depths = accumulate((character == "(") - (character == ")") for character in inside or "")
    if any(depth < 0 for depth in depths):
        group = text[: text.index(")") + 1]
        raise SpectrumError(f"a comma is missing after {group[-40:]!r}", field=field, repair=REPAIR)
    return number_of(first), None if last is None else number_of(last), inside


@dataclass
class _Inside:
    """What stands in the parentheses of a group."""

    count: int | None = None
    attached: int | None = None
    pattern: tuple[str, ...] = ()
    couplings: list[float] = dataclass_field(default_factory=list)
    peaks: list[Peak] = dataclass_field(default_factory=list)

    def peak(self, shift: float) -> Peak:
        return Peak(shift, self.pattern, tuple(self.couplings), self.attached)

    def take(self, atoms: Atoms) -> None:
        self.count = self.count if atoms.count is None else atoms.count
        self.attached = self.attached if atoms.attached is None else atoms.attached


def _items(inside: str | None, nucleus: Nucleus, field: str, skipped: list[str]) -> _Inside:
    """Read what stands in the parentheses of a group; the order of the items does not matter."""
    found = _Inside()
    going_on = False
    for item in split_top_level(inside, field) if inside and inside.strip() else []:
        if (atoms := atoms_of(item, nucleus, field)) is not None:
            found.take(atoms)
        elif (couplings := couplings_of(item, field, going_on=going_on)) is not None:
            found.couplings += couplings
            going_on = not ends_in_hertz(item)
        elif speaks_of_atoms(item) or _SUB_PEAK.match(item):
            found.peaks.append(_sub_peak(item, nucleus, field, skipped))
        elif _ASSIGNMENT.search(item):
            skipped.append(item)
        else:
            found.pattern = pattern_of(item, field)
    return found


def _sub_peak(text: str, nucleus: Nucleus, field: str, skipped: list[str]) -> Peak:
    shift, last, inside = _head(text, field)
    found = _items(inside, nucleus, field, skipped)
    if last is not None or found.peaks or found.count is not None:
        raise SpectrumError(f"{text[:40]!r} cannot stand inside a range", field=field, repair=REPAIR)
    return found.peak(shift)
