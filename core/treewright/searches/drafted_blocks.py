r"""Blocks drawn from a draft policy, with their rewards and how much likelier the target finds them.

    log-ratio = log π_B(y | x) − log π_S(y | x)

π_S is the draft, π_B the target, y a block (one step) after the prefix x. Rewards and likelihoods are
asked for at the same time: target and scorer work side by side.
"""

from collections.abc import Mapping
from math import inf, nan
from typing import Literal, NamedTuple, TypeAlias

from treewright.searches.last_word import next_steps
from treewright_registry import Capability, ContractError, Env, Likelihood, Need, Sampling, Score, Step, Trajectory

LengthNorm: TypeAlias = Literal["sum", "mean"]
DraftLikelihood: TypeAlias = Literal["sampled", "scored"]


class DraftedBlock(NamedTuple):
    """A drafted block and what is known of it.

    Attributes:
        trajectory: the prefix with the block.
        score: the reward; NaN if scoring failed.
        log_ratio: target over draft; −inf where the target excludes the block, NaN if a likelihood failed.
    """

    trajectory: Trajectory
    score: Score
    log_ratio: float

    def log_weight(self, beta: float) -> float:
        """β r + log-ratio: the logarithm of the draft's importance weight for the tilted target."""
        return beta * self.score.value + self.log_ratio


def drafting_needs(draft_likelihood: str) -> Mapping[str, Need]:
    """The roles of a search that drafts: its draft must know log π_S in the way that is asked for."""
    of_draft = Capability.LOG_LIKELIHOOD if draft_likelihood == "scored" else Capability.LOG_PROBABILITY
    return {
        "draft": Need("policy", frozenset({of_draft})),
        "target": Need("policy", frozenset({Capability.LOG_LIKELIHOOD})),
        "scorer": Need("scorer", frozenset({Capability.PARTIAL})),
    }


async def drafted_blocks(
    prefix: Trajectory,
    n: int,
    env: Env,
    sampling: Sampling,
    *,
    length_norm: LengthNorm = "sum",
    draft_likelihood: DraftLikelihood = "sampled",
) -> list[DraftedBlock]:
    """Draw at most ``n`` blocks from the draft and judge them; of a budget's candidates one is left over.

    Args:
        prefix: what the blocks follow.
        n: how many.
        env: the engine.
        sampling: for drawing and for both likelihoods; the log-ratio is exact only if they agree.
        length_norm: ``sum`` of the tokens' log-probabilities, or their ``mean`` (no importance weight).
        draft_likelihood: log π_S as ``sampled``, or ``scored`` like log π_B (for models whose tokens differ,
            or servers that tell no log-probabilities of their samples).
    """
    [children] = await next_steps(env, [prefix], n, role="draft", sampling=sampling)
    if not children:
        return []
    calls = [env.score(children), env.log_likelihood(children, role="target", sampling=sampling)]
    if draft_likelihood == "scored":
        calls.append(env.log_likelihood(children, role="draft", sampling=sampling))
    scores, of_target, *rest = await env.together(*calls)
    of_draft = rest[0] if rest else [_sampled(child.step) for child in children]
    ratios = [_log_ratio(big, small, length_norm) for big, small in zip(of_target, of_draft, strict=True)]
    return [DraftedBlock(*parts) for parts in zip(children, scores, ratios, strict=True)]


def _sampled(step: Step | None) -> Likelihood:
    if step is None or step.log_probability is None:
        raise ContractError(
            "the draft's steps carry no log-probabilities; use a policy that gives them, or draft_likelihood: scored"
        )
    return Likelihood(step.log_probability, step.tokens)


def _log_ratio(target: Likelihood, draft: Likelihood, length_norm: LengthNorm) -> float:
    big, small = target.log_probability, draft.log_probability
    if small == -inf or big == inf:  # no draft can have drawn the one, no law has the other: wrong figures
        return nan
    if length_norm == "mean":
        return big / max(1, target.tokens) - small / max(1, draft.tokens)
    return big - small


class Rounds:
    """Notes how many rounds a problem's search has drafted in, and in how many of them it took a draft.

    Args:
        env: the engine; gets the notes ``rounds`` and ``accepted_drafts``.
    """

    def __init__(self, env: Env) -> None:
        self._env, self._rounds, self._accepted = env, 0, 0

    def count(self, accepted: bool) -> None:
        """Count a round in which something was drafted."""
        self._rounds += 1
        self._accepted += accepted
        self._env.note("rounds", float(self._rounds))
        self._env.note("accepted_drafts", float(self._accepted))
