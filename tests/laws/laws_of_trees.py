"""Laws of ``core/mcts`` (T14-T17): visit counts of deterministic trees, and treequest's own decisions."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from math import inf, log
from typing import Any, ClassVar

from tests.engine.toys import component
from tests.laws.law import Law, Outcome, equal
from tests.laws.toys import Draws
from tests.searches import treequest_trees as oracle
from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.engine.trace import Trace
from treewright.pipeline import PipelineSpec
from treewright.searches.mcts import Mcts
from treewright_registry import Capability, Proposals, ProposeRequest, Score, ScoreRequest, Step

Counts = Mapping[str, int]  # path of child numbers → visits


class Numbers:
    """Proposes the children 0, 1, 2, … of every node, with the given probabilities; ``depth`` steps are an answer."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.LOG_PROBABILITY})

    def __init__(self, *, depth: float = inf, priors: Sequence[float] = ()) -> None:
        self.depth = depth
        self.priors = priors

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([self._step(request, number) for number in range(request.n)]) for request in requests]

    def _step(self, request: ProposeRequest, number: int) -> Step:
        probability = self.priors[number] if self.priors else 1 / request.n
        last = request.trajectory.depth + 1 >= self.depth
        return Step(str(number), log(probability), 1, "stop" if last else "step")


class Given:
    """Scores by table, or by treequest's rewards of a seed."""

    level = "step"
    range = (0.0, 1.0)
    link = "real"
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.PARTIAL})

    def __init__(self, *, values: Mapping[str, float] | None = None, seed: int = 0) -> None:
        self.values = values
        self.seed = seed

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        paths = [request.trajectory.text for request in requests]
        if self.values is None:
            return [Score(oracle.reward(path, self.seed)) for path in paths]
        return [Score(self.values[path]) for path in paths]


def grown(policy: Mapping[str, Any], scorer: Mapping[str, Any], **options: Any) -> dict[str, int]:
    """The tree of one search: path → visits, in order of birth; children that wait unvisited are left out."""
    roles = {"policy": component("policy", Numbers, **policy), "scorer": component("scorer", Given, **scorer)}
    task, search = component("task", Draws, draws=1), component("search", Mcts, **options)
    traces: list[Trace] = []
    run_local(
        PipelineSpec(task, search, component("aggregator", Best), roles),
        ListFeed(task.build().problems()),
        lambda solution: None,
        write_trace=lambda problem, trace: traces.append(trace),
    )
    [trace] = traces
    paths: list[str] = []
    for parent, step in zip(trace.parents, trace.steps, strict=True):
        paths.append("" if step is None else paths[parent] + str(step.content))
    return {path: visits for path, visits in zip(paths, trace.visits, strict=True) if visits}


def _of(tree: Counts, paths: Sequence[str]) -> list[int]:
    return [tree.get(path, 0) for path in paths]


# -- T14, T15: one level -------------------------------------------------------------------------------------------


def _pulls(arms: Sequence[float], iterations: int, priors: Sequence[float] = (), **options: Any) -> list[int]:
    tree = grown(
        {"depth": 1, "priors": priors},
        {"values": {str(arm): value for arm, value in enumerate(arms)}},
        branch=len(arms),
        first_visits="one-by-one",
        revisit=True,
        iterations=iterations,
        **options,
    )
    return _of(tree, [str(arm) for arm in range(len(arms))])


UCB1: Mapping[tuple[float, tuple[float, ...]], Mapping[int, tuple[int, ...]]] = {  # exploration, arms → N → visits
    (2**0.5, (1.0, 0.0)): {10: (8, 2), 50: (46, 4), 100: (94, 6), 500: (490, 10)},
    (2**0.5, (0.6, 0.5, 0.4)): {10: (4, 3, 3), 50: (22, 16, 12), 100: (47, 31, 22), 500: (291, 133, 76)},
    (1.0, (1.0, 0.0)): {10: (9, 1), 50: (47, 3), 100: (96, 4)},
    (1.0, (0.6, 0.5, 0.4)): {10: (4, 3, 3), 50: (24, 15, 11), 100: (52, 29, 19)},
}
PUCT: Mapping[tuple[float, ...], Mapping[str, Mapping[int, tuple[int, ...]]]] = {  # prior → mode → N → visits
    (0.5, 0.3, 0.2): {
        "I": {10: (6, 3, 1), 50: (34, 11, 5), 200: (154, 33, 13)},
        "II": {10: (7, 3, 0), 50: (34, 11, 5), 200: (154, 33, 13)},
    },
    (0.1, 0.1, 0.8): {
        "I": {10: (2, 1, 7), 50: (17, 5, 28), 200: (119, 15, 66)},
        "II": {10: (0, 0, 10), 50: (17, 5, 28), 200: (119, 15, 66)},
    },
}
MODES: Mapping[str, Mapping[str, Any]] = {"I": {}, "II": {"fpu": 0.0, "parent_visits_floor": 1}}


def _ucb1(factor: float, draws: int, seed: int) -> Outcome:
    found: list[int] = []
    expected: list[int] = []
    for (exploration, arms), numbers in UCB1.items():
        for n, visits in numbers.items():
            found += _pulls(arms, n, exploration=exploration * factor)
            expected += visits
    return equal("visits", found, expected)


def _ucb1_as_treequest(factor: float, draws: int, seed: int) -> Outcome:
    found: list[int] = []
    expected: list[int] = []
    for (exploration, arms), pulled in zip(oracle.ARMS, oracle.stored()["pulls"], strict=True):
        for n in (*range(2, 60), 100, 250, 500):
            found += _pulls(arms, n, exploration=exploration * factor)
            expected += oracle.pulls_until([int(arm) for arm in pulled], len(arms), n)
    return equal("visits", found, expected)


def _puct(mode: str, options_of: str, draws: int, seed: int) -> Outcome:
    found: list[int] = []
    expected: list[int] = []
    for prior, modes in PUCT.items():
        for n, visits in modes[mode].items():
            found += _pulls((0.6, 0.5, 0.4), n, prior, rule="puct", **MODES[options_of])
            expected += visits
    return equal("visits", found, expected)


# -- T16: two levels -----------------------------------------------------------------------------------------------

TWO_LEVELS = {"00": 0.9, "01": 0.1, "10": 0.5, "11": 0.6, "0": 0.5, "1": 0.55}  # inner nodes: mean of their leaves
UCT = {50: (34, 16, 28, 5, 7, 8), 200: (164, 36, 153, 10, 15, 20)}


def _uct(exploration: float, draws: int, seed: int) -> Outcome:
    found: list[int] = []
    expected: list[int] = []
    for n, visits in UCT.items():
        tree = grown(
            {"depth": 2},
            {"values": TWO_LEVELS},
            branch=2,
            first_visits="one-by-one",
            revisit=True,
            iterations=n,
            exploration=exploration,
        )
        found += _of(tree, ["0", "1", "00", "01", "10", "11"])
        expected += visits
    return equal("visits", found, expected)


# -- T17: treequest ------------------------------------------------------------------------------------------------


@cache
def _tree(seed: int, prior: str) -> dict[str, int]:
    return grown({}, {"seed": seed}, branch=oracle.BRANCH, iterations=oracle.NODES // oracle.BRANCH, prior=prior)


def _as_treequest(prior: str, draws: int, seed: int) -> Outcome:
    found = [node for number in oracle.SEEDS for node in _tree(number, prior).items()]
    expected = [node for tree in oracle.stored()["trees"] for node in tree.items()]
    return equal("nodes or visits of three trees", found, expected)


def _law(test: str, claim: str, check: Any, control: Any, says: str) -> Law:
    return Law("core/mcts", test, claim, check, control, says)


LAWS = [
    _law("T14", "UCB1 with two and three arms: 14 reference counts", partial(_ucb1, 1), partial(_ucb1, 1.2), "1.2 c"),
    _law(
        "T17",
        "UCB1: as treequest 0.3.3's MultiArmedBanditUCBAlgo after 2 … 500 pulls",
        partial(_ucb1_as_treequest, 1),
        partial(_ucb1_as_treequest, 1.2),
        "1.2 c",
    ),
    *(
        _law("T15", f"PUCT, {says}: reference counts", partial(_puct, mode, mode), partial(_puct, mode, other), control)
        for mode, other, says, control in (
            ("I", "II", "unvisited children have their score, N starts at 0", "first-play urgency 0, N at least 1"),
            ("II", "I", "first-play urgency 0, N at least 1", "unvisited children have their score"),
        )
    ),
    _law("T16", "UCT with two levels: reference counts", partial(_uct, 2**0.5), partial(_uct, 1.0), "c = 1"),
    _law(
        "T17",
        "three random trees of 40 nodes: nodes, order and visits of treequest 0.3.3's StandardMCTS",
        partial(_as_treequest, "scores"),
        partial(_as_treequest, "none"),
        "without its softmax of sibling scores",
    ),
]
