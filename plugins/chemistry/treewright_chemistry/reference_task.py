"""A task over spectra whose structures are known: the base of MolPuzzle and of the measured set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treewright_registry import JSON, DataError, Problem, Trajectory, Verdict

if TYPE_CHECKING:
    from treewright_chemistry.spectrum import Spectrum


_MOST_ERRORS = 10


@dataclass(frozen=True, slots=True)
class Case:
    """One molecule of a set: its id, its spectra, its structure (SMILES), and a name if it is known."""

    id: str
    spectrum: Spectrum
    smiles: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """A record of a set that cannot be used: its id, and why."""

    id: str
    error: str


class ReferenceTask(ABC):
    """Yields spectra, keeps the structures to itself, grades by constitution."""

    source: str = ""
    """Where the spectra come from and under which licence, for those who see them quoted; empty to say nothing."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}

    @abstractmethod
    def cases(self) -> Iterator[Case | Unread]:
        """All molecules, in order, and in their places the records that cannot be used.

        Raises:
            DataError: the whole set cannot be read; the text names the file.
        """

    def problems(self) -> list[Problem]:
        """All spectra; this is where the structures are loaded. A record that cannot be used carries its error.

        Raises:
            DataError: not a single record can be used.
        """
        self._cases = {}
        problems = [self._problem(case) for case in self.cases()]
        if problems and not self._cases:
            raise DataError("\n".join(str(problem.error) for problem in problems[:_MOST_ERRORS]))
        return problems

    def _problem(self, case: Case | Unread) -> Problem:
        from treewright_chemistry.spectrum_codec import SpectrumCodec

        if isinstance(case, Unread):
            return Problem(case.id, None, error=case.error)
        name, number = case.id, 1
        while name in self._cases:  # MolPuzzle calls four records "None"
            number += 1
            name = f"{case.id} ({number})"
        self._cases[name] = case
        spectrum = case.spectrum
        return Problem(name, SpectrumCodec().encode(spectrum), {"formula": str(spectrum.formula)})

    def extract(self, trajectory: Trajectory) -> JSON:
        """The structure that a trajectory ends with."""
        from treewright_chemistry.grading import answer_of

        return answer_of(trajectory)

    def canonical(self, answer: JSON) -> Hashable:
        """Answers are canonical SMILES already."""
        return str(answer)

    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        """Exact constitution, with similarities as metrics."""
        from treewright_chemistry.grading import compare

        return compare(answer, self._case(problem_id).smiles)

    def place(self, problem_id: str, answers: Sequence[JSON]) -> dict[str, Any]:
        """Whether the truth is among all structures that were proposed to the search, and where."""
        from treewright_chemistry.outcomes import placed

        return placed(answers, self._case(problem_id).smiles)

    def metrics(self, records: Sequence[Any]) -> dict[str, Any]:
        """Top-k, found-rate, rank given found, and the wrong ones by outcome."""
        from treewright_chemistry.outcomes import outcomes

        return outcomes(records)

    def present(self, records: Sequence[Any], folder: Path) -> str:
        """A table of verdicts, and whose spectra they are; a page with drawings and shifts beside it."""
        from treewright_chemistry.elucidation_text import unread, verdicts
        from treewright_chemistry.report_page import Shown, write_page

        known = [(record, self._cases[record.id]) for record in records if record.id in self._cases]
        texts = [unread(record) for record in records if record.id not in self._cases]
        if known:
            shown = [Shown(record, case.spectrum, case.name, case.smiles) for record, case in known]
            texts.insert(0, verdicts(shown))
            if self.source:
                texts.insert(1, f"source: {self.source}")
            page = write_page(folder / "report.html", "Structure elucidation", shown, self.source)
            texts.append(f"page with drawings: {page}")
        return "\n\n".join(texts)

    def _case(self, problem_id: str) -> Case:
        if problem_id not in self._cases:
            raise DataError(f"problem '{problem_id}' is not of this task")
        return self._cases[problem_id]
