"""One unknown of a file, and the labels by which files call its fields."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from treewright_chemistry.spectrum_codec import FIELDS

NAMES: Final = ("name", "id")
REMARKS: Final = ("solvent", "frequency")
"""Fields that are read and change nothing."""
LISTS: Final = ("c13", "h1", "ir")
REPAIR: Final = "Write  formula: …, c13: …, h1: …, evidence: soft"

_LABELS: Final = (
    ("c13", re.compile(r"(13\s*-?\s*C|C\s*-?\s*13|¹³C|C-?NMR)\b", re.IGNORECASE)),
    ("h1", re.compile(r"(1\s*-?\s*H|H\s*-?\s*1|¹H|H-?NMR)\b", re.IGNORECASE)),
    ("ir", re.compile(r"(ir|infrared|ftir)\b", re.IGNORECASE)),
    ("formula", re.compile(r"(((molecular|chemical) )?formula|molform)$", re.IGNORECASE)),
    ("frequency", re.compile(r"(spectrometer )?frequency\b", re.IGNORECASE)),
)
# a list without δ or colon, and the style that begins with δH or δC
_UNMARKED: Final = re.compile(
    r"([^:δ()]{1,20}NMR\s?(?:\([^()]{0,80}\))?)\s?(?!\d+\.\d+\sMHz)([−–-]?\d+\.\d.*)", re.DOTALL
)
_DELTA_FIRST: Final = re.compile(r"δ_?\{?([HC])\}?\s?\([^()]{0,80}\)\s?[:=]?(.*)", re.DOTALL)
_LABELLED: Final = re.compile(r"([^:δ]{1,80})[:δ](.*)", re.DOTALL)
_LEAD: Final = re.compile(r"^\s*(?:δ\s*(?:\(ppm\))?|ppm)?\s*[:=]?\s*")


@dataclass
class Entry:
    """One unknown of a file.

    Attributes:
        fields: codec field → text, perhaps ``name`` and remarks.
        error: why it cannot be read; empty if it can.
        notes: what was passed over.
    """

    fields: dict[str, str] = field(default_factory=dict)
    error: str = ""
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the file calls it; empty if it has no name."""
        return next((self.fields[key] for key in NAMES if self.fields.get(key)), "")

    @property
    def payload(self) -> dict[str, str]:
        """What the codec reads."""
        return {key: text for key, text in self.fields.items() if key not in (*NAMES, *REMARKS) and text}


def field_of(label: str) -> str:
    """The codec's name of a label such as ``13C NMR (101 MHz, CDCl3)``; other labels in lower case."""
    plain = " ".join(label.split())
    return next((name for name, pattern in _LABELS if pattern.match(plain)), plain.lower())


def is_known(label: str) -> bool:
    """Whether a label names a field."""
    return field_of(label) in (*FIELDS, *NAMES, *REMARKS)


def without_lead(text: str) -> str:
    """A list without the δ, unit or colon that it begins with."""
    return _LEAD.sub("", text)


def labelled(line: str) -> tuple[str, str]:
    """Field and value of a line like ``1H NMR (CDCl3): δ 9.83 (1H, s)``; two empty texts if it is none."""
    if found := _DELTA_FIRST.fullmatch(line):
        return {"H": "h1", "C": "c13"}[found[1]], without_lead(found[2]).strip()
    found = _UNMARKED.fullmatch(line) or _LABELLED.fullmatch(line)
    if found is None or not is_known(found[1]):
        return "", ""
    name, value = field_of(found[1]), found[2]
    return name, (without_lead(value) if name in LISTS else value).strip()
