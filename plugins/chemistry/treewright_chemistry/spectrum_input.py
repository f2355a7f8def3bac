"""Files that users bring: what stands in them, told apart by content, as the fields of the codec.

JCAMP-DX    begins with ``##``; peak tables, those of one compound after the other
JSON        begins with ``{`` or ``[``; one object or a list of them
plain text  begins with a molecular formula on a line of its own, or with a list that has a δ; then lines
            such as ``13C NMR (CDCl3): …``, ``1H NMR (400 MHz) δ …``, ``evidence: soft``
YAML        anything else that is one: one mapping, a list of them, or several documents
plain text  anything else in which a line begins with ``13C NMR`` or ``1H NMR``

Values stay the text that stands in the file: no scalar is interpreted (``NO`` is a formula, ``1e3`` no
number). One entry that cannot be read leaves the others alone.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from treewright_chemistry.errors import ChemistryError, SpectrumError
from treewright_chemistry.jcamp import JcampPeaks, read_blocks
from treewright_chemistry.spectrum_entry import LISTS, REPAIR, Entry, field_of, is_known, without_lead
from treewright_chemistry.spectrum_text import begins_plain, from_lines, holds_pasted_lists

_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_entries(content: bytes) -> list[Entry]:
    """All unknowns of a file.

    Raises:
        SpectrumError: the whole cannot be read, or holds none.
    """
    text = _decoded(content).lstrip("\ufeff").strip()
    if not text:
        raise SpectrumError("the file is empty", field="input", repair=REPAIR)
    if text.startswith(("##", "$$")):
        return list(_from_jcamp(read_blocks(text)))
    if begins_plain(text.splitlines()[0].strip()):
        return list(from_lines(text))
    try:
        values = list(_listed(_documents(text)))
    except SpectrumError:
        if holds_pasted_lists(text):
            return list(from_lines(text))
        raise
    if not all(_is_understood(value) for value in values) and holds_pasted_lists(text):
        return list(from_lines(text))
    if not values:
        raise SpectrumError("the file holds no spectrum", field="input", repair=REPAIR)
    return [_from_mapping(value) for value in values]


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8")
    except UnicodeDecodeError as error:
        if content.lstrip().startswith(b"##"):  # the standard of 1988 knows no UTF-8
            return content.decode("latin-1")
        what = f"not a text in UTF-8, nor in UTF-16 with its mark ({error})"
        raise SpectrumError(what, field="input", repair="Save it as UTF-8") from error


def _documents(text: str) -> list[Any]:
    import yaml

    try:
        if text[0] in "{[":
            try:
                return [json.loads(text, parse_float=str, parse_int=str, parse_constant=str)]
            except json.JSONDecodeError:
                pass  # YAML's flow style looks alike
        return list(yaml.load_all(text, Loader=yaml.BaseLoader))
    except yaml.YAMLError as error:
        what = f"not a YAML, JSON, JCAMP-DX or plain peak list: {' '.join(str(error).split())}"
        raise SpectrumError(what, field="input", repair=REPAIR) from error
    except RecursionError as error:
        raise SpectrumError("nested too deeply", field="input", repair=REPAIR) from error


def _listed(documents: list[Any]) -> Iterator[Any]:
    for document in documents:
        if isinstance(document, list):
            yield from document
        elif document not in (None, ""):
            yield document


def _is_understood(value: Any) -> bool:
    return isinstance(value, Mapping) and all(is_known(str(label)) for label in value)


def _from_mapping(value: Any) -> Entry:
    if not isinstance(value, Mapping):
        # nested lists are not shown: aliases make a few lines of YAML stand for gigabytes
        shown = f"a {type(value).__name__}" if isinstance(value, list) else repr(str(value)[:40])
        return Entry(error=f"{shown} is no spectrum. {REPAIR}.")
    entry = Entry()
    for label, content in value.items():
        name = field_of(str(label))
        try:
            text = _text_of(content, name)
        except SpectrumError as error:
            entry.error = entry.error or str(error)
            continue
        if name in entry.fields:
            entry.error = entry.error or f"{name}: given twice (as {str(label)[:40]!r} too). Give it once."
        entry.fields[name] = without_lead(text) if name in LISTS else text
    return entry


def _text_of(content: Any, name: str) -> str:
    """A scalar as it stands, a list of scalars joined by commas."""
    items = content if isinstance(content, list) else [content]
    if any(isinstance(item, Mapping | list) for item in items):
        raise SpectrumError("neither a text nor a list of shifts", field=name[:40], repair="Write 128.4, 77.1, 20.3")
    return ", ".join("" if item is None else str(item).strip() for item in items)


def _from_jcamp(blocks: Iterator[JcampPeaks | ChemistryError]) -> Iterator[Entry]:
    """The tables of one compound after the other: a second table of a nucleus begins the next one."""
    from treewright_chemistry.peak_printing import format_groups

    entry = Entry()
    for block in blocks:
        name = "" if isinstance(block, ChemistryError) else {"13C": "c13", "1H": "h1"}[block.nucleus]
        if entry.error or (entry.fields and (not name or name in entry.fields)):
            yield entry
            entry = Entry()
        if isinstance(block, ChemistryError):
            entry.error = str(block)
            continue
        entry.fields[name] = format_groups(block.groups, block.nucleus)
        entry.fields.setdefault("name", block.title)
        if block.formula:
            entry.fields.setdefault("formula", block.formula)
    yield entry
