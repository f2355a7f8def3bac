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


@dataclass(frozen=True, slots=True)
class Case:
    """One molecule of a set: its id, its spectra, its structure (SMILES), and a name if it is known."""

    id: str
    spectrum: Spectrum
    smiles: str
    name: str = ""


class ReferenceTask(ABC):
    """Yields spectra, keeps the structures to itself, grades by constitution."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}

    @abstractmethod
    def cases(self) -> Iterator[Case]:
        """All molecules, in order.

        Raises:
            ChemistryError, DataError: a record cannot be used; the text names file and record.
        """

    def problems(self) -> list[Problem]:
        """All spectra; this is where the structures are loaded."""
        from treewright_chemistry.spectrum_codec import SpectrumCodec

        self._cases = {case.id: case for case in self.cases()}
        codec = SpectrumCodec()
        return [
            Problem(case.id, codec.encode(case.spectrum), {"formula": str(case.spectrum.formula)})
            for case in self._cases.values()
        ]

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

    def metrics(self, records: Sequence[Any]) -> dict[str, Any]:
        """Top-k, and the wrong ones by outcome: outranked or not found."""
        from treewright_chemistry.grading import outcomes

        truths = {record.id: self._case(record.id).smiles for record in records}
        return outcomes(records, truths, {record.id: self._truth_score(record.id) for record in records})

    def present(self, records: Sequence[Any], folder: Path) -> str:
        """A table of verdicts; a page with drawings and shifts beside it."""
        from treewright_chemistry.elucidation_text import verdicts
        from treewright_chemistry.report_page import Shown, write_page

        cases = [self._case(record.id) for record in records]
        shown = [
            Shown(record, case.spectrum, case.name, case.smiles) for record, case in zip(records, cases, strict=True)
        ]
        page = write_page(folder / "report.html", "Structure elucidation", shown)
        table = verdicts(shown, [case.name or case.id for case in cases])
        return f"{table}\n\npage with drawings: {page}"

    def _truth_score(self, problem_id: str) -> float:
        from treewright_chemistry.cosine_part import cosine_part
        from treewright_chemistry.likelihood import SpectrumFit
        from treewright_chemistry.shifts import ShiftTables
        from treewright_chemistry.structures import constitution, parse_structure

        case = self._case(problem_id)
        truth = parse_structure(constitution(parse_structure(case.smiles)))
        cosine = cosine_part("auto", case.spectrum.evidence)  # as chemistry/spectrum-fit scores by default
        return float(SpectrumFit(case.spectrum, ShiftTables.load(), cosine=cosine).score_many([truth])[0])

    def _case(self, problem_id: str) -> Case:
        if problem_id not in self._cases:
            raise DataError(f"problem '{problem_id}' is not of this task")
        return self._cases[problem_id]
