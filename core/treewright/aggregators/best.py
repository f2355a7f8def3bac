"""Best-of-n: the candidate with the highest score."""

from collections.abc import Mapping, Sequence
from typing import Any

from treewright.searches.step_scores import StepRule, aggregator_needs, rescored
from treewright_registry import Candidate, Env, Need, Problem


class Best:
    """argmax of the score; ties go to the candidate offered first, failed scores come last.

    Args:
        step_scores: by which score: ``own`` is the one that the search offered, the others are made of the scores
            of the answer's steps.
    """

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """Nothing, or a scorer that scores steps."""
        return aggregator_needs(options)

    def __init__(self, *, step_scores: StepRule = "own") -> None:
        self.step_scores = step_scores

    async def aggregate(self, problem: Problem, candidates: Sequence[Candidate], env: Env) -> Sequence[Candidate]:
        """All candidates, best score first."""
        return sorted(rescored(candidates, self.step_scores), key=lambda candidate: -candidate.score.rank)
