"""A task whose answers are graded by math-verify: the base of all benchmarks of final answers."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from treewright_math.answers.canonical import canonical_answer
from treewright_math.answers.extraction import MARKED, Style, find_answer, number_of_answer
from treewright_math.answers.plain_numbers import plain_number
from treewright_math.data_files.fault_summary import fault_summary
from treewright_math.data_files.fields import ID, RowFault, first_of
from treewright_math.data_files.rows import Row, read_rows
from treewright_math.grading.grader import Grader
from treewright_registry import JSON, DataError, Problem, Trajectory, Verdict


class Exercise(NamedTuple):
    """A problem with its reference answer, as a row tells it.

    Attributes:
        prompt: the problem's text, nothing else.
        reference: the right answer, ``None`` if the row has none.
        metadata: public facts (subject, level).
        id: the row's own name, ``None`` for its number.
        tolerance: how far a number may lie from the reference.
    """

    prompt: str
    reference: str | None
    metadata: Mapping[str, JSON]
    id: str | None = None
    tolerance: float | None = None


class AnswerTask(ABC):
    """Problems of a file, answers found in solutions' texts, grading in a worker process.

    Class attributes:
        name: begins the ids of problems without one of their own.
        styles: how an answer is found, the first that finds one.
        numeric: whether answers are numbers: the number is then taken out of "18 dollars".
    """

    name: ClassVar[str]
    styles: ClassVar[Sequence[Style]] = MARKED
    numeric: ClassVar[bool] = False

    def __init__(self, path: str, split: str, subset: str, limit: int | None, deadline: float) -> None:
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        self._path, self._split, self._subset, self._limit = path, split, subset, limit
        self._grader = Grader(deadline=deadline)
        self._exercises: dict[str, Exercise] = {}

    @abstractmethod
    def exercise(self, fields: Mapping[str, Any]) -> Exercise:
        """The exercise that a row's fields tell.

        Raises:
            RowFault: a field is missing or wrong.
        """

    def problems(self) -> list[Problem]:
        """All problems, in the file's order; this is where the references are loaded.

        A row that cannot be used carries its error.

        Raises:
            DataError: the file cannot be read, or not a single row of it can be used.
        """
        self._exercises = {}
        problems = [self._problem(row) for row in self._rows()]
        if problems and not self._exercises:
            raise DataError(fault_summary(str(problem.error) for problem in problems))
        return problems

    def extract(self, trajectory: Trajectory) -> JSON:
        """The answer that the solution's text ends with; ``None`` if it names none."""
        return answer_in(trajectory.text, self.styles, self.numeric)

    def canonical(self, answer: JSON) -> Hashable:
        """The answer's one spelling; see ``treewright_math.answers.canonical``."""
        return canonical_answer(str(answer))

    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        """Whether math-verify, or a comparison of plain numbers, finds the answer equal to the reference.

        Without a reference nothing is graded.

        Metrics: ``answered``; and ``grading_failed`` where math-verify came to no end.

        Raises:
            DataError: no problem has this id.
        """
        exercise = self._exercise(problem_id)
        if exercise.reference is None:
            return Verdict(None, {"answered": answer is not None})
        if answer is None:
            return Verdict(False, {"answered": False})
        outcome = self._grader.compare(exercise.reference, str(answer))
        failed = outcome.reason is not None
        equal = outcome.equal or _within(exercise, str(answer))
        return Verdict(equal, {"answered": True, "grading_failed": failed})

    def close(self) -> None:
        """End the grading worker."""
        self._grader.close()

    def _exercise(self, problem_id: str) -> Exercise:
        if problem_id not in self._exercises:
            raise DataError(f"there is no problem '{problem_id}' in this task")
        return self._exercises[problem_id]

    def _read(self) -> Iterator[Row]:
        """All rows of the file or the data set."""
        return read_rows(self._path, split=self._split, subset=self._subset)

    def _rows(self) -> Iterator[Row]:
        for count, row in enumerate(self._read()):
            if count == self._limit:
                return
            yield row

    def _problem(self, row: Row) -> Problem:
        named = first_of(row.fields, ID)
        number = f"{self.name}-{row.number}"
        if row.fault is not None:
            return Problem(number, None, error=row.fault)
        try:
            exercise = self.exercise(row.fields)
            _check_letters(exercise.prompt)
        except RowFault as fault:
            return Problem(number, None, error=f"{row.place}: {fault}")
        name = str(exercise.id if exercise.id is not None else number if named is None else named)
        if name in self._exercises:
            name = f"{name} ({number})"
        self._exercises[name] = exercise
        return Problem(name, exercise.prompt, dict(exercise.metadata))


def _check_letters(prompt: str) -> None:
    """A model's tokenizer takes whole letters only.

    Raises:
        RowFault: there is half of one, as an escape that is cut leaves it.
    """
    try:
        prompt.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(prompt[error.start]):04x}"
        raise RowFault(f"letter {error.start + 1} of the problem is {half}, half a letter (a lone surrogate)") from None


def answer_in(text: str, styles: Sequence[Style], numeric: bool) -> str | None:
    """The answer that a solution's text names; the number in it, if answers are ``numeric``."""
    found = find_answer(text, styles)
    if found is None or not numeric or plain_number(canonical_answer(found)) is not None:
        return found
    return number_of_answer(found)


def _within(exercise: Exercise, answer: str) -> bool:
    """Whether the reference allows the answer by its tolerance."""
    if exercise.tolerance is None or exercise.reference is None:
        return False
    first, second = (plain_number(canonical_answer(text)) for text in (exercise.reference, answer))
    return first is not None and second is not None and abs(first - second) <= exercise.tolerance
