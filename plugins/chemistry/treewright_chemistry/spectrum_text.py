"""Plain text as in the experimental part of a paper: a formula and labelled lists, other lines passed over.

A list goes on in lines of shifts. A line that is neither is noted, so that nothing is left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from treewright_chemistry.formula import VALENCE
from treewright_chemistry.spectrum_entry import LISTS, NAMES, REPAIR, Entry, labelled

_FORMULA_LINE: Final = re.compile(r"(?:[A-Z][a-z]?[0-9₀-₉]*\s?){1,20}")
_ELEMENTS: Final = re.compile(rf"(?:(?:{'|'.join(sorted(VALENCE, key=len, reverse=True))})\s?)*")
_PARENTHESES: Final = re.compile(r"\((?:[^()]|\([^()]*\))*\)?")
_ONLY_SHIFTS: Final = re.compile(r"(?:[\d\s.,;δ&~+−–-]|ppm|and)*")
_BEGINS_WITH_SHIFT: Final = re.compile(r"[−–-]?\d+\.\d")
_MOST_NOTED: Final = 5


def begins_plain(line: str) -> bool:
    """Whether a file that begins with this line is plain text."""
    return _is_formula(line) or ("δ" in line and labelled(line)[0] in LISTS)


def holds_pasted_lists(text: str) -> bool:
    """Whether a line begins as in a paper: ``13C NMR …``, ``1H NMR …``, ``δC (101 MHz) …``."""
    lines = text.splitlines()
    candidates = [line for line in lines if line.startswith("δ") or ("NMR" in line[:80] and not line[0].isspace())]
    pasted = (labelled(line)[0] in ("c13", "h1") for line in candidates)
    return any(pasted) and not any(line.startswith("- ") for line in lines)


def from_lines(text: str) -> Iterator[Entry]:
    """The unknowns of a plain text; a formula or name that comes again begins the next one."""
    unknown = _Unknown()
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, value = labelled(line)
        if not name and not unknown.depth and _is_formula(line):
            name, value = "formula", line
        if (name == "formula" or name in NAMES) and name in unknown.fields:
            yield unknown.entry()
            unknown = _Unknown()
        if name:
            unknown.begin(name, value)
        elif unknown.current in LISTS and (unknown.depth or _is_part_of_list(line)):
            unknown.go_on(line)
        else:
            unknown.passed_over.append(line)
    yield unknown.entry()


@dataclass
class _Unknown:
    """An unknown while it is read; ``depth`` counts the parentheses that are open at the end of its last list."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    current: str = ""
    depth: int = 0
    passed_over: list[str] = field(default_factory=list)
    error: str = ""

    def begin(self, name: str, value: str) -> None:
        if name in self.fields:
            self.error = self.error or f"{name}: given twice. Give it once."
            return
        self.fields[name], self.current, self.depth = [], name, 0
        self.go_on(value)

    def go_on(self, line: str) -> None:
        self.fields[self.current].append(line)
        self.depth = max(0, self.depth + line.count("(") - line.count(")")) if self.current in LISTS else 0

    def entry(self) -> Entry:
        shown = [line if len(line) <= 40 else f"{line[:39]}…" for line in self.passed_over[:_MOST_NOTED]]
        error = self.error
        if shown and not {"c13", "h1"} & set(self.fields):
            error = error or f"{shown[0]!r} is neither a formula nor a labelled list. {REPAIR}."
        more = [f"{len(self.passed_over) - _MOST_NOTED} more"] if len(self.passed_over) > _MOST_NOTED else []
        notes = (f"lines that were passed over: {'; '.join([*map(repr, shown), *more])}",) if shown else ()
        return Entry({name: " ".join(lines) for name, lines in self.fields.items()}, error, notes)


def _is_formula(line: str) -> bool:
    """Whether a line is a formula; words in capitals such as HRMS are none."""
    digits = any(character.isdigit() for character in line)
    return _FORMULA_LINE.fullmatch(line) is not None and (digits or _ELEMENTS.fullmatch(line) is not None)


def _is_part_of_list(line: str) -> bool:
    """Whether a line holds shifts and no words outside parentheses, as the name of the next compound does."""
    return bool(_BEGINS_WITH_SHIFT.match(line) or _ONLY_SHIFTS.fullmatch(_PARENTHESES.sub("", line)))
