"""Lookahead: judge a step by where it leads when the policy goes on greedily.

    continue each step by k greedy steps (temperature 0), score the longer text, keep only the step

Source: search-and-learn describes it for beam search and DVTS. Its beam search writes the continuation and then scores
the text without it; here both searches score the text with it. What is written ahead is thrown away, and costs
candidates like any other step; the last candidate of a budget is not spent on it, but left for an answer.
"""

from collections.abc import Sequence

from treewright.searches.last_word import candidates_left
from treewright.searches.step_scores import StepRule, combined
from treewright_registry import Env, Sampling, Score, Trajectory

_GREEDY = Sampling(temperature=0.0)


async def foreseen(trajectories: Sequence[Trajectory], lookahead: int, rule: StepRule, env: Env) -> Sequence[Score]:
    """A score for each trajectory, taken ``lookahead`` greedy steps further on (or at its end, if that comes first)."""
    ahead = list(trajectories)
    for _ in range(lookahead):
        unfinished = [index for index, trajectory in enumerate(ahead) if not env.finished(trajectory)]
        left = candidates_left(env) - 1
        unfinished = unfinished if left >= len(unfinished) else unfinished[: max(0, int(left))]
        if not unfinished:
            break
        families = await env.propose([ahead[index] for index in unfinished], 1, sampling=_GREEDY)
        for index, family in zip(unfinished, families, strict=True):
            ahead[index] = family[0] if family else ahead[index]  # a failed step is judged as far as it came
    return combined(await env.score(ahead), rule)
