"""Task ``math/recorded``: problems with stored solutions, graded by their stored labels or by math-verify."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from treewright.run.intervals import proportion
from treewright_math.answers.canonical import canonical_answer
from treewright_math.answers.extraction import find_answer
from treewright_math.data_files.fault_summary import fault_summary
from treewright_math.data_files.fields import RowFault
from treewright_math.data_files.rows import read_rows
from treewright_math.grading.grader import Grader
from treewright_math.recorded.chosen_sample import ChosenSample, chosen_sample
from treewright_math.recorded.judging import STYLES, Judge, Known, Labels, known
from treewright_math.recorded.layouts import RecordedProblem
from treewright_math.recorded.sample_counts import sample_counts
from treewright_math.recorded.samples import KEY, as_metadata, replayed_index
from treewright_math.recorded.selections import Judged, selections
from treewright_math.recorded.stored_problems import Stored, stored_problems
from treewright_registry import JSON, DataError, Problem, Trajectory, Verdict

Equality: TypeAlias = Literal["string", "canonical"]

EXAMPLE = "treewright_math:recorded/example.jsonl"
"""Three problems with a few solutions each, made up for this purpose."""


class RecordedTask:
    """Stored solutions of any models, to be selected from.

    Samples travel with the problem, their labels do not. An answer is ``{"answer": …, "sample": …}``: what was chosen,
    and which of the problem's samples it is, from 1; it is graded as that sample.

    ``summary.json`` has, beside the accuracy of this run's own selection, what the common selections make of *all*
    stored samples: ``pass_at_1``, ``pass_at_2`` …, ``majority``, ``best`` and ``weighted_vote`` (by stored rewards),
    ``oracle``; ``curves.json`` has them by the number of samples.
    Votes break ties by the order of the file. A row that cannot be read counts as wrong in all of these and in the
    accuracy; a problem without a reference of which not all samples have labels is in none.

    Args:
        path: JSON Lines or JSON, plain or gzip, in one of the layouts of ``treewright_math.recorded.layouts``; a
            line that cannot be read is a failed problem. By default three made-up problems that come with the plugin.
        labels: ``stored`` trusts the labels in the file where a sample has one; ``math-verify`` compares every
            answer with the reference.
        equality: when two answers are the same one in a vote: equal as ``string``, or in ``canonical`` form.
        models: only samples of these models; empty for all.
        limit: the first so many problems only.
        deadline: seconds that math-verify may take for one answer.
    """

    def __init__(
        self,
        *,
        path: str = EXAMPLE,
        labels: Labels = "stored",
        equality: Equality = "string",
        models: tuple[str, ...] = (),
        limit: int | None = None,
        deadline: float = 5.0,
    ) -> None:
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        self._path, self._limit = path, limit
        self._equality, self._models = equality, frozenset(models)
        self._grader = Grader(deadline=deadline)
        self._judge = Judge(labels, self._grader)
        self._known: dict[str, Known] = {}

    @property
    def has_references(self) -> bool:
        """Whether anything tells right from wrong; without that a run has no accuracy."""
        return not self._known or any(map(self._judge.knows, self._known.values()))

    def problems(self) -> list[Problem]:
        """All problems, in the file's order; this is where references and labels are loaded.

        Raises:
            DataError: the file cannot be read, not a single row of it can be used, or it has no sample of one of the
                models.
        """
        self._known = {}
        stored = stored_problems(read_rows(self._path))
        self._check_models(stored)
        problems = [self._problem(each) for each in stored[: self._limit]]
        if problems and not self._known:
            raise DataError(fault_summary(str(problem.error) for problem in problems))
        return problems

    def extract(self, trajectory: Trajectory) -> JSON:
        """The replayed sample with its answer: the stored one; where none is stored, the one that its text names."""
        index = replayed_index(trajectory)
        samples: Sequence[Mapping[str, Any]] = trajectory.problem.metadata.get(KEY) or ()
        if index is None or all(sample["answer"] is None for sample in samples):
            answer = find_answer(trajectory.text, STYLES)
            return None if answer is None and index is None else ChosenSample(answer, index).as_json()
        return ChosenSample(samples[index]["answer"], index).as_json()

    def canonical(self, answer: JSON) -> Hashable:
        """The answer as it is, or its one spelling (option ``equality``), whichever sample gives it."""
        text = chosen_sample(answer, 0).answer
        return None if text is None else self._key(text)

    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        """The label of the chosen sample; of an answer alone the stored label, or what math-verify finds.

        Raises:
            DataError: no problem has this id.
        """
        if problem_id not in self._known:
            raise DataError(f"there is no problem '{problem_id}' in this task")
        problem = self._known[problem_id]
        chosen = chosen_sample(answer, len(problem.samples))
        metrics = {"answered": chosen.answer is not None}
        return Verdict(self._label(problem, chosen) if self._judge.knows(problem) else None, metrics)

    def place(self, problem_id: str, answers: Sequence[JSON]) -> dict[str, Any]:
        """``found``: whether a right sample is among those that the search drew.

        Of equal answers one is given here for all. If their labels differ, the stored samples with this answer count.
        """
        problem = self._known[problem_id]
        if not self._judge.knows(problem):
            return {}
        drawn = [chosen_sample(answer, len(problem.samples)) for answer in answers]
        keys = {self._key(each.answer) for each in drawn if each.answer is not None}
        meant = {each.position for each in drawn if each.position is not None}
        meant |= {n for n, answer in enumerate(problem.answers) if answer is not None and self._key(answer) in keys}
        others = any(self._label(problem, each) for each in drawn if each.position is None)
        return {"found": others or any(self._judge.labels(problem, sorted(meant)))}

    def metrics(self, records: Sequence[Any]) -> dict[str, Any]:
        """The common selections, over all stored samples of the run's problems; nothing without any labels.

        ``found`` has their denominator. Counts of samples are over all problems that could be read.
        """
        counts = sample_counts([self._known[record.id] for record in self._usable(records)])
        judged = self._judged(records)
        if not any(judged):
            return dict(counts)
        graded = [record for record in records if record.correct is not None or record.error is not None]
        found = proportion([bool(record.metrics.get("found")) for record in graded])
        return {**selections(judged), "found": found, **counts}

    def present(self, records: Sequence[Any], folder: Path) -> str:
        """The common selections and their curves in a few lines; the curves as ``curves.json`` too."""
        from treewright_math.recorded.presentation import presented  # numpy, which reading and grading do not need

        problems = [self._known[each.id] for each in self._usable(records)]
        ungraded = [problem for problem in problems if not self._judge.knows(problem)]
        return presented(self._judged(records), problems, ungraded, folder)

    def close(self) -> None:
        """End the grading worker."""
        self._grader.close()

    def _key(self, answer: str) -> str:
        return answer if self._equality == "string" else canonical_answer(answer)

    def _label(self, problem: Known, chosen: ChosenSample) -> bool | None:
        if chosen.position is not None:
            return self._judge.of_sample(problem, chosen.position)
        return False if chosen.answer is None else self._judge.of_answer(problem, chosen.answer)

    def _usable(self, records: Sequence[Any]) -> list[Any]:
        return [record for record in records if record.id in self._known]

    def _judged(self, records: Sequence[Any]) -> list[list[Judged]]:
        """The samples of each problem that can be judged; of a row that could not be read, none."""
        usable = self._usable(records)
        judged = self._judge.judged([self._known[record.id] for record in usable], self._key)
        return [*judged, *([] for _ in range(len(records) - len(usable)))]

    def _problem(self, stored: Stored) -> Problem:
        if stored.problem is None:
            return Problem(stored.name, None, error=stored.fault)
        try:
            recorded = self._of_models(stored.problem)
        except RowFault as fault:
            return Problem(stored.name, None, error=str(fault))
        self._known[stored.name] = known(recorded)
        return Problem(stored.name, recorded.prompt, as_metadata(recorded.samples))

    def _of_models(self, recorded: RecordedProblem) -> RecordedProblem:
        if not self._models:
            return recorded
        samples = tuple(sample for sample in recorded.samples if sample.model in self._models)
        if not samples:
            raise RowFault(f"no sample of this problem is by any of the models {', '.join(sorted(self._models))}")
        return recorded._replace(samples=samples)

    def _check_models(self, stored: Sequence[Stored]) -> None:
        """Refuse models of which the file has nothing at all."""
        there = {sample.model for each in stored if each.problem for sample in each.problem.samples}
        unknown = sorted(self._models - there)
        if unknown and there:
            named = ", ".join(sorted(filter(None, there))) or "no names of models"
            raise DataError(f"task.models: no sample is by {', '.join(unknown)}\n    the file has: {named}")
