"""Components that cost next to nothing, so that only the engine's own work is left to measure."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from treewright_registry import (
    TO_END,
    Capability,
    Env,
    Likelihood,
    LikelihoodRequest,
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

_FINISHING = 16  # one proposed step in sixteen ends its answer, so that searches have offers to keep
_CONTENTS = [str(index) for index in range(4096)]  # siblings differ, or a beam would drop them


class InstantPolicy:
    """Deterministic steps."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([_step(request, index) for index in range(request.n)]) for request in requests]


class InstantEndpoint:
    """The same behind an ``async`` method, as an endpoint's client is."""

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([_step(request, index) for index in range(request.n)]) for request in requests]


def _step(request: ProposeRequest, index: int) -> Step:
    ends = request.sampling.unit == "end" or (request.seed + index) % _FINISHING == 0
    return Step(_CONTENTS[index % len(_CONTENTS)], -1.0, 1, "stop" if ends else "step")


class InstantLevels(InstantPolicy):
    """Answers of exactly ``levels`` steps, whose likelihood is known; for searches that go forward together."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.LOG_PROBABILITY})

    def __init__(self, *, levels: int = 16) -> None:
        self.levels = levels

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([self._level(request, index) for index in range(request.n)]) for request in requests]

    def _level(self, request: ProposeRequest, index: int) -> Step:
        ends = request.trajectory.depth >= self.levels - 1
        return Step(_CONTENTS[(request.seed + index) % len(_CONTENTS)], -1.0, 1, "stop" if ends else "step")

    def log_likelihood(self, requests: Sequence[LikelihoodRequest]) -> list[Likelihood]:
        return [Likelihood(-1.0, 1) for _ in requests]


class InstantAnswers:
    """Whole answers, new or revised."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.REVISES})

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [
            Proposals([Step(str(request.seed + index), -1.0, 1, "stop") for index in range(request.n)])
            for request in requests
        ]


class InstantScorer:
    """Deterministic numbers in [0, 1)."""

    level: Literal["step", "outcome"] = "step"
    range: tuple[float, float] = (0.0, 1.0)
    link: Literal["probability", "logit", "real"] = "real"

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [Score((request.seed & 0xFFFF) / 65536) for request in requests]


class InstantTask:
    """One problem without an end of its own."""

    def problems(self) -> list[Problem]:
        return [Problem("only", "go")]

    def extract(self, trajectory: Trajectory) -> str | None:
        return trajectory.step.content if trajectory.step is not None else None

    def canonical(self, answer: str) -> str:
        return answer

    def grade(self, problem_id: str, answer: str) -> Verdict:
        return Verdict(True)


class OneRequestEach:
    """Best-of-n as a client without the parameter ``n`` must do it: a request for each candidate."""

    needs: ClassVar[dict[str, Need]] = {"policy": Need("policy"), "scorer": Need("scorer")}

    def __init__(self, *, n: int) -> None:
        self.n = n

    async def search(self, problem: Problem, env: Env) -> None:
        families = await env.propose([env.root] * self.n, 1, sampling=TO_END)
        answers = [child for family in families for child in family]
        for answer, score in zip(answers, await env.score(answers), strict=True):
            env.offer(answer, score)
