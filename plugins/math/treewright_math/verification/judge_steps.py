"""Search ``math/judge-steps``: has a given solution written, and each of its steps judged.

It is no search for an answer: the policy has one way only, and the answer is what the scorer says of its steps.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from treewright_registry import JSON, Capability, ContractError, Env, Need, Problem, Score, Step, Trajectory

KEY = "step_scores"
"""The last step of an offered trajectory is ``{"step_scores": [one for each given step]}``."""


class JudgeSteps:
    """Walks to the end of the solution, scores it once, and offers the scores of its steps as the answer."""

    needs: ClassVar[Mapping[str, Need]] = {
        "policy": Need("policy"),
        "scorer": Need("scorer", frozenset({Capability.STEP_SCORES})),
    }

    async def search(self, problem: Problem, env: Env) -> None:
        """Write, score, offer.

        Raises:
            ContractError: the scorer gave another number of step scores than there are steps.
        """
        path = env.root
        while not env.finished(path):
            [children] = await env.propose([path], 1)
            if not children:
                return
            path = children[0]
        [score] = await env.score([path])
        if not score.failed and len(score.steps) != path.depth:
            raise ContractError(f"{path.depth} steps got {len(score.steps)} step scores")
        env.offer(_judged(path, score), score)


def _judged(path: Trajectory, score: Score) -> Trajectory:
    content: JSON = {KEY: [float(value) for value in score.steps]}
    return path.extend(Step(content, finish="stop"))


def step_scores_of(trajectory: Trajectory) -> list[float] | None:
    """The scores that a trajectory of this search ends with; ``None`` for any other trajectory."""
    content = trajectory.step.content if trajectory.step is not None else None
    if not isinstance(content, Mapping):
        return None
    scores: Any = content.get(KEY)
    return None if scores is None else [float(score) for score in scores]
