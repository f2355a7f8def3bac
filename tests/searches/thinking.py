"""A model that thinks aloud, wrapped by ``core/budget-forcing``."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.engine.toys import component
from tests.searches.letter_tree import AnyWord
from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.engine.trace import Trace
from treewright.pipeline import PipelineSpec
from treewright.policies.budget_forcing import BudgetForcing
from treewright.searches.sample import Sample
from treewright_registry import Proposals, ProposeRequest, Step

END = "|end|"


class Thinker:
    """Thinks aloud: one letter a token, as many as it likes, and never more than it may.

    Args:
        thoughts: what it writes each time it is asked to think, one after the other; the last one for ever.
        answer: what it writes after the end of thinking.
        probability: whether it tells log-probabilities (−1 a token).
        fails_on: text at which it breaks down.
    """

    def __init__(
        self,
        *,
        thoughts: tuple[str, ...] = ("abc",),
        answer: str = "42",
        probability: bool = True,
        fails_on: str = "never",
    ) -> None:
        self.thoughts = thoughts
        self.answer = answer
        self.probability = probability
        self.fails_on = fails_on

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([self._step(request)] * request.n) for request in requests]

    def _step(self, request: ProposeRequest) -> Step:
        assert request.sampling.unit == "end"
        before = request.trajectory.text
        if before.endswith(self.fails_on):
            raise RuntimeError("out of memory")
        times = before.count("Wait")
        whole = self.answer if END in before else self.thoughts[min(times, len(self.thoughts) - 1)]
        most = request.sampling.max_tokens
        text = whole if most is None else whole[:most]
        likely = -float(len(text)) if self.probability else None
        return Step(text, likely, len(text), "stop" if text == whole else "length")


def force(*, model: Mapping[str, Any] | None = None, n: int = 1, **options: Any) -> tuple[Solution, Trace]:
    """The solution of the one problem by sampling, and the tree."""
    forcing = {"end_of_thinking": END, **options}
    roles = {
        "policy": component("policy", BudgetForcing, **forcing),
        "model": component("policy", Thinker, **(model or {})),
    }
    search = component("search", Sample, n=n)
    spec = PipelineSpec(component("task", AnyWord), search, component("aggregator", Best), roles)
    solutions: list[Solution] = []
    traces: list[Trace] = []
    feed = ListFeed(AnyWord().problems())
    run_local(spec, feed, solutions.append, write_trace=lambda problem, trace: traces.append(trace))
    return solutions[0], traces[0]
