"""One problem from search to answer."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from treewright.engine.calls import PLUGIN_ERRORS
from treewright.engine.env import AnswerKey, Composite, ProblemEnv, Shared
from treewright.engine.journal import Journal
from treewright.engine.ports import Port
from treewright.engine.trace import Trace
from treewright.pipeline import ComponentSpec, PipelineSpec, bind_roles, needs_of
from treewright_registry import (
    JSON,
    Aggregator,
    BudgetExhausted,
    Candidate,
    Key,
    NoAnswer,
    Problem,
    Search,
    Task,
    Trajectory,
    TreewrightError,
)

_RUNNERS_UP = 9  # with the answer itself: a top ten
MOST_OFFERED = 1_000
"""Distinct answers handed to a task's ``place``."""
TraceWriter = Callable[[Problem, Trace], None]


@dataclass(frozen=True, slots=True)
class Solution:
    """What the engine found for a problem, before grading; all values are JSON.

    Attributes:
        problem_id: which problem.
        answer: the final answer, ``None`` with an error or if the trajectory holds none.
        score: at which the answer was offered, ``None`` if scoring failed.
        runners_up: the next answers, best first.
        cost: role → counter → value.
        error: why there is no answer.
        failed_calls: reasons of failed calls on the way, the first few.
        seconds: wall-clock time from start to end.
        offered: all distinct answers of the search, best first, at most ``MOST_OFFERED``; only for tasks
            with a method ``place``, and never written to the record.
        notes: figures of the whole search by name, the finite ones.
    """

    problem_id: str
    answer: JSON = None
    score: float | None = None
    runners_up: tuple[Mapping[str, Any], ...] = ()
    cost: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    error: str | None = None
    failed_calls: tuple[str, ...] = ()
    seconds: float = 0.0
    offered: tuple[JSON, ...] = ()
    notes: Mapping[str, float] = field(default_factory=dict)


class Solver:
    """Solves problems one by one with a pipeline's search and aggregator.

    Args:
        pipeline: what to run.
        roles: role → port or composite component.
        search, aggregator: the built components.
        reader: a task instance that has loaded no references; finds answers in trajectories.
        write_trace: where a problem's trace goes at its end, if anywhere.
        journal: keeps the answers of expensive components, if there are any.
    """

    def __init__(
        self,
        pipeline: PipelineSpec,
        roles: Mapping[str, Port | Composite],
        search: Search,
        aggregator: Aggregator,
        reader: Task,
        write_trace: TraceWriter | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._roles = roles
        self._search = search
        self._aggregator = aggregator
        self._reader = reader
        self._write_trace = write_trace
        self._journal = journal
        self._search_roles = _bound(search, pipeline.search, roles)
        self._aggregator_roles = _bound(aggregator, pipeline.aggregator, roles)

    async def solve(self, problem: Problem) -> Solution:
        """Search, aggregate, extract. Errors end this problem only, recorded in the solution."""
        if problem.error is not None:  # the task could not read it; the others are none the worse
            return Solution(problem.id, error=problem.error)
        begin = time.perf_counter()
        kept = None if self._journal is None else self._journal.of(problem)
        shared = Shared(self._roles, self._pipeline.budget, self._answer_key(), kept)
        key = Key.root(self._pipeline.seed, problem.id)
        env = ProblemEnv(problem, shared, key, self._search_roles)
        error: str | None = None
        ordered: Sequence[Candidate] = ()
        try:
            ordered = await self._answers(problem, env)
        except TreewrightError as raised:
            error = str(raised)
        except PLUGIN_ERRORS as raised:  # a plugin's search or task failed; the run goes on
            error = f"{type(raised).__name__}: {raised}"
        error = self._trace(problem, shared.trace) or error
        return self._solution(problem, ordered, shared, error, time.perf_counter() - begin)

    def _trace(self, problem: Problem, trace: Trace) -> str | None:
        """Write the trace; what is wrong with it, if it cannot be written as JSON."""
        if self._write_trace is None:
            return None
        try:
            self._write_trace(problem, trace)
        except (TypeError, ValueError) as error:
            return f"a step's content is no JSON value: {error}"
        return None

    async def _answers(self, problem: Problem, env: ProblemEnv) -> Sequence[Candidate]:
        spent = ""
        try:
            await self._search.search(problem, env)
        except BudgetExhausted as exhausted:  # what was offered until then counts
            spent = f" ({exhausted})"
        if not env.offers:
            raise NoAnswer(self._no_answer(env, spent))
        if all(candidate.score.failed for candidate in env.offers):
            first = f": {env.failures[0]}" if env.failures else ""
            raise NoAnswer(f"no answer could be scored{first}")
        child = env.child("aggregator", self._aggregator_roles)
        try:
            ordered = await self._aggregator.aggregate(problem, env.offers, child)
        except BudgetExhausted:  # the aggregator could not finish: best so far
            ordered = sorted(env.offers, key=lambda candidate: -candidate.score.rank)
        if not ordered:
            raise NoAnswer(f"aggregator {self._pipeline.aggregator.name} returned no candidate")
        return list(ordered)

    def _no_answer(self, env: ProblemEnv, spent: str) -> str:
        text = f"the search ended without a finished answer{spent}"
        failures = env.failures
        if failures:
            return f"{text}; first failed call: {failures[0]}"
        if env.ledger.total().candidates == 0:
            return f"{text}; the policy proposed no step"
        return text if spent else f"{text}; allow more depth, samples or tokens"

    def _solution(
        self,
        problem: Problem,
        ordered: Sequence[Candidate],
        shared: Shared,
        error: str | None,
        seconds: float,
    ) -> Solution:
        answers: list[dict[str, Any]] = []
        offered: list[dict[str, Any]] = []
        if error is None:
            try:
                answers = self._distinct_answers(ordered, _RUNNERS_UP + 1)
                if hasattr(self._reader, "place"):  # an aggregator may have left some of the offers out
                    others = sorted(shared.offers, key=lambda candidate: -candidate.score.rank)
                    offered = self._distinct_answers([*ordered, *others], MOST_OFFERED)
            except PLUGIN_ERRORS as raised:  # a task's extraction failed on this problem's answer
                error = f"{type(raised).__name__}: {raised}"
        first = answers[0] if answers else {"answer": None, "score": None}
        return Solution(
            problem_id=problem.id,
            answer=first["answer"],
            score=first["score"],
            runners_up=tuple(answers[1:]),
            offered=tuple(each["answer"] for each in offered if each["answer"] is not None),
            cost=shared.ledger.as_dict(),
            error=error,
            failed_calls=tuple(shared.failures),
            seconds=seconds,
            notes={name: value for name, value in shared.trace.notes.items() if isfinite(value)},
        )

    def _distinct_answers(self, ordered: Sequence[Candidate], most: int) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = []
        seen = set()
        for candidate in ordered:
            answer = self._reader.extract(candidate.trajectory)
            key = None if answer is None else self._reader.canonical(answer)
            if key in seen and key is not None:
                continue
            seen.add(key)
            score = candidate.score
            answers.append({"answer": answer, "score": None if score.failed else score.value})
            if len(answers) == most:
                break
        json.dumps(answers, allow_nan=False)  # an answer that is not JSON is an error of this problem
        return answers

    def _answer_key(self) -> AnswerKey:
        reader = self._reader
        known: dict[int, tuple[Trajectory, Any]] = {}  # by identity; the trajectory is kept alive

        def answer_key(trajectory: Trajectory) -> Any:
            entry = known.get(id(trajectory))
            if entry is None:
                answer = reader.extract(trajectory)
                entry = (trajectory, None if answer is None else reader.canonical(answer))
                known[id(trajectory)] = entry
            return entry[1]

        return answer_key


def _bound(component: object, spec: ComponentSpec, roles: Mapping[str, Any]) -> dict[str, str]:
    return bind_roles(needs_of(component, spec.options), spec.roles, roles)
