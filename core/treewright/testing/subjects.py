"""What the checks look at: a plugin, its components, and requests to ask them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from treewright.testing.calling import ask
from treewright_registry import (
    LikelihoodRequest,
    Problem,
    Proposals,
    ProposeRequest,
    RetrieveRequest,
    Score,
    ScoreRequest,
    Trajectory,
)


@dataclass(frozen=True, slots=True)
class PluginSubject:
    """A plugin as a whole.

    Attributes:
        name: the plugin's name.
        module: its entry module.
        descriptors: what it registered.
        distribution: who registered it.
    """

    name: str
    module: str
    descriptors: Sequence[Any]
    distribution: str = ""


@dataclass(slots=True)
class ComponentSubject:
    """One component, ready to be asked.

    Attributes:
        kind, name: what it is.
        component: the built component.
        method: name of the method under check.
        requests: what to ask; at least two, all different.
        comparable: a result without what may vary (seconds, usage).
    """

    kind: str
    name: str
    component: Any
    method: str = ""
    requests: Sequence[Any] = ()
    comparable: Callable[[Any], Any] = field(default=lambda result: result)

    @property
    def label(self) -> str:
        """``scorer:puzzle/rules``."""
        return f"{self.kind}:{self.name}"

    def ask(self, requests: Sequence[Any]) -> list[Any]:
        """The component's results."""
        return list(ask(getattr(self.component, self.method), list(requests)))

    def results(self, requests: Sequence[Any]) -> list[Any]:
        """The component's results, as far as they are to be the same each time."""
        return [self.comparable(result) for result in self.ask(requests)]


def policy_subject(name: str, policy: Any, trajectories: Sequence[Trajectory]) -> ComponentSubject:
    """A policy, asked to go on from unfinished trajectories."""
    requests = [
        ProposeRequest(trajectory, n=1 + index % 3, seed=index)
        for index, trajectory in enumerate(trajectories)
        if not trajectory.finished
    ]
    return ComponentSubject("policy", name, policy, "propose", requests, _steps)


def scorer_subject(name: str, scorer: Any, trajectories: Sequence[Trajectory]) -> ComponentSubject:
    """A scorer, asked to judge what its level lets it judge."""
    partial = getattr(scorer, "level", "outcome") == "step"
    requests = [
        ScoreRequest(trajectory, seed=index)
        for index, trajectory in enumerate(trajectories)
        if trajectory.finished or (partial and trajectory.depth)
    ]
    return ComponentSubject("scorer", name, scorer, "score", requests, _score)


def retriever_subject(name: str, retriever: Any, problems: Sequence[Problem]) -> ComponentSubject:
    """A retriever, asked with the problems' prompts."""
    requests = [RetrieveRequest(problem.prompt, k=1 + index % 3) for index, problem in enumerate(problems)]
    return ComponentSubject("retriever", name, retriever, "retrieve", requests, tuple)


def likelihood_requests(trajectories: Sequence[Trajectory]) -> list[LikelihoodRequest]:
    """Requests for the likelihood of each trajectory's last step."""
    return [LikelihoodRequest(trajectory) for trajectory in trajectories if trajectory.depth]


def task_subject(name: str, task: Any) -> ComponentSubject:
    """A task."""
    return ComponentSubject("task", name, task)


def knowledge_base_subject(name: str, knowledge_base: Any) -> ComponentSubject:
    """A knowledge base."""
    return ComponentSubject("knowledge_base", name, knowledge_base)


def _steps(proposals: Proposals) -> list[tuple[Any, ...]]:
    return [tuple(step) for step in proposals.steps]


def _score(score: Score) -> tuple[float, tuple[float, ...], bool]:
    return (score.value, score.steps, score.failed)
