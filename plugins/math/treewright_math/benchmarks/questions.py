"""Questions of one's own: any mathematics, with references or without."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from treewright.run.intervals import proportion
from treewright_math.answers.extraction import MARKED, Style
from treewright_math.benchmarks.answer_task import AnswerTask, Exercise, answer_in
from treewright_math.data_files.asked import asked
from treewright_math.data_files.fields import RowFault
from treewright_math.data_files.question_rows import question_rows
from treewright_math.data_files.references import REFERENCES, reference_of
from treewright_math.data_files.rows import Row
from treewright_registry import JSON, DataError, Problem, Trajectory


class Questions(AnswerTask):
    r"""Questions from a file; graded where a reference stands beside them.

    A row has ``question`` (or ``problem``, ``prompt``: a text, or a chat, of which the user's last message counts) and
    perhaps ``id`` and ``answer``; a line of plain text is a question. An answer is the last ``\boxed{…}`` of a
    solution, what follows ``####``, or "the answer is". The accuracy is over the rows that say what is right: a row
    that cannot be read, or whose problem failed, counts as wrong if it has a reference, else not at all.

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
        self._faulty: set[str] = set()  # rows that have a reference and cannot be used

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
        return Exercise(asked(fields), reference, {})

    def extract(self, trajectory: Trajectory) -> JSON:
        """The answer that the solution's text ends with; ``None`` if it names none."""
        styles: Sequence[Style] = (*MARKED, "number") if self._numeric else MARKED
        return answer_in(trajectory.text, styles, self._numeric)

    def metrics(self, records: Sequence[Any]) -> dict[str, Any]:
        """The accuracy over the questions of which a reference is given, read or not."""
        right = [bool(record.correct) for record in records if self._says_what_is_right(record.id)]
        return {"accuracy": proportion(right)} if right else {}

    def _says_what_is_right(self, problem_id: str) -> bool:
        exercise = self._exercises.get(problem_id)
        return problem_id in self._faulty if exercise is None else exercise.reference is not None

    def _problem(self, row: Row) -> Problem:
        problem = super()._problem(row)
        if problem.error is not None and any(row.fields.get(name) not in (None, "", []) for name in REFERENCES):
            self._faulty.add(problem.id)
        return problem

    def _read(self) -> Iterator[Row]:
        if not self._path:
            raise DataError("task.input: no file is given\n    give --input FILE, or --input - for standard input")
        return question_rows(self._path, field=self._field, split=self._split, subset=self._subset)
