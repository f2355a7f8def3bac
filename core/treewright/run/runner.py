"""Run a pipeline over its task: solve, grade, record, summarise."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from treewright import __version__
from treewright.engine.component_building import build
from treewright.engine.components import journalled_roles
from treewright.engine.journal import holds_answers, prepare_journal, prune_journal
from treewright.engine.local import ListFeed, run_local
from treewright.engine.sharded import run_sharded
from treewright.engine.solving import Solution
from treewright.pipeline import PipelineSpec
from treewright.run.observer import Observer, Silent
from treewright.run.records import Record
from treewright.run.run_folder import RunFolder, TraceFolder, configuration_digest
from treewright.run.summary import summarise
from treewright_registry import ConfigurationError, DataError, Problem, Task

JournalUse: TypeAlias = Literal["keep", "prune", "off"]


def run(
    spec: PipelineSpec,
    filled: str,
    out: Path,
    *,
    workers: int = 1,
    limit: int | None = None,
    resume: bool = False,
    journal: JournalUse = "keep",
    observer: Observer | None = None,
) -> Mapping[str, Any]:
    """Run ``spec`` and write the run folder ``out``.

    Args:
        spec: the pipeline.
        filled: its complete configuration as YAML text, saved with the run.
        out: the run folder; it must not hold a run, unless ``resume``.
        workers: processes; 1 runs everything in this one.
        limit: solve only the first so many problems.
        resume: go on with the run in ``out``: finished problems are kept, failed ones repeated,
            answers of expensive components taken from the journal.
        journal: ``keep`` all answers of expensive components, ``prune`` those of answered problems
            at the end of the run, or ``off``: keep none, pay again after a resume.
        observer: hears of progress.

    Returns:
        The content of ``summary.json``; ``interrupted`` tells of Ctrl-C.

    Raises:
        ConfigurationError: a component cannot be built, or the folder is not to be used.
        DataError: the task cannot read its data, or the folder's files are damaged.
        StorageError: the folder cannot be written to; the run can go on once that is repaired.
    """
    grader: Task = build(spec.task)
    problems = _problems(spec, grader, limit)
    folder = RunFolder(out)
    done = folder.open(filled, resume=resume)
    try:
        kept = None if journal == "off" else _journal(spec, filled, folder, done)
        return _Run(spec, grader, problems, folder, done, kept, journal == "prune", observer or Silent()).go(workers)
    except (ConfigurationError, DataError):
        if not done and not holds_answers(folder.journal):
            folder.undo()
        raise
    finally:
        folder.close()
        if hasattr(grader, "close"):  # a task may hold a process of its own
            grader.close()


def _journal(spec: PipelineSpec, filled: str, folder: RunFolder, done: Mapping[str, Record]) -> Path | None:
    """The folder's journal, ready for use; ``None`` if no component is worth one."""
    if not journalled_roles(spec):
        return None
    failed = [id_ for id_, record in done.items() if record.error is not None]
    prepare_journal(folder.journal, configuration=configuration_digest(filled), version=__version__, repeat=failed)
    return folder.journal


def _problems(spec: PipelineSpec, task: Task, limit: int | None) -> list[Problem]:
    problems: list[Problem] = []
    seen: set[str] = set()
    for problem in task.problems():
        if limit is not None and len(problems) >= limit:
            break
        if problem.id in seen:
            raise DataError(f"task {spec.task.name}: the problem id '{problem.id}' occurs twice")
        seen.add(problem.id)
        problems.append(problem)
    if not problems:
        raise DataError(f"task {spec.task.name} has no problems; check its path and filters")
    return problems


class _Run:
    """One attempt at a run."""

    def __init__(
        self,
        spec: PipelineSpec,
        grader: Task,
        problems: list[Problem],
        folder: RunFolder,
        done: dict[str, Record],
        journal: Path | None,
        prune: bool,
        observer: Observer,
    ) -> None:
        self._spec = spec
        self._grader = grader
        self._problems = problems
        self._folder = folder
        self._journal = journal
        self._prune = prune
        self._observer = observer
        wanted = {problem.id for problem in problems}
        # a smaller --limit than before: what lies beyond it was paid for and stays in the folder
        self._beyond = {id_: record for id_, record in done.items() if id_ not in wanted}
        self._records = {id_: record for id_, record in done.items() if id_ in wanted and record.error is None}

    def go(self, workers: int) -> Mapping[str, Any]:
        begin = time.perf_counter()
        waiting = [problem for problem in self._problems if problem.id not in self._records]
        self._observer.started(len(self._problems), len(self._records))
        interrupted = False
        try:
            self._solve(waiting, workers)
        except KeyboardInterrupt:
            interrupted = True
        if self._journal is not None and self._prune:
            prune_journal(self._journal, [id_ for id_, record in self._records.items() if record.error is None])
        summary = self._complete(time.perf_counter() - begin, interrupted)
        self._observer.ended(summary)
        self._present()
        return summary

    def _present(self) -> None:
        present = getattr(self._grader, "present", None)
        records = [self._records[problem.id] for problem in self._problems if problem.id in self._records]
        if present is not None and records:
            self._observer.presented(self._presentation(present, records))

    def _presentation(self, present: Any, records: list[Record]) -> str:
        try:
            return str(present(records, self._folder.path))
        except (Exception, SystemExit) as error:  # the results are safe; only their presentation is lost
            return f"task {self._spec.task.name} cannot present its results: {type(error).__name__}: {error}"

    def _solve(self, waiting: list[Problem], workers: int) -> None:
        traces = TraceFolder(self._folder.traces)
        if not waiting:
            return
        if workers > 1:
            run_sharded(
                self._spec,
                waiting,
                self._take,
                workers=workers,
                blobs=self._folder.blobs,
                write_trace=traces,
                journal=self._journal,
            )
        else:
            run_local(
                self._spec,
                ListFeed(waiting),
                self._take,
                blobs=self._folder.blobs,
                write_trace=traces,
                journal=self._journal,
            )

    def _take(self, solution: Solution) -> None:
        record = self._grade(solution)
        self._records[record.id] = record
        self._folder.append(record)
        self._observer.finished(record)

    def _grade(self, solution: Solution) -> Record:
        error = solution.error
        correct: bool | None = None
        metrics: Mapping[str, Any] = {}
        if error is None:
            try:
                correct, metrics = self._grader.grade(solution.problem_id, solution.answer)
                metrics = {**metrics, **self._placed(solution)}
                json.dumps(metrics, allow_nan=False)  # what cannot be written is no metric
            except (Exception, SystemExit) as raised:  # one answer that cannot be graded must not end the run
                error = f"grading failed: {type(raised).__name__}: {raised}"
                correct, metrics = None, {}
        return Record(
            id=solution.problem_id,
            answer=solution.answer,
            correct=correct,
            metrics=metrics,
            score=solution.score,
            runners_up=solution.runners_up,
            cost=solution.cost,
            error=error,
            failed_calls=solution.failed_calls,
            seconds=solution.seconds,
            notes=solution.notes,
        )

    def _placed(self, solution: Solution) -> Mapping[str, Any]:
        """The task's figures of all answers that the search offered, if it wants to see them."""
        place = getattr(self._grader, "place", None)
        return {} if place is None else dict(place(solution.problem_id, solution.offered))

    def _complete(self, seconds: float, interrupted: bool) -> Mapping[str, Any]:
        order = [problem.id for problem in self._problems]
        records = [self._records[id_] for id_ in order if id_ in self._records]
        summary = summarise(
            records,
            problems=len(order),
            seconds=seconds + self._folder.earlier_seconds(),
            interrupted=interrupted,
            references=getattr(self._grader, "has_references", True),
            set_metrics=self._set_metrics(records),
        )
        self._folder.complete([*order, *self._beyond], {**self._records, **self._beyond}, summary)
        return summary

    def _set_metrics(self, records: list[Record]) -> Mapping[str, Any]:
        metrics = getattr(self._grader, "metrics", None)
        if metrics is None or not records:
            return {}
        try:
            found = dict(metrics(records))
            json.dumps(found, allow_nan=False)
        except (Exception, SystemExit) as error:  # the records stand; only the metrics of the set are lost
            return {"error": f"metrics of the set failed: {type(error).__name__}: {error}"}
        return found
