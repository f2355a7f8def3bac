"""A tiny exact domain for engine tests: guess a word letter by letter.

Defined in an importable module, so that worker processes can build the parts too.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.engine.sharded import run_sharded
from treewright.engine.solving import Solution
from treewright.pipeline import CallSettings, ComponentSpec, PipelineSpec
from treewright.searches.sample import Sample
from treewright_registry import (
    JSON,
    TO_END,
    Capability,
    Descriptor,
    Env,
    Key,
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
    Usage,
    Verdict,
)

LETTERS = "abcd"
LENGTH = 4


class Words:
    """Problems whose reference is a word drawn from the problem's number."""

    def __init__(self, *, count: int = 8) -> None:
        self.count = count
        self.gold: dict[str, str] = {}

    def problems(self) -> list[Problem]:
        for number in range(self.count):
            draw = Key.root(7, number)
            self.gold[f"w{number}"] = "".join(LETTERS[draw.child(i).seed % 4] for i in range(LENGTH))
        return [Problem(f"w{number}", f"word {number}") for number in range(self.count)]

    def extract(self, trajectory: Trajectory) -> JSON:
        return trajectory.text or None

    def canonical(self, answer: JSON) -> str:
        return str(answer)

    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        gold = self.gold[problem_id]
        same = sum(left == right for left, right in zip(gold, str(answer), strict=False))
        return Verdict(answer == gold, {"same_letters": same})


def _step(request: ProposeRequest, index: int) -> Step:
    key = request.key(index)
    if request.sampling.unit == "end":
        left = LENGTH - request.trajectory.depth
        text = "".join(LETTERS[key.child(i).seed % 4] for i in range(left))
        return Step(text, -1.386 * left, left, "stop")
    last = request.trajectory.depth == LENGTH - 1
    return Step(LETTERS[key.seed % 4], -1.386, 1, "stop" if last else "step")


class Speller:
    """Proposes uniformly drawn letters."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [
            Proposals([_step(request, index) for index in range(request.n)], Usage(prompt_tokens=2))
            for request in requests
        ]

    def log_likelihood(self, requests: Sequence[LikelihoodRequest]) -> list[Likelihood]:
        """As of a model that prefers a's: so a spelled word is more or less likely than when it was drawn."""
        texts = [str(request.trajectory.steps[-1].content) for request in requests]
        return [Likelihood(-1.386 * len(text) + 0.7 * (text.count("a") - 0.3), len(text)) for text in texts]


class ThreadedSpeller(Speller):
    """The same on a thread of its own."""

    expensive = True


class AsyncSpeller:
    """The same behind an endpoint whose answers come late, in an order of their own."""

    def __init__(self, *, delay: float = 0.0) -> None:
        self.delay = delay

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        await asyncio.sleep(self.delay * Key.root(requests[0].seed, "delay").uniform())
        return Speller().propose(requests)

    async def log_likelihood(self, requests: Sequence[LikelihoodRequest]) -> list[Likelihood]:
        text = requests[0].trajectory.text
        await asyncio.sleep(self.delay * Key.root(0, text).uniform())
        return Speller().log_likelihood(requests)


class Rewriter:
    """Writes whole words; revised, a word has one letter drawn anew."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.REVISES})

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([self._word(request, index) for index in range(request.n)]) for request in requests]

    def _word(self, request: ProposeRequest, index: int) -> Step:
        key, step = request.key(index), request.trajectory.step
        if step is None:
            return Step("".join(LETTERS[key.child(i).seed % 4] for i in range(LENGTH)), finish="stop")
        word, place = str(step.content), key.child("place").seed % LENGTH
        return Step(word[:place] + LETTERS[key.child("letter").seed % 4] + word[place + 1 :], finish="stop")


class ThreadedRewriter(Rewriter):
    """The same on a thread of its own."""

    expensive = True


class AsyncRewriter:
    """The same behind an endpoint whose answers come late."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.REVISES})

    def __init__(self, *, delay: float = 0.0) -> None:
        self.delay = delay

    async def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        await asyncio.sleep(self.delay * Key.root(requests[0].seed, "delay").uniform())
        return Rewriter().propose(requests)


class BothAtOnce:
    """Asks policy and composite-capable scorer at the same time, twice over."""

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy"), "scorer": Need("scorer")}

    async def search(self, problem: Problem, env: Env) -> None:
        [[first], [second]] = await env.propose([env.root, env.root], 1, sampling=TO_END)
        for _ in range(3):
            scores, families, more = await env.together(
                env.score([first, second]), env.propose([env.root], 2, sampling=TO_END), env.score([second])
            )
            env.offer(first, scores[0])
            env.offer(second, more[0])
            [[first, second]] = families


class Vowels:
    """Scores by the number of a's, with a little noise from the request's seed."""

    level = "step"
    range = (0.0, 1.0)
    link = "real"

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [
            Score(
                0.2 * request.trajectory.text.count("a") / LENGTH + 0.8 * request.key("noise").uniform(),
                usage=Usage(scored_tokens=request.trajectory.depth),
            )
            for request in requests
        ]


class Judge:
    """A composite scorer: asks the policy for three continuations and counts their a's."""

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy")}
    level = "step"
    range = (0.0, 1.0)
    link = "real"

    async def score(self, requests: Sequence[ScoreRequest], env: Env) -> list[Score]:
        scores = []
        for request in requests:
            question = Trajectory(Problem("judge", f"how good is {request.trajectory.text}?"))
            [verdicts] = await env.propose([question], 3)
            scores.append(Score(sum("a" in verdict.text for verdict in verdicts) / 3))
        return scores


class Slow(Speller):
    """Hangs on problem w1."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        if any(request.trajectory.problem.id == "w1" for request in requests):
            time.sleep(600)
        return super().propose(requests)


class Dying(Speller):
    """Takes its process with it on problem w1."""

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        import os

        if any(request.trajectory.problem.id == "w1" for request in requests):
            os._exit(9)
        return super().propose(requests)


def component(kind: str, cls: type[Any], call: CallSettings | None = None, **options: Any) -> ComponentSpec:
    return ComponentSpec(Descriptor(kind, f"toy/{cls.__name__.lower()}", cls), options, call or CallSettings())


def pipeline(
    *,
    policy: ComponentSpec | None = None,
    scorer: ComponentSpec | None = None,
    search: ComponentSpec | None = None,
    aggregator: ComponentSpec | None = None,
    count: int = 8,
    **fields: Any,
) -> PipelineSpec:
    return PipelineSpec(
        task=component("task", Words, count=count),
        search=search or component("search", Sample, n=4),
        aggregator=aggregator or component("aggregator", Best),
        roles={
            "policy": policy or component("policy", Speller),
            "scorer": scorer or component("scorer", Vowels),
        },
        **fields,
    )


def solve(spec: PipelineSpec, problems: Sequence[Problem] | None = None, workers: int = 1) -> dict[str, Solution]:
    """Solutions by problem id."""
    if problems is None:
        problems = Words(**spec.task.options).problems()
    solutions: list[Solution] = []
    if workers > 1:
        run_sharded(spec, problems, solutions.append, workers=workers)
    else:
        run_local(spec, ListFeed(problems), solutions.append)
    return {solution.problem_id: solution for solution in solutions}


def timeless(solution: Solution) -> dict[str, Any]:
    """A solution without its seconds."""
    cost = {
        role: {name: value for name, value in counters.items() if name != "seconds"}
        for role, counters in solution.cost.items()
    }
    return {
        "answer": solution.answer,
        "score": solution.score,
        "runners_up": solution.runners_up,
        "error": solution.error,
        "failed_calls": solution.failed_calls,
        "cost": cost,
    }
