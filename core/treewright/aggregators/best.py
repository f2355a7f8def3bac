"""Best-of-n: the candidate with the highest score."""

from collections.abc import Sequence

from treewright_registry import Candidate, Env, Problem


class Best:
    """argmax of the score; ties go to the candidate offered first, failed scores come last."""

    async def aggregate(self, problem: Problem, candidates: Sequence[Candidate], env: Env) -> Sequence[Candidate]:
        """All candidates, best score first."""
        return sorted(candidates, key=lambda candidate: -candidate.score.rank)
