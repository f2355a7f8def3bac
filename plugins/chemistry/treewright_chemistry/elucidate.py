"""Structures for spectra of your own.

The input is a file with one spectrum or several, or standard input: YAML, JSON, JCAMP-DX peak tables,
or plain text, told apart by content (``spectrum_input``). As YAML:

    name: unknown 7
    formula: C8H8O3
    c13: 191.0, 151.8, 147.2, 129.8, 127.5, 114.5, 108.8, 56.1
    h1: 9.83 (1H, s), 7.43 (1H, d, J = 8.5 Hz), …
    evidence: soft            # measured; "exact" for spectra made by a calculator

A spectrum that cannot be read becomes a failed problem; the others are solved.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from treewright_chemistry.errors import ChemistryError
from treewright_registry import JSON, DataError, Problem, Trajectory, Verdict

if TYPE_CHECKING:
    from treewright_chemistry.spectrum import Spectrum
    from treewright_chemistry.spectrum_entry import Entry

MOST_BYTES = 1_000_000


class Elucidate:
    """Spectra from a file; there is no reference, so nothing is graded.

    Args:
        input: the file (``--input FILE``, or ``--input -`` for standard input).
        evidence: for spectra that do not say it themselves: ``soft`` if they were measured, ``exact``
            if a calculator made them. It is never guessed.
        formula: for spectra that do not say it themselves, as JCAMP-DX files often do not.
    """

    has_references: ClassVar[bool] = False

    def __init__(
        self, *, input: str, evidence: Literal["exact", "soft"] | None = None, formula: str | None = None
    ) -> None:
        self._input = input
        self._defaults = {
            name: value for name, value in (("evidence", evidence), ("formula", formula)) if value is not None
        }
        self._spectra: dict[str, Spectrum] = {}

    def problems(self) -> list[Problem]:
        """One problem for each spectrum of the file; those that cannot be read carry their error.

        Raises:
            DataError: no file is given, or not a single spectrum of it can be read; names file, spectrum and field.
        """
        from treewright_chemistry.data_paths import existing_file

        if not self._input:
            raise DataError("task.input: no file is given\n    give --input FILE, or --input - for standard input")
        path = existing_file(self._input, "task.input")
        self._spectra = {}
        problems = [self._problem(path, name, entry) for name, entry in _named(_entries(path))]
        if not self._spectra:
            raise DataError("\n".join(str(problem.error) for problem in problems))
        return problems

    def _title(self) -> str:
        """What the page is called: as the only spectrum of the file, else as the file."""
        if len(self._spectra) == 1:
            [name] = self._spectra
            if not name.isdigit():  # a number is not a name that the file gave
                return name
        return Path(self._input).name

    def _problem(self, path: Path, name: str, entry: Entry) -> Problem:
        from treewright_chemistry.spectrum_codec import SpectrumCodec

        codec = SpectrumCodec()
        error = entry.error
        if not error:
            try:
                spectrum = codec.decode({**self._defaults, **entry.payload})
                self._spectra[name] = replace(spectrum, warnings=(*spectrum.warnings, *entry.notes))
                return Problem(name, codec.encode(spectrum), {"formula": str(spectrum.formula)})
            except ChemistryError as raised:
                error = f"{raised}{_settable(raised, entry)}"
        return Problem(name, None, error=f"{path}: spectrum {name}: {error}")

    def extract(self, trajectory: Trajectory) -> JSON:
        """The structure that a trajectory ends with."""
        from treewright_chemistry.grading import answer_of

        return answer_of(trajectory)

    def canonical(self, answer: JSON) -> Hashable:
        """Answers are canonical SMILES already."""
        return str(answer)

    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        """There is nothing to compare with."""
        return Verdict(None)

    def present(self, records: Sequence[Any], folder: Path) -> str:
        """The ranked structures and the shifts of the first, as text; a page with drawings beside it."""
        from treewright_chemistry.elucidation_text import ranking, unread
        from treewright_chemistry.report_page import Shown, write_page

        shown = {each.id: Shown(each, self._spectra[each.id]) for each in records if each.id in self._spectra}
        texts = [ranking(shown[each.id]) if each.id in shown else unread(each) for each in records]
        if not shown:
            return "\n\n".join(texts)
        page = write_page(folder / "report.html", self._title(), list(shown.values()))
        return "\n\n".join([*texts, f"page with drawings: {page}"])


def _entries(path: Path) -> list[Entry]:
    from treewright_chemistry.spectrum_input import read_entries

    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path}: larger than {MOST_BYTES:,} bytes; give picked peaks, not raw spectra")
    try:
        return read_entries(path.read_bytes())
    except ChemistryError as error:
        raise DataError(f"{path}: {error}") from error


def _named(entries: Sequence[Entry]) -> Iterator[tuple[str, Entry]]:
    """Each entry with a name of its own: the file's, or its number; a name that is taken gets the number too."""
    taken: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        name = " ".join(entry.name.split()) or str(number)
        while name in taken:
            name = f"{name} ({number})"
        taken.add(name)
        yield name, entry


def _settable(error: ChemistryError, entry: Entry) -> str:
    """How to say on the command line what a file leaves out."""
    if error.field == "evidence" and "evidence" not in entry.payload:
        return " Or for the whole file: --set task.evidence=soft"
    if error.field == "formula" and "formula" not in entry.payload:
        return " Or for the whole file: --set task.formula=C8H8O3"
    return ""
