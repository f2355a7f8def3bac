"""One structure in the making: what was asked, what came back, and whether it can be used."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from treewright_chemistry.constraints import Constraint, constraints_of
from treewright_chemistry.errors import StructureError
from treewright_chemistry.formula import formula_of
from treewright_chemistry.llm_answers import FoundStructure, read_structure
from treewright_chemistry.llm_facts import formula_difference
from treewright_chemistry.llm_prompts import filled
from treewright_chemistry.unknowns import Unknown
from treewright_registry import ProposeRequest

MOST_CRITIQUE: Final = 4_000
"""Characters of a critique that are shown to the writer."""


@dataclass
class Draft:
    """A structure that a language model is asked for.

    Attributes:
        unknown: whose structure is wanted.
        request: where it was asked for.
        present: the structure to be revised, None for a first draft.
        gate: what becomes of a structure of another formula.
        critique: the reviewer's text.
        evaluations: predictions made for its prompts.
        result: the structure, once there is one.
        complaint: what was wrong with the last answer; empty before the first.
        reason: why there will be no structure.
        answers: how many were read.
    """

    unknown: Unknown
    request: ProposeRequest
    present: FoundStructure | None
    gate: Literal["off", "repair", "refuse"]
    critique: str = ""
    evaluations: int = 0
    result: FoundStructure | None = None
    complaint: str = ""
    reason: str = ""
    answers: int = field(default=0)

    @property
    def wanting(self) -> bool:
        """Whether it is to be asked for, again or for the first time."""
        return self.result is None and not self.reason

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """What the spectra demand."""
        return constraints_of(self.unknown.spectrum)

    def criticised(self, text: str | None) -> None:
        """Take the critique; an absent or empty one ends the draft."""
        if text is None or not text.strip():
            self.reason = "the model gave no critique"
        else:
            self.critique = text.strip()[:MOST_CRITIQUE]

    def asked(self, prompt: str) -> str:
        """The prompt, with the complaint about the last answer if there was one."""
        return filled("repair", prompt=prompt, complaint=self.complaint) if self.complaint else prompt

    def answered(self, text: str | None, *, last: bool) -> None:
        """Read an answer: take it, complain of it, or give up if it is the last one."""
        if text is None:  # the engine has repeated the call already
            self.reason = "the model gave no answer"
            return
        self.answers += 1
        try:
            found = read_structure(text)
        except StructureError as error:
            self._refused(str(error), last)
            return
        doubt = self._doubt(found)
        if not doubt or (last and self._may_stay(found)):
            self.result = found
        else:
            self._refused(doubt, last)

    def _doubt(self, found: FoundStructure) -> str:
        """What speaks against a readable structure."""
        if self.gate != "off" and not self._of_the_formula(found):
            difference = formula_difference(formula_of(found.molecule), self.unknown.spectrum.formula)
            return f"answer: {found.smiles[:200]} has another formula: {difference}."
        if self.present is not None and found.smiles == self.present.smiles:
            return f"answer: {found.smiles[:200]} is the present structure, unchanged."
        return ""

    def _may_stay(self, found: FoundStructure) -> bool:
        """Whether a doubtful structure is better than none; one that was there before is not."""
        unchanged = self.present is not None and found.smiles == self.present.smiles
        return not unchanged and (self.gate != "refuse" or self._of_the_formula(found))

    def _of_the_formula(self, found: FoundStructure) -> bool:
        return formula_of(found.molecule) == self.unknown.spectrum.formula

    def _refused(self, complaint: str, last: bool) -> None:
        self.complaint = complaint
        if last:
            self.reason = f"no usable structure in {self.answers} answers; the last complaint: {complaint}"
