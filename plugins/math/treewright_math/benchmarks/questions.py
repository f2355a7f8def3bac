"""Questions of one's own: any mathematics, with references or without."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from treewright_math.answers.extraction import MARKED, Style
from treewright_math.benchmarks.answer_task import AnswerTask, Exercise, answer_in
from treewright_math.data_files.fields import PROBLEM, RowFault, text_of
from treewright_math.data_files.question_rows import question_rows
from treewright_math.data_files.references import reference_of
from treewright_math.data_files.rows import Row
from treewright_registry import JSON, DataError, Trajectory


class Questions(AnswerTask):
    r"""Questions from a file; graded where a reference stands beside them.

    A row has ``question`` (or ``problem``, ``prompt``) and perhaps ``id`` and ``answer``; a line of plain text is a
    question. An answer is the last ``\boxed{…}`` of a solution, what follows ``####``, or "the answer is".

    Args:
        input: the file (``--input FILE``, or ``--input -`` for standard input): JSON Lines, JSON, or plain text with a
            question on each line; plain or gzip.
        path: the same by another name, for data with references: also a data set of the Hugging Face hub.
        answers: ``number``: an answer is the number in it, and where a solution marks none its last number counts.
        split: which part; for ``{split}`` in a path too.
        subset: the data set's configuration on the hub.
        limit: the first so many rows only.
        deadline: seconds that math-verify may take for one answer.
    """

    name: ClassVar[str] = "question"

    def __init__(
        self,
        *,
        input: str = "",
        path: str = "",
        answers: Literal["any", "number"] = "any",
        split: str = "test",
        subset: str = "",
        limit: int | None = None,
        deadline: float = 5.0,
    ) -> None:
        if input and path:
            raise ValueError("input and path are two names of one file; give one of them")
        super().__init__(input or path, split, subset, limit, deadline)
        self._field = "task.path" if path else "task.input"
        self._numeric = answers == "number"

    @property
    def has_references(self) -> bool:
        """Whether any question has a reference; without that a run has no accuracy."""
        return not self._exercises or any(each.reference is not None for each in self._exercises.values())

    def exercise(self, fields: Mapping[str, Any]) -> Exercise:
        """The question that a row asks."""
        try:
            reference = reference_of(fields)
        except RowFault as fault:
            raise RowFault(f"{fault}; leave it out where there is no reference") from None
        return Exercise(text_of(fields, PROBLEM), reference, {})

    def extract(self, trajectory: Trajectory) -> JSON:
        """The answer that the solution's text ends with; ``None`` if it names none."""
        styles: Sequence[Style] = (*MARKED, "number") if self._numeric else MARKED
        return answer_in(trajectory.text, styles, self._numeric)

    def _read(self) -> Iterator[Row]:
        if not self._path:
            raise DataError("task.input: no file is given\n    give --input FILE, or --input - for standard input")
        return question_rows(self._path, field=self._field, split=self._split, subset=self._subset)
