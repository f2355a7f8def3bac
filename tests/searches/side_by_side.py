"""A target and a scorer that answer only when the other one has been asked too."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from tests.searches.scripted import Marks, Writer
from treewright_registry import (
    Capability,
    Likelihood,
    LikelihoodRequest,
    Proposals,
    ProposeRequest,
    Score,
    ScoreRequest,
)


class _Meeting:
    """Counts who is inside; whoever comes waits until both are, or fails after a while."""

    def __init__(self) -> None:
        self.inside: set[str] = set()

    async def wait_for(self, name: str) -> None:
        self.inside.add(name)
        for _ in range(500):
            if len(self.inside) == 2:
                return
            await asyncio.sleep(0.01)
        raise RuntimeError(f"{name} was asked alone")


MEETINGS: dict[str, _Meeting] = {}


class MeetingTarget:
    """Tells likelihoods, once the scorer has been asked."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.LOG_LIKELIHOOD})

    def __init__(self, *, meeting: str) -> None:
        self.meeting = MEETINGS.setdefault(meeting, _Meeting())

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([]) for _ in requests]

    async def log_likelihood(self, requests: Sequence[LikelihoodRequest]) -> list[Likelihood]:
        await self.meeting.wait_for("target")
        return Writer(script={}).log_likelihood(requests)


class MeetingScorer:
    """Scores, once the target has been asked."""

    level = "step"
    range = (0.0, 1.0)
    link = "probability"

    def __init__(self, *, meeting: str) -> None:
        self.meeting = MEETINGS.setdefault(meeting, _Meeting())

    async def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        await self.meeting.wait_for("scorer")
        return Marks(marks={}).score(requests)
