"""Aggregator ``math/best-or-majority``: the highest score wins; where scores tell nothing, the most frequent answer."""

from collections.abc import Sequence

from treewright.aggregators.best import Best
from treewright.aggregators.votes import Majority
from treewright_registry import Candidate, Env, Problem


class BestOrMajority:
    """Best-of-n as far as there are scores that differ.

    The highest score wins; ties go to the candidate offered first, failed scores come last. If all scores are equal,
    as where no reward is stored, or all failed, the answer that most candidates give wins.
    """

    async def aggregate(self, problem: Problem, candidates: Sequence[Candidate], env: Env) -> Sequence[Candidate]:
        """By score all candidates, best first; by votes one for each answer, the most frequent first."""
        values = {candidate.score.value for candidate in candidates if not candidate.score.failed}
        rule = Best() if len(values) > 1 or _some_failed(candidates, values) else Majority()
        return await rule.aggregate(problem, candidates, env)


def _some_failed(candidates: Sequence[Candidate], values: set[float]) -> bool:
    """Whether candidates with a score stand beside others without."""
    return bool(values) and any(candidate.score.failed for candidate in candidates)
