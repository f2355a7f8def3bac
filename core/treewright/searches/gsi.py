r"""GSI, guided speculative inference: soft best-of-n of the target, made of drafts of a small model.

    repeat until the answer is finished:
        y_1 … y_n ~ π_S
        r̃_i = r_i + (log π_B(y_i | x) − log π_S(y_i | x)) / β             (log-probabilities summed over tokens)
        i ~ softmax(β r̃)
        if r̃_i ≥ u:  x += y_i
        else:        z_1 … z_m ~ π_B;   j ~ softmax(β r(z));   x += z_j

Law of a block. Without threshold it is P_n = S-BoN(π_S, e^{β r̃}, n), which nears the tilted target
π* = π_B e^{βr} / Z as n grows: KL(π* ‖ P_n) ≤ log(1 + χ²(π* ‖ π_S) / n). With threshold it is exactly

    P(y) = P_n(y) 1[r̃(y) ≥ u] + P_n(r̃ < u) Q_m(y),      Q_m = S-BoN(π_B, e^{βr}, m)

which does *not* near π*: its limit is π* 1[r̃ ≥ u] + π*(r̃ < u) π*.

Source: arXiv 2506.04118 and j-geuter/GSI ``inference/speculative.py`` (β 20, u 0.5, n = m = 16,
temperature 0.7, 512 tokens a step, 45 steps; the paper itself was not read). The released code ends a
problem without a word where no reward reaches 0.1; here only if ``low_reward`` says so. The choice by
exponential noise, argmax(β min(r̃, clip) + Exp(1)), is report-noisy-max after a later paper's summary
(second-hand; what the clip of 0.45 there applies to is our reading). Where the budget leaves one
candidate, the target has the last word (``last_word``).

Needs a draft whose steps carry log-probabilities, a target that tells the likelihood of given steps
under the same sampling (top-p and the like break the identity), and a scorer that judges unfinished
trajectories.
"""

from collections.abc import Mapping, Sequence
from math import inf, log
from typing import Any, ClassVar, Literal, NamedTuple

from treewright.searches.drafted_blocks import DraftedBlock, DraftLikelihood, Rounds, drafted_blocks, drafting_needs
from treewright.searches.last_word import Beginning, finish_best, next_steps, only_one_left
from treewright.searches.soft_choice import soft_choice
from treewright_registry import Env, Key, Need, Problem, Sampling, Score, Trajectory


class Block(NamedTuple):
    """A step that was chosen, and its reward."""

    trajectory: Trajectory
    score: Score


class Gsi:
    """Guided speculative inference.

    Args:
        n: drafts of a step.
        n_target: steps of the target where the draft is rejected; ``None``: as many as drafts.
        beta: inverse temperature of the tilt.
        threshold: u; ``None`` takes every draft that can be drawn at all.
        threshold_on: what u is compared with, the ``tilted`` reward r̃ or the ``raw`` r.
        selection: ``softmax``, or ``noisy-max`` with exponential noise.
        clip: r̃ above it counts as much as it, for ``noisy-max``; ``None`` clips nothing.
        low_reward: end the problem where no reward of a round reaches it (released: 0.1).
        draft_likelihood: log π_S as ``sampled``, or ``scored`` by the draft's own ``log_likelihood``.
        steps: most steps of an answer.
        temperature: sampling temperature of both policies; ``None`` leaves their own, which must then agree.
        max_tokens: upper limit for each step; ``None`` leaves the policies' own.
    """

    needs: ClassVar[Mapping[str, Need]] = drafting_needs("sampled")

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """The roles; how the draft's likelihood is known decides what the draft must be able to do."""
        return drafting_needs(options.get("draft_likelihood", "sampled"))

    def __init__(
        self,
        *,
        n: int = 16,
        n_target: int | None = None,
        beta: float = 20.0,
        threshold: float | None = 0.5,
        threshold_on: Literal["tilted", "raw"] = "tilted",
        selection: Literal["softmax", "noisy-max"] = "softmax",
        clip: float | None = None,
        low_reward: float | None = None,
        draft_likelihood: DraftLikelihood = "sampled",
        steps: int = 45,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        self.n = n
        self.n_target = n if n_target is None else n_target
        self.beta = beta
        self.threshold = threshold
        self.threshold_on = threshold_on
        self.selection = selection
        self.clip = clip
        self.low_reward = low_reward
        self.draft_likelihood: DraftLikelihood = draft_likelihood
        self.steps = steps
        self.sampling = Sampling(temperature=temperature, max_tokens=max_tokens)
        self._check()

    def _check(self) -> None:
        if min(self.n, self.n_target, self.steps) < 1:
            raise ValueError(f"n, n_target and steps must be at least 1, not {self.n}, {self.n_target}, {self.steps}")
        if not self.beta >= 0:
            raise ValueError(f"beta must be at least 0, not {self.beta}")
        if self.beta == 0 and self.threshold is not None and self.threshold_on == "tilted":
            raise ValueError("beta 0 has no tilted reward to compare a threshold with; set  threshold: null")

    async def search(self, problem: Problem, env: Env) -> None:
        """Step by step: a drafted step, or one of the target's, until the answer is finished."""
        prefix, rounds = env.root, Rounds(env)
        for step in range(self.steps):
            if only_one_left(env):
                await self._last_word(prefix, env)
                return
            drafts = await drafted_blocks(prefix, self.n, env, self.sampling, draft_likelihood=self.draft_likelihood)
            if self._hopeless([draft.score for draft in drafts]):
                return
            draft = self._drafted(drafts, step, env)
            rounds.count(draft is not None)
            block = draft or await self._of_target(prefix, step, env)
            if block is None:
                if only_one_left(env):
                    await self._last_word(prefix, env)
                return
            prefix = block.trajectory
            if env.finished(prefix):
                env.offer(prefix, block.score)
                return

    def _drafted(self, drafts: Sequence[DraftedBlock], step: int, env: Env) -> Block | None:
        """A draft ∝ e^{β r̃}, ``None`` if there is none or it is rejected."""
        index = self._choose([draft.log_weight(self.beta) for draft in drafts], env.random("draft", step))
        if index is None or not self._accepts(drafts[index]):
            return None
        return Block(drafts[index].trajectory, drafts[index].score)

    def _accepts(self, draft: DraftedBlock) -> bool:
        if self.threshold is None:
            return True
        if self.threshold_on == "raw":
            return draft.score.value >= self.threshold
        return draft.log_weight(self.beta) / self.beta >= self.threshold

    async def _of_target(self, prefix: Trajectory, step: int, env: Env) -> Block | None:
        """A step of the target ∝ e^{β r}, ``None`` if there is none that could be scored."""
        [children] = await next_steps(env, [prefix], self.n_target, role="target", sampling=self.sampling)
        scores = await env.score(children) if children else []
        if self._hopeless(scores):
            return None
        index = self._choose([self.beta * score.value for score in scores], env.random("target", step))
        return None if index is None else Block(children[index], scores[index])

    async def _last_word(self, prefix: Trajectory, env: Env) -> None:
        await finish_best(env, [Beginning(prefix)], role="target", temperature=self.sampling.temperature)

    def _choose(self, log_weights: Sequence[float], draw: Key) -> int | None:
        if self.selection == "softmax":
            return soft_choice(log_weights, draw)
        return noisy_max(log_weights, inf if self.clip is None else self.beta * self.clip, draw)

    def _hopeless(self, scores: Sequence[Score]) -> bool:
        values = [score.value for score in scores if not score.failed]
        return self.low_reward is not None and bool(values) and max(values) < self.low_reward


def noisy_max(log_weights: Sequence[float], clip: float, draw: Key) -> int | None:
    """The index of the largest min(log-weight, clip) + Exp(1); ``None`` where no weight is above −inf."""
    best, best_value = None, -inf
    for index, weight in enumerate(log_weights):
        value = min(weight, clip) - log(1.0 - draw.child(index).uniform())
        if value > best_value:  # false for NaN: what could not be judged is never chosen
            best, best_value = index, value
    return best
