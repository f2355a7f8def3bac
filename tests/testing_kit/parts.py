"""A tiny plugin that keeps every contract, and one broken component for each check."""

from collections.abc import Sequence
from typing import Any

from treewright.testing import batch_checks, policy_checks, retriever_checks, scorer_checks, task_checks
from treewright.testing.subjects import (
    ComponentSubject,
    policy_subject,
    retriever_subject,
    scorer_subject,
    task_subject,
)
from treewright_registry import Hit, Problem, Proposals, Score, Step, Trajectory, Verdict

PROBLEMS = [Problem(f"p{number}", f"say {number}", {"number": number}) for number in range(4)]


class GoodPolicy:
    capabilities = frozenset({"log_probability"})

    def propose(self, requests):
        return [self.one(request) for request in requests]

    def one(self, request):
        return Proposals([self.step(request, index) for index in range(request.n)])

    def step(self, request, index):
        return Step(f"{request.key(index).uniform():.6f} ", log_probability=-1.0, tokens=1)


class GoodScorer:
    level = "step"
    range = (0.0, 1.0)
    link = "real"

    def score(self, requests):
        return [self.one(request) for request in requests]

    def one(self, request):
        return Score(self.value(request), (self.value(request),) * request.trajectory.depth)

    def value(self, request):
        return int.from_bytes(request.trajectory.key[:2], "little") / 65536


class GoodRetriever:
    def retrieve(self, requests):
        return [self.one(request) for request in requests]

    def one(self, request):
        return [Hit(f"{request.query}-{index}", "text", 1.0 / (index + 1)) for index in range(request.k)]


class GoodTask:
    def problems(self):
        return iter(PROBLEMS)

    def extract(self, trajectory):
        return trajectory.text

    def canonical(self, answer):
        return answer

    def grade(self, problem_id, answer):
        return Verdict(answer == problem_id[::-1])


def trajectories() -> list[Trajectory]:
    """Roots, unfinished and finished trajectories."""
    found = []
    for problem in PROBLEMS:
        root = Trajectory(problem)
        open_ = root.extend(Step("a "))
        found += [root, open_, open_.extend(Step("b", finish="stop"))]
    return found


def subject(kind: str, component: Any) -> ComponentSubject:
    """A component with something to ask it."""
    if kind == "policy":
        return policy_subject("toy/policy", component, trajectories())
    if kind == "scorer":
        return scorer_subject("toy/scorer", component, trajectories())
    if kind == "retriever":
        return retriever_subject("toy/retriever", component, PROBLEMS)
    return task_subject("toy/task", component)


GOOD = {"policy": GoodPolicy, "scorer": GoodScorer, "retriever": GoodRetriever, "task": GoodTask}
CHECKS: dict[str, Sequence[Any]] = {
    "policy": (*batch_checks.CHECKS, *policy_checks.CHECKS),
    "scorer": (*batch_checks.CHECKS, *scorer_checks.CHECKS),
    "retriever": (*batch_checks.CHECKS, *retriever_checks.CHECKS),
    "task": task_checks.CHECKS,
}
