"""A domain of numbered answers for searches that revise: the i-th answer of a problem has the i-th reward."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tests.engine.toys import component
from tests.searches.letter_tree import AnyWord
from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.engine.trace import Trace
from treewright.pipeline import ComponentSpec, PipelineSpec
from treewright_registry import Capability, Proposals, ProposeRequest, Score, ScoreRequest, Step


class Reviser:
    """Says its own name; from an answer it proposes another one."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.REVISES})

    def __init__(self, *, name: str = "0") -> None:
        self.name = name

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([Step(self.name, finish="stop")] * request.n) for request in requests]


class Numbered:
    """Scores the i-th answer of a problem by the i-th of the given rewards; NaN stands for a failure."""

    level = "outcome"
    link = "real"

    def __init__(self, *, rewards: tuple[float, ...], range: tuple[float, float] = (0.0, 1.0)) -> None:
        self.rewards = rewards
        self.range = range

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        values = [self.rewards[request.trajectory.node - 1] for request in requests]
        return [Score(value, reason=None if value == value else "no reward") for value in values]


def run_revisions(
    search: ComponentSpec,
    rewards: Sequence[float],
    policies: int = 1,
    scorer: ComponentSpec | None = None,
    replaced: Mapping[str, ComponentSpec] | None = None,
    **fields: Any,
) -> tuple[Solution, Trace]:
    """The solution of the one problem ``tree``, and its tree; node i is the i-th answer."""
    names = ["policy"] if policies == 1 else [f"policy{number}" for number in range(policies)]
    roles = {name: component("policy", Reviser, name=str(number)) for number, name in enumerate(names)}
    roles |= replaced or {}
    roles["scorer"] = scorer or component("scorer", Numbered, rewards=tuple(rewards))
    spec = PipelineSpec(component("task", AnyWord), search, component("aggregator", Best), roles, **fields)
    solutions: list[Solution] = []
    traces: list[Trace] = []
    feed = ListFeed(AnyWord().problems())
    run_local(spec, feed, solutions.append, write_trace=lambda problem, trace: traces.append(trace))
    return solutions[0], traces[0]
