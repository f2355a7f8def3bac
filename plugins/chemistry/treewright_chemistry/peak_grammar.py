"""Peak lists as text: the printed forms of calculators and papers, and back.

    list   = [ label ":" ] group { "," group } [ "." ]           label: up to the colon, e.g. "13C NMR:"
           | shift { " " shift }                                 128.4 77.1 20.3
    group  = shift [ "(" item { "," item } ")" ]                 128.4   77.1 (2C)   2.04 (3H, s)
           | shift "-" shift [ "(" item { "," item } ")" ]       7.1-7.3 (5H, 7.17 (d, J = 7.8 Hz), 7.26 (s))
    item   = count element | multiplicity | [order] "J =" numbers "Hz" | shift [ "(" item ... ")" ] | assignment
    multiplicity of 1H = tokens quint sept h s d t q m br without separator, or "undefined"
    multiplicity of 13C = the same, or one capital S D T Q: 0 1 2 3 attached hydrogens (DEPT)

Commas inside parentheses belong to their group, and a sub-peak carries no count. ``h`` is a sextet. An assignment
(``C=O``, ``2 CH``, ``H-4``: any other text with a capital letter) is passed over with a note. Decimal commas are
refused: ``58,3`` could be one shift or two.
"""

from __future__ import annotations

import re
from typing import Final

from treewright_chemistry.errors import SpectrumError
from treewright_chemistry.spectrum import ELEMENT, Group, Nucleus, Peak

MAX_GROUPS: Final = 400
"""Groups a list may have; more is not a peak list but raw data."""

_NUMBER: Final = r"[-−–]?\d+(?:\.\d+)?"
_HEAD: Final = re.compile(rf"^({_NUMBER})(?:\s*[-−–]\s*({_NUMBER}))?\s*(?:ppm)?\s*(?:\((.*)\))?$", re.DOTALL)
_DECIMAL_COMMA: Final = re.compile(r"(?<![\d.])\d{1,3},\d{1,3}(?!\d|\.\d)")
_J: Final = r"[1-6]?J[A-Za-z]{0,3}(?:\([^()]*\))?\s*=?"
_COUPLING: Final = re.compile(rf"^(?:{_J}\s*)?({_NUMBER})\s*(?:Hz)?$")
_SUB_PEAK: Final = re.compile(rf"^{_NUMBER}\s*(?:\(|$)")
_ASSIGNMENT: Final = re.compile(r"[A-Z]|^(?:arom|aliph|exch|overl)[a-z]*\.?$")
_RANGE: Final = re.compile(r"\d\s*-")
_COUNT: Final = re.compile(r"^(\d{1,3})\s*(?:x\s*)?([CH])$")
_TOKENS: Final = re.compile(r"quint|sept|br|[hsdtqm]")
_LABEL: Final = re.compile(r"^[^:()]*:\s*")
_END: Final = re.compile(r"\s*(?:ppm\s*)?[.;]?\s*$")
_ATTACHED: Final = {"S": 0, "D": 1, "T": 2, "Q": 3}
_LETTER: Final = {number: letter for letter, number in _ATTACHED.items()}
_REPAIR: Final = "Write groups like 128.4 (2C, s) or 1.49 (2H, tt, J = 7.5, 6.6 Hz), separated by commas"


def parse_groups(text: str, nucleus: Nucleus, skipped: list[str] | None = None) -> tuple[Group, ...]:
    """Return the groups of a printed peak list; an empty text gives none.

    Args:
        text: the list.
        nucleus: whose.
        skipped: takes the assignments that were passed over.

    Raises:
        SpectrumError: names nucleus and group number, and what could not be read.
    """
    body = _END.sub("", _LABEL.sub("", " ".join(text.split())))
    if not body:
        return ()
    _refuse_decimal_commas(body, f"{nucleus} list")
    skipped = [] if skipped is None else skipped
    # A bare column or row of shifts needs no commas.
    bare = not set(body) - set("0123456789.- ")
    parts = (
        body.split() if bare and " " in body and not _RANGE.search(body) else split_top_level(body, f"{nucleus} list")
    )
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


def format_groups(groups: tuple[Group, ...], nucleus: Nucleus) -> str:
    """Return the printed form that ``parse_groups`` reads back to the same groups."""
    return ", ".join(_format_group(group, nucleus) for group in groups)


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
        raise SpectrumError("parentheses are not balanced", field=field, repair=_REPAIR)
    if not all(parts):
        raise SpectrumError("an entry between two commas is empty", field=field, repair=_REPAIR)
    return parts


def _refuse_decimal_commas(body: str, field: str) -> None:
    found = _DECIMAL_COMMA.search(body)
    if found is not None:
        point = found[0].replace(",", ".")
        repair = f"Write a decimal point, {point}, or a blank after a comma that separates two numbers"
        raise SpectrumError(f"{found[0]!r} looks like a decimal comma", field=field, repair=repair)


def _group(text: str, nucleus: Nucleus, field: str, skipped: list[str]) -> Group:
    first, last, inside = _head(text, field)
    count, pattern, couplings, attached, peaks = _items(inside, nucleus, field, skipped)
    if last is None:
        if peaks:
            raise SpectrumError(f"{text!r} nests peaks in a single shift", field=field, repair=_REPAIR)
        return Group((Peak(first, pattern, couplings, attached),), count)
    bounds = (first, last)
    whole = Peak(round((first + last) / 2, 4), pattern, couplings, attached)
    return Group(tuple(peaks) or (whole,), count, bounds)


def _head(text: str, field: str) -> tuple[float, float | None, str | None]:
    match = _HEAD.match(text)
    if match is None:
        shown = text if len(text) <= 40 else text[:37] + "..."
        raise SpectrumError(f"{shown!r} does not begin with a shift", field=field, repair=_REPAIR)
    first, last, inside = match.groups()
    return _number(first), None if last is None else _number(last), inside


Items = tuple[int | None, tuple[str, ...], tuple[float, ...], int | None, list[Peak]]


def _items(inside: str | None, nucleus: Nucleus, field: str, skipped: list[str]) -> Items:
    """Read what stands in the parentheses of a group; the order of the items does not matter."""
    count: int | None = None
    pattern: tuple[str, ...] = ()
    couplings: list[float] = []
    attached: int | None = None
    peaks: list[Peak] = []
    in_couplings = False
    for item in split_top_level(inside, field) if inside and inside.strip() else []:
        counted = _COUNT.match(item)
        if counted and counted.group(2) == ELEMENT[nucleus]:
            count = int(counted.group(1))
        elif re.match(_J, item) or (in_couplings and item[:1].isdigit()):
            couplings.append(_coupling(item, field))
            in_couplings = "Hz" not in item
        elif counted or _SUB_PEAK.match(item):
            peaks.append(_sub_peak(item, nucleus, field, skipped))
        elif nucleus == "13C" and item in _ATTACHED:
            attached = _ATTACHED[item]
        elif _ASSIGNMENT.search(item):
            skipped.append(item)
        else:
            pattern = _pattern(item, field)
    return count, pattern, tuple(couplings), attached, peaks


def _sub_peak(text: str, nucleus: Nucleus, field: str, skipped: list[str]) -> Peak:
    shift, last, inside = _head(text, field)
    count, pattern, couplings, attached, nested = _items(inside, nucleus, field, skipped)
    if last is not None or nested or count is not None:
        raise SpectrumError(f"{text!r} cannot stand inside a range", field=field, repair=_REPAIR)
    return Peak(shift, pattern, couplings, attached)


def _coupling(text: str, field: str) -> float:
    match = _COUPLING.match(text)
    if match is None:
        raise SpectrumError(f"{text!r} is no coupling constant", field=field, repair=_REPAIR)
    return _number(match.group(1))


def _pattern(text: str, field: str) -> tuple[str, ...]:
    compact = text.replace(" ", "").replace(".", "")
    if compact == "undefined":
        return ()
    tokens = tuple(_TOKENS.findall(compact))
    if "".join(tokens) != compact:
        raise SpectrumError(f"{text!r} is neither count, pattern nor coupling", field=field, repair=_REPAIR)
    return tokens


def _number(text: str) -> float:
    return float(text.replace("−", "-").replace("–", "-"))


def _format_group(group: Group, nucleus: Nucleus) -> str:
    count = [] if group.count is None else [f"{group.count}{ELEMENT[nucleus]}"]
    if group.bounds is None:
        head, items = _format_shift(group.peaks[0].shift, nucleus), count + _format_items(group.peaks[0])
    else:
        head = "-".join(_format_shift(bound, nucleus) for bound in group.bounds)
        middle = round(sum(group.bounds) / 2, 4)
        alone = len(group.peaks) == 1 and group.peaks[0].shift == middle
        subs = [_format_sub(peak, nucleus) for peak in group.peaks]
        items = count + (_format_items(group.peaks[0]) if alone else subs)
    return f"{head} ({', '.join(items)})" if items else head


def _format_sub(peak: Peak, nucleus: Nucleus) -> str:
    items = _format_items(peak)
    shift = _format_shift(peak.shift, nucleus)
    return f"{shift} ({', '.join(items)})" if items else shift


def _format_items(peak: Peak) -> list[str]:
    items = ["".join(peak.multiplicity)] if peak.multiplicity else []
    if peak.attached is not None:
        items.append(_LETTER[peak.attached])
    if peak.couplings:
        items.append("J = " + ", ".join(f"{value:.1f}" if round(value, 1) == value else repr(value)
                                        for value in peak.couplings) + " Hz")  # fmt: skip
    return items


def _format_shift(shift: float, nucleus: Nucleus) -> str:
    digits = 1 if nucleus == "13C" else 2
    return f"{shift:.{digits}f}" if round(shift, digits) == shift else repr(shift)
