"""What the grading instance knows of recorded problems: answers, labels, references."""

from collections.abc import Callable, Hashable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from treewright_math.answers.extraction import Style, find_answer
from treewright_math.grading.grader import Grader
from treewright_math.recorded.layouts import RecordedProblem
from treewright_math.recorded.samples import Sample
from treewright_math.recorded.selections import Judged

Labels: TypeAlias = Literal["stored", "math-verify"]

STYLES: tuple[Style, ...] = ("boxed", "hashes", "announced", "number")
"""How an answer is found in a text where none is stored beside it."""


class Known(NamedTuple):
    """A problem with everything that grading it takes.

    Attributes:
        reference: the right answer, ``None`` where it is not stored.
        samples: all of them.
        answers: one for each sample, ``None`` where it has none.
    """

    reference: str | None
    samples: tuple[Sample, ...]
    answers: tuple[str | None, ...]

    @property
    def has_labels(self) -> bool:
        """Whether any sample has a label."""
        return any(sample.correct is not None for sample in self.samples)


def known(recorded: RecordedProblem) -> Known:
    """The problem with its samples' answers: the stored ones, or those that the texts name if none is stored."""
    stored = any(sample.answer is not None for sample in recorded.samples)
    answers = (s.answer if stored else find_answer(s.text, STYLES) for s in recorded.samples)
    return Known(recorded.reference, recorded.samples, tuple(answers))


class Judge:
    """Labels samples: by what is stored, or by math-verify.

    A problem is judged if all its samples can be labelled, else not at all: a share of its samples would be another
    figure for each selection.

    Args:
        labels: ``stored`` asks math-verify only about samples without a label.
        grader: compares with references.
    """

    def __init__(self, labels: Labels, grader: Grader) -> None:
        self._stored = labels == "stored"
        self._grader = grader

    def knows(self, problem: Known) -> bool:
        """Whether each sample of the problem can be labelled; no answer is compared to find out."""
        if problem.reference is not None:
            return True
        numbers = range(len(problem.samples))
        return problem.has_labels and all(self.of_sample(problem, number) is not None for number in numbers)

    def of_sample(self, problem: Known, number: int) -> bool | None:
        """The label of a sample (from 0); ``None`` if nothing tells."""
        sample, answer = problem.samples[number], problem.answers[number]
        if self._stored and sample.correct is not None:
            return sample.correct
        if answer is not None:
            return self.of_answer(problem, answer)
        return False if problem.reference is not None or not sample.text.strip() else None

    def of_answer(self, problem: Known, answer: str) -> bool | None:
        """Of an answer without a label of its own: as the first sample that gives it and has one; else as compared."""
        if self._stored:
            for sample, given in zip(problem.samples, problem.answers, strict=True):
                if given == answer and sample.correct is not None:
                    return sample.correct
        return None if problem.reference is None else self._grader.compare(problem.reference, answer).equal

    def labels(self, problem: Known, numbers: Sequence[int]) -> list[bool]:
        """The labels of some samples of a problem that is judged."""
        self._ask_in_one_go([(problem, numbers)])
        return [bool(self.of_sample(problem, number)) for number in numbers]

    def judged(self, problems: Sequence[Known], key_of: Callable[[str], Hashable]) -> list[list[Judged]]:
        """The problems' samples with their labels; problems that cannot be judged are left out."""
        these = [problem for problem in problems if self.knows(problem)]
        self._ask_in_one_go([(problem, range(len(problem.samples))) for problem in these])
        return [self._judged(problem, key_of) for problem in these]

    def _judged(self, problem: Known, key_of: Callable[[str], Hashable]) -> list[Judged]:
        return [
            Judged(None if answer is None else key_of(answer), bool(self.of_sample(problem, number)), sample.score)
            for number, (sample, answer) in enumerate(zip(problem.samples, problem.answers, strict=True))
        ]

    def _ask_in_one_go(self, wanted: Sequence[tuple[Known, Sequence[int]]]) -> None:
        """The grader remembers; a batch costs less than its answers one by one."""
        pairs = []
        for problem, numbers in wanted:
            for number in numbers:
                answer, labelled = problem.answers[number], problem.samples[number].correct is not None
                if problem.reference is not None and answer is not None and not (self._stored and labelled):
                    pairs.append((problem.reference, answer))
        self._grader.compare_all(pairs)
