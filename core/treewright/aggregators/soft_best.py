"""Soft best-of-n: a candidate drawn with probability proportional to exp(β · score).

    P(i) = exp(β s_i) / Σ_j exp(β s_j)

The law S-BoN(π, e^{βr}, n) of the best-of-n literature; β → ∞ gives best-of-n.
"""

from collections.abc import Mapping, Sequence
from math import exp
from typing import Any

from treewright.searches.step_scores import StepRule, aggregator_needs, rescored
from treewright_registry import Candidate, Env, Need, Problem


class SoftBest:
    """Draws the answer by its score.

    Args:
        beta: inverse temperature, at least 0 (ours; 0 draws uniformly).
        step_scores: by which score: ``own`` is the one that the search offered, the others are made of the scores
            of the answer's steps.
    """

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """Nothing, or a scorer that scores steps."""
        return aggregator_needs(options)

    def __init__(self, *, beta: float = 10.0, step_scores: StepRule = "own") -> None:
        if not beta >= 0:
            raise ValueError(f"beta must be at least 0, not {beta}")
        self.beta = beta
        self.step_scores = step_scores

    async def aggregate(self, problem: Problem, candidates: Sequence[Candidate], env: Env) -> Sequence[Candidate]:
        """The drawn candidate, then the others, best score first; ties in order of offer."""
        candidates = rescored(candidates, self.step_scores)
        top = max(candidate.score.rank for candidate in candidates)
        if top == float("-inf"):  # every score failed: all are equally good
            weights = [1.0] * len(candidates)
        else:
            weights = [exp(self.beta * (candidate.score.rank - top)) for candidate in candidates]
        drawn = env.random("soft-best").choice(weights)
        others = [candidate for index, candidate in enumerate(candidates) if index != drawn]
        return [candidates[drawn], *sorted(others, key=lambda candidate: -candidate.score.rank)]
