"""Ask an aggregator directly, with candidates made by hand and an ``env`` that does only what it needs."""

from collections.abc import Hashable, Sequence
from math import nan
from typing import Any

import pytest

from treewright_registry import Candidate, Key, Problem, Score, Step, Trajectory

PROBLEM = Problem("p", "choose")
FAILED = Score(nan, reason="no score")


class SmallEnv:
    """Keyed draws, and the step's content as the canonical answer (``None``: no answer)."""

    def __init__(self, seed: int = 0) -> None:
        self.key = Key.root(seed, "p")

    def random(self, *draw: int | str) -> Key:
        return self.key.child("draw", *draw)

    def answer_key(self, trajectory: Trajectory) -> Hashable:
        assert trajectory.step is not None
        return trajectory.step.content  # type: ignore[return-value]


def candidate(answer: str | None, score: float | Score = 0.0) -> Candidate:
    step = Step(answer, finish="stop")
    return Candidate(Trajectory(PROBLEM).extend(step), score if isinstance(score, Score) else Score(score))


def candidates(*pairs: tuple[str | None, float | Score]) -> list[Candidate]:
    return [candidate(answer, score) for answer, score in pairs]


def order(aggregator: Any, given: Sequence[Candidate], seed: int = 0) -> list[int]:
    """Indices of the returned candidates, in their order."""
    with pytest.raises(StopIteration) as ended:  # driven by hand: these aggregators wait for nothing
        aggregator.aggregate(PROBLEM, given, SmallEnv(seed)).send(None)
    ordered = ended.value.value
    positions = {id(each): index for index, each in enumerate(given)}
    return [positions[id(each)] for each in ordered]


def chosen(aggregator: Any, given: Sequence[Candidate], seed: int = 0) -> int:
    """Index of the answer."""
    return order(aggregator, given, seed)[0]
