"""Policies and a scorer that say what a script says: every call of a search can be foreseen.

By convention the draft writes small letters and the target capitals, so a node's content tells who wrote it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.engine.toys import component
from tests.searches.letter_tree import AnyWord, words
from treewright.aggregators.best import Best
from treewright.configuration import load_pipeline
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.engine.trace import Trace
from treewright.pipeline import CallSettings, ComponentSpec, PipelineSpec
from treewright_registry import (
    Capability,
    Likelihood,
    LikelihoodRequest,
    Proposals,
    ProposeRequest,
    Registry,
    Score,
    ScoreRequest,
    Step,
)

NAN = float("nan")
Script = Mapping[str, str]


class Writer:
    """Writes by script; a character is a token.

    Args:
        script: what has been written → the next blocks, separated by spaces; one that ends with a full stop
            finishes the answer. ``!`` raises; an unknown beginning gets nothing.
        likely: text → log-likelihood of its last block, NaN fails; others −1.
        sampled: log-probability that its own blocks claim; ``None`` for none.
        temperature: where set, calls at another sampling temperature raise.
    """

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.LOG_PROBABILITY, Capability.LOG_LIKELIHOOD})

    def __init__(
        self,
        *,
        script: Script,
        likely: Mapping[str, float] | None = None,
        sampled: float | None = -1.0,
        temperature: float | None = None,
    ) -> None:
        self.script = script
        self.likely = likely or {}
        self.sampled = sampled
        self.temperature = temperature

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals(self._steps(request)[: request.n]) for request in requests]

    def log_likelihood(self, requests: Sequence[LikelihoodRequest]) -> list[Likelihood]:
        return [self._judge(request) for request in requests]

    def _steps(self, request: ProposeRequest) -> list[Step]:
        self._check(request.sampling.temperature)
        blocks = self.script.get(request.trajectory.text, "")
        if blocks == "!":
            raise RuntimeError("the model is down")
        steps = [Step(block, self.sampled, len(block)) for block in blocks.split()]
        return [step._replace(finish="stop") if str(step.content).endswith(".") else step for step in steps]

    def _judge(self, request: LikelihoodRequest) -> Likelihood:
        self._check(request.sampling.temperature)
        value = self.likely.get(request.trajectory.text, -1.0)
        tokens = len(str(request.trajectory.steps[-1].content))
        return Likelihood(value, tokens, reason=None if value == value else "no likelihood")

    def _check(self, temperature: float | None) -> None:
        if self.temperature is not None and temperature != self.temperature:
            raise RuntimeError(f"asked at temperature {temperature}")


class Marks:
    """Scores by table; NaN fails, what is not in the table gets ``otherwise``."""

    level = "step"
    range = (0.0, 1.0)
    link = "probability"

    def __init__(self, *, marks: Mapping[str, float], otherwise: float = 0.5) -> None:
        self.marks = marks
        self.otherwise = otherwise

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        values = [self.marks.get(request.trajectory.text, self.otherwise) for request in requests]
        return [Score(value, reason=None if value == value else "no mark") for value in values]


def run_scripted(
    search: ComponentSpec,
    draft: Script | ComponentSpec,
    target: Script | ComponentSpec,
    marks: Mapping[str, float] | ComponentSpec,
    **fields: Any,
) -> tuple[Solution, list[str]]:
    """The solution, and what has been written at each node of the tree, in order of birth."""
    roles = {
        "draft": draft if isinstance(draft, ComponentSpec) else writer(draft),
        "target": target if isinstance(target, ComponentSpec) else writer(target),
        "scorer": marks if isinstance(marks, ComponentSpec) else component("scorer", Marks, marks=marks),
    }
    spec = PipelineSpec(component("task", AnyWord), search, component("aggregator", Best), roles, **fields)
    solutions: list[Solution] = []
    traces: list[Trace] = []
    feed = ListFeed(AnyWord().problems())
    run_local(spec, feed, solutions.append, write_trace=lambda problem, trace: traces.append(trace))
    return solutions[0], words(traces[0])[1:]


def writer(script: Script, **options: Any) -> ComponentSpec:
    """A scripted policy."""
    return component("policy", Writer, CallSettings(), script=script, **options)


def spent(solution: Solution, role: str, counter: str) -> float:
    """What a role has cost."""
    return solution.cost[role][counter] if role in solution.cost else 0


class Silent:
    """A policy that knows no probabilities."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        raise NotImplementedError


class Outcomes(Marks):
    """A scorer of finished answers only."""

    level = "outcome"

    def __init__(self) -> None:
        super().__init__(marks={})


class Steps(Outcomes):
    """A scorer of steps."""

    level = "step"


class Known(Silent):
    """A policy that knows the probabilities of its own steps and of given ones."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.LOG_PROBABILITY})

    def log_likelihood(self, requests: Sequence[LikelihoodRequest]) -> list[Likelihood]:
        raise NotImplementedError


def load_with(folder: Path, search: str, draft: str, target: str, scorer: str) -> Any:
    """The pipeline of ``core/NAME`` with parts ``toy/silent``, ``toy/known``, ``toy/steps``, ``toy/outcomes``."""
    registry = Registry.load()
    parts = {"policy": (Silent, Known), "scorer": (Steps, Outcomes), "task": (AnyWord,)}
    for kind, classes in parts.items():
        for cls in classes:
            registry.add(kind, f"toy/{cls.__name__.lower()}", cls)
    path = folder / "p.yaml"
    path.write_text(
        f"task: {{use: toy/anyword}}\npolicy:\n  draft: {{use: toy/{draft}}}\n  target: {{use: toy/{target}}}\n"
        f"scorer: {{use: toy/{scorer}}}\nsearch: {{{search}}}\n",
        encoding="utf-8",
    )
    return load_pipeline(str(path), registry)
