"""Who writes the blocks of a ``core/specs`` run under scripted rewards; policies are deterministic."""

from collections.abc import Sequence
from typing import ClassVar

from tests.engine.toys import component
from tests.laws.toys import Draws
from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.engine.trace import Trace
from treewright.pipeline import PipelineSpec
from treewright.searches.specs import Specs
from treewright_registry import (
    Capability,
    Likelihood,
    LikelihoodRequest,
    Proposals,
    ProposeRequest,
    Score,
    ScoreRequest,
    Step,
)

BLOCKS = 9  # of an answer
# reward of the block at each depth (1 …) by its author; S = β r since both models are equally sure
REWARDS = {"T": {1: 0.5, 2: 0.8, 7: 0.9}, "D": {7: 0.1}}
GOOD = 0.75


class Author:
    """Writes its own initial, always equally likely, until the answer is finished."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.LOG_PROBABILITY, Capability.LOG_LIKELIHOOD})

    def __init__(self, *, initial: str = "D") -> None:
        self.initial = initial

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([self._step(request)]) for request in requests]

    def _step(self, request: ProposeRequest) -> Step:
        return Step(self.initial, -1.0, 1, "stop" if request.trajectory.depth == BLOCKS - 1 else "step")

    def log_likelihood(self, requests: Sequence[LikelihoodRequest]) -> list[Likelihood]:
        return [Likelihood(-1.0, 1) for _ in requests]


class Script:
    """Gives each block the reward that its depth and author have in the script."""

    level = "step"
    range = (0.0, 1.0)
    link = "probability"

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [self._judge(request) for request in requests]

    def _judge(self, request: ScoreRequest) -> Score:
        author = request.trajectory.text[-1]
        return Score(REWARDS[author].get(request.trajectory.depth, GOOD))


def authors(tau_back: float) -> str:
    """Initials of all blocks that were drawn in released mode, rejected ones included, in order."""
    search = component("search", Specs, mode="released", beta=10.0, tau_back=tau_back)
    roles = {
        "draft": component("policy", Author, initial="D"),
        "target": component("policy", Author, initial="T"),
        "scorer": component("scorer", Script),
    }
    spec = PipelineSpec(component("task", Draws), search, component("aggregator", Best), roles)
    traces: list[Trace] = []
    feed = ListFeed(Draws().problems())
    run_local(spec, feed, lambda solution: None, write_trace=lambda problem, trace: traces.append(trace))
    return "".join(str(step.content) for step in traces[0].steps[1:] if step is not None)
