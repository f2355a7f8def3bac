"""Files that users bring: what stands in them, told apart by content, as the fields of the codec.

JCAMP-DX    begins with ``##``; peak tables, those of one compound after the other
JSON        begins with ``{`` or ``[``; one object or a list of them
plain text  begins with a molecular formula on a line of its own, or with a list that has a δ; then lines
            such as ``13C NMR (CDCl3): …``, ``1H NMR (400 MHz) δ …``, ``evidence: soft``
YAML        anything else; one mapping, a list of them, or several documents

Values stay the text that stands in the file: no scalar is interpreted (``NO`` is a formula, ``1e3`` no
number). One entry that cannot be read leaves the others alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from treewright_chemistry.errors import ChemistryError, SpectrumError
from treewright_chemistry.jcamp import JcampPeaks, read_blocks
from treewright_chemistry.spectrum_codec import FIELDS

NAMES: Final = ("name", "id")
_LABELS: Final = (
    ("c13", re.compile(r"(13\s*-?\s*C|C\s*-?\s*13|¹³C|C-?NMR)\b", re.IGNORECASE)),
    ("h1", re.compile(r"(1\s*-?\s*H|H\s*-?\s*1|¹H|H-?NMR)\b", re.IGNORECASE)),
    ("ir", re.compile(r"(ir|infrared|ftir)\b", re.IGNORECASE)),
    ("formula", re.compile(r"((molecular )?formula|molform)$", re.IGNORECASE)),
)
_FORMULA_LINE: Final = re.compile(r"(?:[A-Z][a-z]?[0-9₀-₉]*\s?){1,20}")
_LABELLED: Final = re.compile(r"([^:δ]{1,80})[:δ](.*)", re.DOTALL)
_LEAD: Final = re.compile(r"^\s*(?:δ\s*(?:\(ppm\))?|ppm)?\s*[:=]?\s*")
_LISTS: Final = ("c13", "h1", "ir")
_REPAIR: Final = "Write  formula: …, c13: …, h1: …, evidence: soft"


@dataclass
class Entry:
    """One unknown of a file.

    Attributes:
        fields: codec field → text, and perhaps ``name``.
        error: why it cannot be read; empty if it can.
    """

    fields: dict[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def name(self) -> str:
        """What the file calls it; empty if it has no name."""
        return next((self.fields[key] for key in NAMES if self.fields.get(key)), "")

    @property
    def payload(self) -> dict[str, str]:
        """What the codec reads."""
        return {key: text for key, text in self.fields.items() if key not in NAMES and text}


def read_entries(content: bytes) -> list[Entry]:
    """All unknowns of a file.

    Raises:
        SpectrumError: the whole cannot be read, or holds none.
    """
    text = _decoded(content).lstrip("\ufeff").strip()
    if not text:
        raise SpectrumError("the file is empty", field="input", repair=_REPAIR)
    if text.startswith(("##", "$$")):
        return list(_from_jcamp(read_blocks(text)))
    first = text.splitlines()[0].strip()
    if _FORMULA_LINE.fullmatch(first) or ("δ" in first and _labelled(first)[0] in _LISTS):
        return list(_from_lines(text))
    entries = [_from_mapping(each) for each in _listed(_documents(text))]
    if not entries:
        raise SpectrumError("the file holds no spectrum", field="input", repair=_REPAIR)
    return entries


def field_of(label: str) -> str:
    """The codec's name of a label such as ``13C NMR (101 MHz, CDCl3)``; other labels in lower case."""
    plain = " ".join(label.split())
    return next((name for name, pattern in _LABELS if pattern.match(plain)), plain.lower())


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        if content.lstrip().startswith(b"##"):  # the standard of 1988 knows no UTF-8
            return content.decode("latin-1")
        raise SpectrumError(f"not a text in UTF-8 ({error})", field="input", repair="Save it as UTF-8") from error


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
        raise SpectrumError(what, field="input", repair=_REPAIR) from error
    except RecursionError as error:
        raise SpectrumError("nested too deeply", field="input", repair=_REPAIR) from error


def _listed(documents: list[Any]) -> Iterator[Any]:
    for document in documents:
        if isinstance(document, list):
            yield from document
        elif document not in (None, ""):
            yield document


def _from_mapping(value: Any) -> Entry:
    if not isinstance(value, Mapping):
        # nested lists are not shown: aliases make a few lines of YAML stand for gigabytes
        shown = f"a {type(value).__name__}" if isinstance(value, list) else repr(str(value)[:40])
        return Entry(error=f"{shown} is no spectrum. {_REPAIR}.")
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
        entry.fields[name] = _LEAD.sub("", text) if name in _LISTS else text
    return entry


def _text_of(content: Any, name: str) -> str:
    """A scalar as it stands, a list of scalars joined by commas."""
    items = content if isinstance(content, list) else [content]
    if any(isinstance(item, Mapping | list) for item in items):
        raise SpectrumError("neither a text nor a list of shifts", field=name[:40], repair="Write 128.4, 77.1, 20.3")
    return ", ".join("" if item is None else str(item).strip() for item in items)


def _from_lines(text: str) -> Iterator[Entry]:
    entry, current = Entry(), ""
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, value = _labelled(line)
        if not name and _FORMULA_LINE.fullmatch(line):
            name, value = "formula", line
        if name and (name == "formula" or name in NAMES) and name in entry.fields:
            yield entry  # the next unknown begins
            entry = Entry()
        if name in entry.fields:
            entry.error = entry.error or f"{name}: given twice. Give it once."
        elif name:
            entry.fields[name], current = value, name
        elif current in _LISTS:
            entry.fields[current] += f" {line}"  # a long list goes on
        else:
            entry.error = entry.error or f"{line[:40]!r} is neither a formula nor a labelled list. {_REPAIR}."
    yield entry


def _labelled(line: str) -> tuple[str, str]:
    """Field and value of a line like ``1H NMR (CDCl3): δ 9.83 (1H, s)``; two empty texts if it is none."""
    found = _LABELLED.fullmatch(line)
    name = field_of(found[1]) if found else ""
    if found is None or name not in (*FIELDS, *NAMES):
        return "", ""
    value = found[2]
    return name, (_LEAD.sub("", value) if name in _LISTS else value).strip()


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
