"""Components that take the time that real ones take, without using the processor; and a record of it."""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import ClassVar, Literal

from treewright_registry import (
    Env,
    Key,
    Need,
    Problem,
    Proposals,
    ProposeRequest,
    Score,
    ScoreRequest,
    Step,
    Trajectory,
    Verdict,
)

PATHS, STEPS = 4, 4  # paths of a problem that advance together, steps of a path
POLICY_SECONDS, SPREAD = 0.3, 0.5  # mean of a log-normal, and the sigma of its logarithm
SCORER_SECONDS, BATCH = 0.06, 64  # a batch takes as long however full it is, as on a GPU that is not full


class Record:
    """What the components were busy with.

    Attributes:
        policy: seconds of all requests to the policy.
        batches: of the scorer.
        scored: requests to the scorer.
        rounds: problem → depth → longest request to the policy: nothing can end a round earlier.
    """

    def __init__(self) -> None:
        self.policy = 0.0
        self.batches = self.scored = 0
        self.rounds: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))

    def called(self, problem: str, depth: int, seconds: float) -> None:
        """Note a request to the policy."""
        self.policy += seconds
        longest = self.rounds[problem]
        longest[depth] = max(longest[depth], seconds)


record = Record()


def fresh() -> Record:
    """Begin anew."""
    global record
    record = Record()
    return record


def seconds_of(seed: int) -> float:
    """How long the policy takes for a request: log-normal with mean ``POLICY_SECONDS``."""
    normal = NormalDist(math.log(POLICY_SECONDS) - SPREAD**2 / 2, SPREAD)
    return math.exp(normal.inv_cdf(min(max(Key.root(seed, "seconds").uniform(), 1e-6), 1 - 1e-6)))


class SlowPolicy:
    """An endpoint."""

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        [request] = requests
        depth = request.trajectory.depth
        seconds = seconds_of(request.seed)
        record.called(request.trajectory.problem.id, depth, seconds)
        await asyncio.sleep(seconds)
        return [Proposals([Step(str(request.seed), finish="stop" if depth == STEPS - 1 else "step")])]


class SlowScorer:
    """A local model on a thread."""

    expensive: ClassVar[bool] = True
    level: Literal["step", "outcome"] = "step"
    range: tuple[float, float] = (0.0, 1.0)
    link: Literal["probability", "logit", "real"] = "real"

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        record.batches += 1
        record.scored += len(requests)
        time.sleep(SCORER_SECONDS)
        return [Score((request.seed & 0xFFFF) / 65536) for request in requests]


class Together:
    """``PATHS`` answers that grow step by step, each step scored."""

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy"), "scorer": Need("scorer")}

    async def search(self, problem: Problem, env: Env) -> None:
        paths: list[Trajectory] = [env.root] * PATHS
        for _ in range(STEPS):
            paths = [family[0] for family in await env.propose(paths, 1)]
            scores = await env.score(paths)
        for path, score in zip(paths, scores, strict=True):
            env.offer(path, score)


class Questions:
    """So many problems."""

    def __init__(self, *, count: int) -> None:
        self.count = count

    def problems(self) -> list[Problem]:
        return [Problem(f"q{number}", "go") for number in range(self.count)]

    def extract(self, trajectory: Trajectory) -> str:
        return trajectory.text

    def canonical(self, answer: str) -> str:
        return answer

    def grade(self, problem_id: str, answer: str) -> Verdict:
        return Verdict(True)
