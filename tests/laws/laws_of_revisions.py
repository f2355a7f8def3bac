"""Laws of ``core/self-refine-mcts`` (T18): MCTSr from its definition, under scripted rewards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import log, sqrt
from typing import Any, ClassVar

from tests.engine.toys import component
from tests.laws.law import Law, Outcome, equal, near
from tests.laws.toys import Draws
from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.engine.trace import Trace
from treewright.pipeline import PipelineSpec
from treewright.searches.self_refine_mcts import SelfRefineMcts
from treewright.searches.self_refine_tree import Answer
from treewright_registry import (
    Capability,
    Key,
    Problem,
    Proposals,
    ProposeRequest,
    Score,
    ScoreRequest,
    Step,
    Trajectory,
)

MCTSR: Mapping[str, Any] = {
    "selection": "greedy",
    "open_nodes": "or-worse-children",
    "backup": "recomputed",
    "resample": True,
    "reward_limit": 1.0,
}
REVISIONS = 30
SEEDS = range(5)


# -- the formulas --------------------------------------------------------------------------------------------------


def _reference_example(pessimistic: bool, draws: int, seed: int) -> Outcome:
    """Rewards 80 and 60, N = 2, the parent's N = 2, C = 1.4: Q = 65 and UCB = 66.0376."""
    above = Answer(Trajectory(Problem("p", "q")), None)
    above.visits = 2
    node = Answer(above.trajectory, above)
    for reward in (80, 60):
        node.add_reward(reward)
    if not pessimistic:
        node.quality = sum(node.rewards) / 2
    return near("Q and UCB", [node.quality, SelfRefineMcts(**MCTSR)._uct(node, drafts=0)], [65, 66.0376], 5e-5)


# -- whole runs ----------------------------------------------------------------------------------------------------


def reward(seed: int, number: int) -> float:
    """The reward that is drawn as the number-th of a run."""
    return Key.root(seed, number).uniform()


class Reviser:
    """Every answer is one word; revised, another one."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.REVISES})

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([Step(f"{request.seed:x}", finish="stop")]) for request in requests]


class Script:
    """Gives one reward after the other, whatever is judged."""

    level = "outcome"
    range = (0.0, 1.0)
    link = "real"

    def __init__(self, *, seed: int) -> None:
        self.seed = seed
        self.given = 0

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        self.given += len(requests)
        return [Score(reward(self.seed, self.given - len(requests) + index)) for index in range(len(requests))]


@dataclass
class Node:
    """An answer of the definition: every reward sample, every child."""

    parent: int
    rewards: list[float]
    children: list[int] = field(default_factory=list)


class FromDefinition:
    """MCTSr, recomputing everything at every step; ``parents`` says which answer each one revised."""

    def __init__(self, seed: int, most: int, flaw: str = "") -> None:
        self.seed, self.most, self.flaw = seed, most, flaw
        self.drawn = 0
        self.nodes = [Node(-1, [self._reward()])]
        for _ in range(REVISIONS):
            candidates = [index for index in range(len(self.nodes)) if self._candidate(index)]
            chosen = max(candidates, key=self._ucb)  # the first of equals
            self.nodes[chosen].rewards.append(self._reward())
            self.nodes[chosen].children.append(len(self.nodes))
            self.nodes.append(Node(chosen, [self._reward()]))
        self.parents = [node.parent for node in self.nodes]

    def _reward(self) -> float:
        self.drawn += 1
        return reward(self.seed, self.drawn - 1)

    def quality(self, index: int) -> float:
        rewards = self.nodes[index].rewards
        mean = sum(rewards) / len(rewards)
        return mean if self.flaw == "Q is the mean" else (min(rewards) + mean) / 2

    def _candidate(self, index: int) -> bool:
        children = self.nodes[index].children
        worse = bool(children) and max(map(self.quality, children)) < self.quality(index)
        return len(children) < self.most or (worse and self.flaw != "only nodes with few children")

    def _ucb(self, index: int) -> float:
        node = self.nodes[index]
        quality = self.quality(index)
        if node.children and self.flaw != "no back-up":
            quality = (quality + max(map(self.quality, node.children))) / 2
        above = len(self.nodes[max(node.parent, 0)].rewards)
        return quality + 1.4 * sqrt(log(above + 1) / (len(node.rewards) + 1e-5))


def _run(seed: int, most: int) -> list[int]:
    """Answer → the answer that it revises; −1 for the draft."""
    task = component("task", Draws, draws=1)
    search = component("search", SelfRefineMcts, iterations=REVISIONS, children=most, **MCTSR)
    roles = {"policy": component("policy", Reviser), "scorer": component("scorer", Script, seed=seed)}
    traces: list[Trace] = []
    run_local(
        PipelineSpec(task, search, component("aggregator", Best), roles),
        ListFeed(task.build().problems()),
        lambda solution: None,
        write_trace=lambda problem, trace: traces.append(trace),
    )
    return [parent - 1 for parent in traces[0].parents[1:]]


def _as_defined(most: int, flaw: str, draws: int, seed: int) -> Outcome:
    found = [parent for number in SEEDS for parent in _run(number, most)]
    expected = [parent for number in SEEDS for parent in FromDefinition(number, most, flaw).parents]
    return equal("which answer is revised, five runs", found, expected)


LAWS = [
    Law(
        "core/self-refine-mcts",
        "T18",
        "rewards 80 and 60: Q = 65, UCB = 66.0376",
        partial(_reference_example, True),
        partial(_reference_example, False),
        "Q is the mean",
    ),
    *(
        Law(
            "core/self-refine-mcts",
            "T18",
            f"{claim}, at most {most}: 150 revisions as MCTSr's definition chooses them",
            partial(_as_defined, most, ""),
            partial(_as_defined, most, flaw),
            flaw,
        )
        for claim, most, flaw in (
            ("pessimistic Q", 3, "Q is the mean"),
            ("candidate rule", 1, "only nodes with few children"),
            ("back-up", 3, "no back-up"),
        )
    ),
]
