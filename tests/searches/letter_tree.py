"""An enumerable tree: words of three letters, each with a known value; policy and scorer follow it.

A node at depth < 3 has the children a, b, c (in this order); depth 3 ends the answer.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

from tests.engine.toys import component
from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.engine.trace import Trace
from treewright.pipeline import CallSettings, ComponentSpec, PipelineSpec
from treewright_registry import (
    JSON,
    Key,
    Problem,
    Proposals,
    ProposeRequest,
    Score,
    ScoreRequest,
    Step,
    Trajectory,
    Verdict,
)

LETTERS = "abc"
DEPTH = 3
LEAVES = ["".join(letters) for letters in product(LETTERS, repeat=DEPTH)]


def value(word: str, seed: int = 0) -> float:
    """The value of a leaf: any number in [0, 1), all different."""
    return Key.root(seed, word).uniform()


def best_below(word: str, seed: int = 0) -> float:
    """The value of a node with perfect foresight."""
    return max(value(leaf, seed) for leaf in LEAVES if leaf.startswith(word))


class AllChildren:
    """Proposes a, b, c in order, as many as are asked for; the rest of a word follows the seed."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals(self._steps(request)) for request in requests]

    def _steps(self, request: ProposeRequest) -> list[Step]:
        if request.sampling.unit == "end":
            draws = [request.key(index).seed for index in range(request.n)]
            done = request.trajectory.depth
            return [Step(LEAVES[draw % len(LEAVES)][done:], -1.0, 1, "stop") for draw in draws]
        last = request.trajectory.depth == DEPTH - 1
        odds = (-0.1, -1.0, -3.0)  # unequal, so that priors matter
        return [
            Step(letter, odds[index], 1, "stop" if last else "step")
            for index, letter in enumerate(LETTERS[: request.n])
        ]


class Hash:
    """Any number for any node: a scorer without foresight."""

    level = "step"
    range = (0.0, 1.0)
    link = "real"

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [self._judge(request.trajectory.text) for request in requests]

    def _judge(self, word: str) -> Score:
        return Score(value(word, self.seed))


class Foresight(Hash):
    """Knows the best leaf below each node."""

    def _judge(self, word: str) -> Score:
        return Score(best_below(word, self.seed))


class FailsOnB(Hash):
    """Cannot judge words that begin with b."""

    def _judge(self, word: str) -> Score:
        return Score(float("nan"), reason="no b") if word.startswith("b") else super()._judge(word)


class AnyWord:
    """A task whose answer is the word."""

    def problems(self) -> list[Problem]:
        return [Problem("tree", "which word?")]

    def extract(self, trajectory: Trajectory) -> JSON:
        return trajectory.text

    def canonical(self, answer: JSON) -> str:
        return str(answer)

    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        return Verdict(True)


def run(
    search: ComponentSpec, *, scorer: type[Any] | None = Foresight, seed: int = 0, **fields: Any
) -> tuple[Solution, Trace]:
    """The solution of the one problem, and its tree. ``seed`` chooses the values of the leaves."""
    roles = {"policy": component("policy", fields.pop("policy", AllChildren))}
    if scorer is not None:
        roles["scorer"] = component("scorer", scorer, CallSettings(), seed=seed)
    task = component("task", AnyWord)
    spec = PipelineSpec(task, search, component("aggregator", Best), roles, **fields)
    solutions: list[Solution] = []
    traces: list[Trace] = []
    feed = ListFeed(AnyWord().problems())
    run_local(spec, feed, solutions.append, write_trace=lambda problem, trace: traces.append(trace))
    return solutions[0], traces[0]


def words(trace: Trace) -> list[str]:
    """Node → the letters on its path."""
    found = [""]
    for parent, step in zip(trace.parents[1:], trace.steps[1:], strict=True):
        assert step is not None
        found.append(found[parent] + str(step.content))
    return found
