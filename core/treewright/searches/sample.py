"""Sampling: n independent complete answers.

With an aggregator this is the whole best-of-n family: ``core/best`` gives best-of-n,
``core/soft-best`` soft best-of-n, ``core/majority`` self-consistency, ``core/weighted-vote``
weighted best-of-n.

Needs a policy; scores the answers if the pipeline has a scorer.
"""

from collections.abc import Mapping
from typing import ClassVar

from treewright.searches.optional_scorer import scored
from treewright_registry import TO_END, Env, Need, Problem


class Sample:
    """n answers drawn independently from the policy.

    Args:
        n: how many answers (search-and-learn's default is 4).
        temperature: sampling temperature; ``None`` leaves the policy's own.
        wave: how many to ask for at once. Smaller waves let a budget in tokens stop earlier.
    """

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy"), "scorer": Need("scorer", optional=True)}

    def __init__(self, *, n: int = 4, temperature: float | None = None, wave: int = 4096) -> None:
        if n < 1 or wave < 1:
            raise ValueError(f"n and wave must be at least 1, not {n} and {wave}")
        self.n = n
        self.wave = wave
        self.sampling = TO_END._replace(temperature=temperature)

    async def search(self, problem: Problem, env: Env) -> None:
        """Draw in waves, score each wave, offer every finished answer."""
        left = self.n
        while left > 0:
            asked = min(left, self.wave)
            left -= asked
            [answers] = await env.propose([env.root], asked, sampling=self.sampling)
            finished = [answer for answer in answers if env.finished(answer)]
            for answer, score in zip(finished, await scored(finished, env), strict=True):
                env.offer(answer, score)
