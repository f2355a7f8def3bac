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
    def is_judged(self) -> bool:
        """Whether there is a reference or any label."""
        return self.reference is not None or any(sample.correct is not None for sample in self.samples)


def known(recorded: RecordedProblem) -> Known:
    """The problem with its samples' answers: the stored ones, or those that the texts name if none is stored."""
    stored = any(sample.answer is not None for sample in recorded.samples)
    answers = (s.answer if stored else find_answer(s.text, STYLES) for s in recorded.samples)
    return Known(recorded.reference, recorded.samples, tuple(answers))


class Judge:
    """Labels answers: by what is stored, or by math-verify.

    Args:
        labels: ``stored`` asks math-verify only about samples without a label.
        grader: compares with references.
    """

    def __init__(self, labels: Labels, grader: Grader) -> None:
        self._stored = labels == "stored"
        self._grader = grader

    def label(self, problem: Known, answer: str) -> bool | None:
        """Of an answer: as the first sample that gives it and has a label; ``None`` if nothing tells."""
        if self._stored:
            for sample, given in zip(problem.samples, problem.answers, strict=True):
                if given == answer and sample.correct is not None:
                    return sample.correct
        return None if problem.reference is None else self._grader.compare(problem.reference, answer).equal

    def judged(self, problems: Sequence[Known], key_of: Callable[[str], Hashable]) -> list[list[Judged]]:
        """The problems' samples with their labels; problems of which nothing tells are left out."""
        self._ask_in_one_go(problems)
        return [found for found in (self._judged(problem, key_of) for problem in problems) if found]

    def _judged(self, problem: Known, key_of: Callable[[str], Hashable]) -> list[Judged]:
        judged: list[Judged] = []
        if not problem.is_judged:
            return judged
        for sample, answer in zip(problem.samples, problem.answers, strict=True):
            label = self._of_sample(problem, sample, answer)
            if label is None:
                return []
            judged.append(Judged(None if answer is None else key_of(answer), label, sample.score))
        return judged

    def _of_sample(self, problem: Known, sample: Sample, answer: str | None) -> bool | None:
        if self._stored and sample.correct is not None:
            return sample.correct
        return False if answer is None else self.label(problem, answer)

    def _ask_in_one_go(self, problems: Sequence[Known]) -> None:
        """The grader remembers; a batch costs less than its answers one by one."""
        pairs = [
            (problem.reference, answer)
            for problem in problems
            for sample, answer in zip(problem.samples, problem.answers, strict=True)
            if problem.reference is not None and answer is not None
            if not (self._stored and sample.correct is not None)
        ]
        self._grader.compare_all(pairs)
