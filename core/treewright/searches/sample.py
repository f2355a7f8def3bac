"""Sampling: n independent complete answers.

With an aggregator this is the whole best-of-n family: ``core/best`` gives best-of-n,
``core/soft-best`` soft best-of-n, ``core/majority`` self-consistency, ``core/weighted-vote``
weighted best-of-n.

Needs a policy; scores the answers if the pipeline has a scorer.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from treewright.searches.optional_scorer import scored
from treewright.searches.step_scores import StepRule, combined, scorer_need
from treewright_registry import TO_END, Env, Need, Problem


class Sample:
    """n answers drawn independently from the policy.

    Args:
        n: how many answers (search-and-learn's default is 4).
        temperature: sampling temperature; ``None`` leaves the policy's own.
        wave: how many to ask for at once. Smaller waves let a budget in tokens stop earlier.
        step_scores: how an answer's score is made of its steps' scores; ``own``: as the scorer does
            (search-and-learn uses ``last``, openr ``min`` or ``last``).
    """

    needs: ClassVar[Mapping[str, Need]] = {"policy": Need("policy"), "scorer": Need("scorer", optional=True)}

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """The roles, with the step scores that the options ask for."""
        return {**Sample.needs, "scorer": scorer_need(options, optional=True)}

    def __init__(
        self,
        *,
        n: int = 4,
        temperature: float | None = None,
        wave: int = 4096,
        step_scores: StepRule = "own",
    ) -> None:
        if n < 1 or wave < 1:
            raise ValueError(f"n and wave must be at least 1, not {n} and {wave}")
        self.n = n
        self.wave = wave
        self.step_scores = step_scores
        self.sampling = TO_END._replace(temperature=temperature)

    async def search(self, problem: Problem, env: Env) -> None:
        """Draw in waves, score each wave, offer every finished answer."""
        left = self.n
        while left > 0:
            asked = min(left, self.wave)
            left -= asked
            [answers] = await env.propose([env.root], asked, sampling=self.sampling)
            finished = [answer for answer in answers if env.finished(answer)]
            scores = await scored(finished, env)
            rule: StepRule = self.step_scores if env.has("scorer") else "own"
            for answer, score in zip(finished, combined(scores, rule), strict=True):
                env.offer(answer, score)
