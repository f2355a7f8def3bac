"""Search ``math/replay``: draws stored solutions and offers them with their stored rewards."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from treewright_math.recorded.samples import replayed, samples_of
from treewright_registry import TO_END, Env, Need, Problem, Score, Trajectory

UNSCORED = Score(0.0)


class Replay:
    """Stored solutions, each offered with the reward that is stored with it.

    If the pipeline has a scorer, its verdicts take the place of the stored rewards. A solution without a reward is
    offered with a failed score: it loses to those that have one, and still has its vote in a majority. Where none of
    those drawn has a reward, all are offered as equals.

    Args:
        n: how many solutions to draw; as many as there are, if they are fewer.
    """

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy"), "scorer": Need("scorer", optional=True)}

    def __init__(self, *, n: int = 4096) -> None:
        if n < 1:
            raise ValueError(f"n must be at least 1, not {n}")
        self.n = n

    async def search(self, problem: Problem, env: Env) -> None:
        """Draw once, since two requests would draw the same solutions again; offer all.

        Raises:
            CallFailed: the problem has no stored solutions. Nothing is asked for then: a policy that writes its
                answers itself would write thousands.
        """
        wanted = min(self.n, len(samples_of(problem)))
        [answers] = await env.propose([env.root], wanted, sampling=TO_END)
        finished = [answer for answer in answers if env.finished(answer)]
        if not finished:
            return
        scores = await env.score(finished) if env.has("scorer") else stored_rewards(finished)
        for answer, score in zip(finished, scores, strict=True):
            env.offer(answer, score)


def stored_rewards(answers: Sequence[Trajectory]) -> list[Score]:
    """The reward of each replayed solution, failed where none is stored; equal ones if none has any."""
    rewards = [(replayed(answer) or {}).get("score") for answer in answers]
    if all(reward is None for reward in rewards):
        return [UNSCORED] * len(answers)
    return [_scored(reward) for reward in rewards]


def _scored(reward: float | None) -> Score:
    if reward is None:
        return Score(float("nan"), reason="no score is stored with this sample")
    return Score(float(reward))
