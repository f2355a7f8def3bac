"""The last word: a search by steps that the budget cuts short still gives an answer.

A budget of candidates may end a search before any answer is finished. So a round leaves one candidate over while there
is no answer, and where this one is all that is left, it writes the best beginning to its end:

    round      asks for all it wants, or for all but one of the candidates that are left;
               for that one too, if an answer is among them and the search offers every answer that it sees
    last word  one candidate left and no answer: the best beginning, written to its end in one go

Ours. A round that leaves something of the budget is drawn as if there were none. A round that takes exactly what is
left has the same law where every answer is offered; a search that chooses among the steps has one fewer to choose from.
An answer by last word belongs to no search's law. The trace says of both that they happened (``held_back``,
``last_word``).

What a call costs of generated tokens is known only afterwards. So a budget of them counts as one of candidates:

    as many as what is left would pay for, were each half as long again as the mean so far

The margin is for later steps that are longer; what it leaves is spent by further, smaller rounds. Budgets of other
counters can be spent without an answer.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from treewright.searches.step_scores import StepRule, combined
from treewright_registry import TO_END, Env, Sampling, Score, Trajectory

_LONGER = 1.5


class Beginning(NamedTuple):
    """An unfinished answer and how good it looks, ``Score.rank`` or the like; larger is better."""

    trajectory: Trajectory
    rank: float = 0.0


def candidates_left(env: Env) -> float:
    """How many candidates the budget still pays for, as it is, or as far as the costs so far tell."""
    left, tokens = env.remaining("candidates"), env.remaining("generated_tokens")
    cost = env.ledger.total()
    if tokens == inf or not cost.generated_tokens:
        return left
    return min(left, tokens * cost.candidates / (_LONGER * cost.generated_tokens))


def only_one_left(env: Env) -> bool:
    """Whether the budget has no more than the candidate of the last word."""
    return candidates_left(env) < 2


async def next_steps(
    env: Env,
    prefixes: Sequence[Trajectory],
    n: int,
    *,
    sampling: Sampling,
    role: str = "policy",
    answered: bool = False,
    offers_all: bool = False,
) -> list[list[Trajectory]]:
    """``n`` steps for each prefix, with one candidate left over until there is an answer.

    Args:
        env: the engine.
        prefixes: what the steps follow.
        n: how many for each.
        sampling: how they are drawn.
        role: who draws them.
        answered: whether there is an answer already; then nothing is kept back.
        offers_all: whether every finished step will be an answer.
    """
    left = candidates_left(env)
    if answered or left > len(prefixes) * n:
        return await env.propose(prefixes, n, role=role, sampling=sampling)
    env.note("held_back", 1.0)
    whole, rest = divmod(max(0, int(left) - 1), n)
    calls = [env.propose(prefixes[:whole], n, role=role, sampling=sampling)] if whole else []
    calls += [env.propose(prefixes[whole : whole + 1], rest, role=role, sampling=sampling)] if rest else []
    families = [family for part in await env.together(*calls) for family in part]
    families += [[] for _ in range(len(prefixes) - len(families))]
    if offers_all and any(env.finished(child) for family in families for child in family):
        [more] = await env.propose(prefixes[whole : whole + 1], 1, role=role, sampling=sampling)
        families[whole] = families[whole] + more
    return families


async def finish_best(
    env: Env,
    beginnings: Sequence[Beginning],
    *,
    temperature: float | None = None,
    role: str = "policy",
    step_scores: StepRule = "own",
) -> None:
    """Write the best beginning to its end, score and offer it.

    Args:
        env: the engine.
        beginnings: unfinished answers; of equally good ones the first is taken, of none the problem itself.
        temperature: sampling temperature; ``None`` leaves the policy's own.
        role: who writes.
        step_scores: how the answer's score is made of its steps' scores.
    """
    best = max(beginnings, key=lambda each: each.rank, default=Beginning(env.root))
    [answers] = await env.propose([best.trajectory], 1, role=role, sampling=TO_END._replace(temperature=temperature))
    finished = [answer for answer in answers if env.finished(answer)]
    scores: Sequence[Score] = await env.score(finished) if finished else []
    for answer, score in zip(finished, combined(scores, step_scores), strict=True):
        env.note("last_word", 1.0)
        env.offer(answer, score)
