"""The engine's own aggregators, asked about samples without an engine around them."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from treewright_registry import Aggregator, Candidate, Key, Problem, Score, Step, Trajectory


class Choice(NamedTuple):
    """A sample as an aggregator sees it.

    Attributes:
        key: its answer's canonical form, ``None`` without an answer.
        score: its reward; NaN if it has none.
    """

    key: Hashable
    score: float = 0.0


class _Env:
    """As much of an environment as an aggregator of finished trajectories asks for."""

    def __init__(self, key_of: Callable[[Trajectory], Hashable], key: Key) -> None:
        self.answer_key = key_of
        self._key = key

    def random(self, *draw: int | str) -> Key:
        return self._key.child(*draw)


def chosen(aggregator: Aggregator, choices: Sequence[Choice], key: Key | None = None) -> int:
    """Which of the samples, offered in this order, the aggregator makes the answer.

    Args:
        aggregator: one that makes no calls of other components.
        choices: at least one.
        key: names its random draws, if it makes any.
    """
    problem = Problem("recorded", "")
    trajectories = [Trajectory(problem).extend(Step("", finish="stop"), node) for node in range(len(choices))]
    candidates = [Candidate(t, _score(c.score)) for t, c in zip(trajectories, choices, strict=True)]
    env: Any = _Env(lambda trajectory: choices[trajectory.node].key, key or Key.root(0))
    running = aggregator.aggregate(problem, candidates, env)
    try:
        running.send(None)
    except StopIteration as ended:
        first: Candidate = ended.value[0]
        return first.trajectory.node
    raise TypeError(f"{type(aggregator).__name__} waits for a call of another component")


def _score(value: float) -> Score:
    return Score(value) if value == value else Score(value, reason="no score is stored with this sample")
