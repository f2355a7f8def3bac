"""NMR peak tables in JCAMP-DX files (McDonald, Wilks, Appl. Spectrosc. 42, 151, 1988; Davies, Lampen 1993).

Only ``##PEAK TABLE= (XY..XY)`` is read. nmrglue 0.12 was tried: it returns the labelled records, but no peaks
of a peak table (it warns that there are no data), so the few lines that split the table stand here. Raw
spectra (``XYDATA``) are refused: peaks must be picked first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from treewright_chemistry.errors import ChemistryError, SpectrumError
from treewright_chemistry.peak_grammar import MAX_GROUPS
from treewright_chemistry.spectrum import Group, Nucleus, Peak

MAX_TEXT: Final = 1_000_000
"""Characters of a file; a peak table has a few thousand."""
_NUCLEI: Final[dict[str, Nucleus]] = {"13C": "13C", "1H": "1H"}
_RECORD: Final = re.compile(r"^##([^=]*)=(.*)$")
_NUMBER: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_BLOCK: Final = re.compile(r"^(?=##\s*TITLE\s*=)", re.IGNORECASE | re.MULTILINE)
_CLOSED: Final = re.compile(r"^##\s*END\s*=", re.IGNORECASE | re.MULTILINE)
_WITHOUT_DATA: Final = re.compile(r"LINK|STRUCTURE|ASSIGNMENT", re.IGNORECASE)
_CUT: Final = "The file is cut short, or was changed by hand: export it again"
_REPAIR: Final = "Export the picked peaks as JCAMP-DX PEAK TABLE (XY..XY), or paste them as a list"


@dataclass(frozen=True, slots=True)
class JcampPeaks:
    """A peak table: one group without count per peak, in ppm, in order.

    Attributes:
        title: of its block.
        nucleus: what was observed.
        groups: the peaks.
        formula: from ``##MOLFORM``, empty if the file does not tell.
    """

    title: str
    nucleus: Nucleus
    groups: tuple[Group, ...]
    formula: str = ""


def read_blocks(text: str) -> Iterator[JcampPeaks | ChemistryError]:
    """The peak tables of a file of one or several blocks, and the errors of blocks that hold none.

    Blocks may follow each other or lie in a LINK block; one without data of its own (LINK, chemical
    structure) only gives its title and formula to those after it.

    Raises:
        SpectrumError: there is no block with data at all, a LINK block is not whole, or the text is
            too long.
    """
    if len(text) > MAX_TEXT:
        raise SpectrumError(f"{len(text)} characters exceed {MAX_TEXT}", field="JCAMP-DX", repair=_REPAIR)
    parts = [part for part in _BLOCK.split(text) if part.strip()]
    title = formula = ""
    number, linked = 0, False
    for part in parts:
        records = _records(part)
        linked = linked or "LINK" in records.get("DATATYPE", "").upper()
        formula = " ".join(records.get("MOLFORM", formula).split())
        if "PEAKTABLE" not in records and _WITHOUT_DATA.search(records.get("DATATYPE", "LINK")):
            title = records.get("TITLE", title)
            continue
        number += 1
        try:
            peaks = read_jcamp(part, field=f"JCAMP-DX block {number}" if len(parts) > 1 else "JCAMP-DX")
        except SpectrumError as error:
            yield error
        else:
            yield replace(peaks, title=title or peaks.title, formula=formula)
    if not number:
        raise SpectrumError("there is no block with data", field="JCAMP-DX", repair=_REPAIR)
    if linked and len(_CLOSED.findall(text)) < len(_BLOCK.findall(text)):  # half a compound is another spectrum
        raise SpectrumError("not every block is closed by ##END=", field="JCAMP-DX END", repair=_CUT)


def read_jcamp(text: str, *, field: str = "JCAMP-DX") -> JcampPeaks:
    """Return the peak table of a JCAMP-DX text.

    Raises:
        SpectrumError: no JCAMP-DX, no peak table or not the whole of it, another nucleus, or unreadable numbers;
            names the record.
    """
    if len(text) > MAX_TEXT:
        raise SpectrumError(f"{len(text)} characters exceed {MAX_TEXT}", field=field, repair=_REPAIR)
    records = _records(text)
    if "JCAMPDX" not in records and "TITLE" not in records:
        raise SpectrumError("there is no JCAMP-DX record", field=field, repair=_REPAIR)
    if "PEAKTABLE" not in records:
        raise SpectrumError("there is no PEAK TABLE record", field=field, repair=_REPAIR)
    nucleus = _NUCLEI.get(records.get(".OBSERVENUCLEUS", "").replace("^", "").upper())
    if nucleus is None:
        found = records.get(".OBSERVENUCLEUS", "nothing")
        raise SpectrumError(
            f"nucleus {found!r} is neither 13C nor 1H", field=f"{field} .OBSERVE NUCLEUS", repair=_REPAIR
        )
    shifts = _shifts(records["PEAKTABLE"], _unit(records, field), field)
    _check_whole(records, len(shifts), field)
    return JcampPeaks(records.get("TITLE", ""), nucleus, tuple(Group((Peak(shift),)) for shift in shifts))


def _check_whole(records: dict[str, str], peaks: int, field: str) -> None:
    """Refuse a table of which a part is missing: what is left would be read as a spectrum of its own."""
    said = _NUMBER.match(records.get("NPOINTS", ""))
    if said is not None and float(said.group()) != peaks:
        what = f"the table holds {peaks} peaks, not {said.group()}"
        raise SpectrumError(what, field=f"{field} NPOINTS", repair=_CUT)
    if "END" not in records:
        raise SpectrumError("the block is not closed by ##END=", field=f"{field} END", repair=_CUT)


def _records(text: str) -> dict[str, str]:
    """Return the first value of every label; labels are compared without blanks and punctuation."""
    records: dict[str, str] = {}
    label = ""
    for line in text.splitlines():
        content = line.split("$$", 1)[0].rstrip()
        match = _RECORD.match(content)
        if match:
            label = re.sub(r"[ \-/_]", "", match.group(1)).upper()
            if label in records:
                label = ""  # a later block of a compound file
            else:
                records[label] = match.group(2).strip()
        elif label and content:
            records[label] += "\n" + content
    return records


def _unit(records: dict[str, str], field: str) -> float:
    """Return how many ppm one unit of the table is."""
    unit = records.get("XUNITS", "PPM").upper()
    if unit == "PPM":
        return 1.0
    found = _NUMBER.match(records.get(".OBSERVEFREQUENCY", ""))
    if unit in ("HZ", "HERTZ") and found and float(found.group()) > 0:
        return 1.0 / float(found.group())
    what = f"unit {unit!r} cannot be turned to ppm"
    raise SpectrumError(what, field=f"{field} XUNITS", repair="Give ppm, or Hz with .OBSERVE FREQUENCY in MHz")


def _shifts(table: str, unit: float, field: str) -> list[float]:
    form, _, body = table.partition("\n")
    where = f"{field} PEAK TABLE"
    if re.sub(r"\s", "", form).upper() not in ("(XY..XY)", "(XYW..XYW)"):
        raise SpectrumError(f"form {form!r} is not (XY..XY)", field=where, repair=_REPAIR)
    width = 3 if "W" in form.upper() else 2
    numbers = [float(value) for value in _NUMBER.findall(body)]
    if not numbers or len(numbers) % width or _NUMBER.sub("", body).strip(" ,;\t\n"):
        raise SpectrumError(f"the table does not hold groups of {width} numbers", field=where, repair=_REPAIR)
    if len(numbers) // width > MAX_GROUPS:
        raise SpectrumError(f"more than {MAX_GROUPS} peaks", field=where, repair=_REPAIR)
    return [round(value * unit, 4) for value in numbers[::width]]
