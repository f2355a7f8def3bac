"""A task over given solutions with labelled steps: the base of ProcessBench, PRMBench and MR-GSM8K."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, NamedTuple, TypeAlias

from treewright_math.data_files.fault_summary import fault_summary
from treewright_math.data_files.fields import ID, RowFault, first_of
from treewright_math.data_files.rows import Row, read_rows
from treewright_math.verification import given_steps, recorded_step_scores
from treewright_math.verification.first_error import NONE, Graded, best_threshold, figures, first_error
from treewright_math.verification.judge_steps import KEY as SCORES
from treewright_math.verification.judge_steps import step_scores_of
from treewright_registry import JSON, DataError, Problem, Trajectory, Verdict


class GivenSolution(NamedTuple):
    """A solution whose steps are labelled.

    Attributes:
        question: the problem's text.
        steps: at least one.
        wrong: numbers of its wrong steps, from 0, ascending; of most sets the first one only.
        facts: public facts beside it (who wrote it).
        stored_scores: a reward model's scores of the steps that come with the set, if any.
        kind: the class that the set sorts it into, if any.
        origin: names the solution that it was made from by a change, and that solution itself; empty if there is none.
    """

    question: str
    steps: tuple[str, ...]
    wrong: tuple[int, ...]
    facts: Mapping[str, JSON]
    stored_scores: tuple[float, ...] = ()
    kind: str = ""
    origin: str = ""

    @property
    def label(self) -> int:
        """The first wrong step, −1 if none is wrong."""
        return self.wrong[0] if self.wrong else NONE


Pair: TypeAlias = tuple[GivenSolution, Sequence[float] | None]
"""A solution and the scores of its steps, ``None`` where scoring failed."""


class StepTask(ABC):
    """Given solutions; the answer is one score for each step, the prediction the first one below a threshold.

    With ``tuning`` above 0 the threshold is also chosen on that share of the problems, by hash of the problem's text,
    and measured on the others: figures ``tuned_…``. All solutions of one problem fall on the same side.
    """

    name: ClassVar[str]

    def __init__(self, path: str, split: str, subset: str, limit: int | None, threshold: float, tuning: float) -> None:
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        if not 0 <= tuning < 1:
            raise ValueError(f"tuning must be in [0, 1), not {tuning}")
        self._path, self._split, self._subset, self._limit = path, split, subset, limit
        self._threshold, self._tuning = threshold, tuning
        self._solutions: dict[str, GivenSolution] = {}

    @abstractmethod
    def solution(self, fields: Mapping[str, Any]) -> GivenSolution:
        """The solution that a row's fields tell.

        Raises:
            RowFault: a field is missing or wrong.
        """

    def problems(self) -> list[Problem]:
        """All solutions, in the file's order; this is where their labels are loaded.

        Raises:
            DataError: the file cannot be read, or not a single row of it can be used.
        """
        self._solutions = {}
        rows = read_rows(self._path, split=self._split, subset=self._subset)
        problems = [problem for row in islice(rows, self._limit) for problem in self._problems_of(row)]
        if problems and not self._solutions:
            raise DataError(fault_summary(str(problem.error) for problem in problems))
        return problems

    def extract(self, trajectory: Trajectory) -> JSON:
        """The step scores that the search ``math/judge-steps`` ends with."""
        scores = step_scores_of(trajectory)
        return None if scores is None else {SCORES: scores}

    def canonical(self, answer: JSON) -> Hashable:
        """The answer as text."""
        return json.dumps(answer, sort_keys=True)

    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        """Whether the first step below the threshold is the first wrong one.

        Raises:
            DataError: no problem has this id.
        """
        label, scores = self._solution(problem_id).label, _scores(answer)
        if scores is None:
            return Verdict(False)
        return Verdict(first_error(scores, self._threshold) == label)

    def metrics(self, records: Sequence[Any]) -> dict[str, Any]:
        """The figures of the set; those at a chosen threshold are of the part that it was not chosen on."""
        pairs = [(self._solutions[each.id], _scores(each.answer)) for each in records if each.id in self._solutions]
        found = self._figures(pairs, self._threshold, "")
        tuning = [pair for pair in pairs if self._is_tuning(pair[0])]
        others = [pair for pair in pairs if not self._is_tuning(pair[0])]
        if tuning and others:
            threshold = self._best_threshold(tuning)
            found["tuned_threshold"] = {"value": threshold, "low": threshold, "high": threshold, "n": len(tuning)}
            found.update(self._figures(others, threshold, "tuned_"))
        return found

    def _best_threshold(self, pairs: Sequence[Pair]) -> float:
        """The threshold that the set's headline figure likes best; ProcessBench's, if a set does not say otherwise."""
        return best_threshold([Graded(solution.label, scores) for solution, scores in pairs])

    def _figures(self, pairs: Sequence[Pair], threshold: float, prefix: str) -> dict[str, Any]:
        """What the set measures; ProcessBench's figures, if a set does not say otherwise."""
        return figures([Graded(solution.label, scores) for solution, scores in pairs], threshold, prefix)

    def _is_tuning(self, solution: GivenSolution) -> bool:
        digest = hashlib.blake2b(" ".join(solution.question.split()).encode(errors="surrogatepass"), digest_size=8)
        return int.from_bytes(digest.digest(), "big") < self._tuning * 2**64

    def _solution(self, problem_id: str) -> GivenSolution:
        if problem_id not in self._solutions:
            raise DataError(f"there is no problem '{problem_id}' in this task")
        return self._solutions[problem_id]

    def _problems_of(self, row: Row) -> Iterable[Problem]:
        """The problems that a row makes: one, if a set does not say otherwise."""
        return [self._problem(row)]

    def _problem(self, row: Row) -> Problem:
        number = f"{self.name}-{row.number}"
        if row.fault is not None:
            return Problem(number, None, error=row.fault)
        try:
            solution = self.solution(row.fields)
        except RowFault as fault:
            return Problem(number, None, error=f"{row.place}: {fault}")
        named = first_of(row.fields, ID)
        name = number if named is None else str(named)
        return self._added(f"{name} ({number})" if name in self._solutions else name, solution)

    def _added(self, name: str, solution: GivenSolution) -> Problem:
        """The solution as a problem; its labels stay here."""
        self._solutions[name] = solution
        facts: dict[str, JSON] = {**solution.facts, given_steps.KEY: list(solution.steps)}
        if solution.stored_scores:
            facts[recorded_step_scores.KEY] = list(solution.stored_scores)
        return Problem(name, solution.question, facts)


def _scores(answer: JSON) -> list[float] | None:
    scores: Any = answer.get(SCORES) if isinstance(answer, Mapping) else None
    return None if scores is None else [float(score) for score in scores]
