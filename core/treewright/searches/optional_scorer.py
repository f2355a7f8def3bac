"""Scoring where a scorer is optional."""

from collections.abc import Sequence

from treewright_registry import Env, Score, Trajectory

UNSCORED = Score(0.0)  # what every answer gets where the pipeline has no scorer


async def scored(trajectories: Sequence[Trajectory], env: Env) -> Sequence[Score]:
    """The scorer's verdicts, or equal scores if the pipeline has no scorer."""
    if not trajectories:
        return []
    return await env.score(trajectories) if env.has("scorer") else [UNSCORED] * len(trajectories)
