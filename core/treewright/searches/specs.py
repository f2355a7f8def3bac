r"""SPECS, speculative drafts: siblings of a small model compete, a large one steps in where all are poor.

    author ← who begins
    repeat:
        if author is DRAFT:                                                                    # SUBSAMPLE
            y_1 … y_n ~ π_S;   S_i = β r_i + (log π_B(y_i | x) − log π_S(y_i | x))
            A = {i : S_i > τ_rej};   if A: i ~ softmax_A(S / T);  x += y_i;  go on drafting
        if nothing was chosen:                                                                 # CASCADE
            y_1 … y_n ~ π_B;   x += one of them, by reward
            author ← DRAFT if any r_i > τ_back else TARGET

Mode ``exact`` (the default) has a known law. A drafted block follows S-BoN(π_S, w, n) with weights
w = 1[S > τ_rej] e^{S/T}, a block of the target S-BoN(π_B, e^{β r}, n); with τ_rej = −∞ and T = 1 both
near the tilted target π_B e^{β r} / Z as n grows. With ``subsample: poisson-rejection`` the number of
drafts is Poisson(λ) and each is accepted by itself with probability a = min(1, e^S / M), M ≥ max e^S:
then an accepted draft has *exactly* the tilted law, and none is accepted with probability
exp(−λ E_S[a]). Over several blocks this is the tilted law of whole answers if r is the soft value
(1/β) log E_B[e^{β r(answer)} | x]; plain expected rewards end elsewhere.

Mode ``released`` follows the authors' code, with which none of this holds: see
``treewright.searches.specs_modes`` for all differences.

Sources: arXiv 2506.15733 and mert-cemri/SPECS ``src/sal/search/specalign_rejection.py``; its theory
second-hand, the Poisson form derived from it. Defaults: β and the rounds are those of the released
``run.sh``, n its middle value.

Needs a draft whose steps carry log-probabilities, a target that tells the likelihood of given steps
under the same sampling, and a scorer that judges unfinished trajectories.
"""

from collections.abc import Mapping, Sequence
from math import exp, inf, log, nan
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

from treewright.searches.drafted_blocks import DraftLikelihood, LengthNorm, Rounds, drafted_blocks, drafting_needs
from treewright.searches.last_word import Beginning, finish_best, next_steps, only_one_left
from treewright.searches.soft_choice import soft_choice
from treewright.searches.specs_modes import SETTINGS, Author, Mode, TargetChoice
from treewright_registry import Env, Key, Need, Problem, Sampling, Score, Trajectory

T = TypeVar("T")


class Block(NamedTuple):
    """A judged block.

    Attributes:
        trajectory: the prefix with the block.
        reward: the scorer's verdict.
        value: S of a draft, the reward of a target's block; NaN if it could not be judged.
    """

    trajectory: Trajectory
    reward: Score
    value: float


class Specs:
    """Speculative drafts with SUBSAMPLE and CASCADE. Options left at ``None`` follow the mode.

    Args:
        mode: ``exact`` as the theory assumes, ``released`` as the authors' code.
        n: blocks drawn at a time, of draft and target.
        beta: inverse temperature of the tilt.
        tau_reject: drafts with S up to it are rejected.
        tau_back: a reward of the target above it gives the next block to the draft.
        length_norm: ``sum`` or ``mean`` of the tokens' log-ratios.
        dedupe: count blocks with equal content once.
        selection_temperature: T of the softmax; 0 takes the largest S.
        target_choice: the target's block of ``best`` reward, or ``softmax`` of β r.
        subsample: ``softmax``, or ``poisson-rejection``.
        lam: mean number of drafts in the Poisson form; ``None``: n.
        bound: M of the Poisson form, at least the largest e^S there is; the law is exact only then.
        draft_likelihood: log π_S as ``sampled``, or ``scored`` by the draft's own ``log_likelihood``.
        steps: most blocks of an answer.
        temperature: sampling temperature of both policies.
        max_tokens: upper limit for each block; ``None`` follows the mode (exact: the policies' own, released: 512).
    """

    needs: ClassVar[Mapping[str, Need]] = drafting_needs("sampled")

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """The roles; how the draft's likelihood is known decides what the draft must be able to do."""
        return drafting_needs(options.get("draft_likelihood", "sampled"))

    def __init__(
        self,
        *,
        mode: Mode = "exact",
        n: int = 8,
        beta: float = 10.0,
        tau_reject: float | None = None,
        tau_back: float | None = None,
        length_norm: LengthNorm | None = None,
        dedupe: bool | None = None,
        selection_temperature: float | None = None,
        target_choice: TargetChoice | None = None,
        subsample: Literal["softmax", "poisson-rejection"] = "softmax",
        lam: float | None = None,
        bound: float | None = None,
        draft_likelihood: DraftLikelihood = "sampled",
        steps: int = 30,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        setting = SETTINGS[mode]
        self.setting = setting
        self.n = n
        self.beta = beta
        self.tau_reject = _or(tau_reject, beta * setting.reject_reward if setting.reject_reward > -inf else -inf)
        self.tau_back = _or(tau_back, setting.back_reward)
        self.length_norm: LengthNorm = _or(length_norm, setting.length_norm)
        self.dedupe = _or(dedupe, setting.dedupe)
        self.target_choice = _or(target_choice, setting.target_choice)
        self.subsample = subsample
        self.lam = _or(lam, float(n))
        self.log_bound = nan if bound is None or bound <= 0 else log(bound)
        self.draft_likelihood: DraftLikelihood = draft_likelihood
        self.steps = steps
        drawn_at = _or(temperature, setting.temperature)
        self.sampling = Sampling(temperature=drawn_at, max_tokens=_or(max_tokens, setting.max_tokens))
        self.selection_temperature = _or(selection_temperature, _or(setting.selection_temperature, _or(drawn_at, 1.0)))
        self._check()

    def _check(self) -> None:
        if min(self.n, self.steps) < 1:
            raise ValueError(f"n and steps must be at least 1, not {self.n} and {self.steps}")
        if not self.beta >= 0 or not self.selection_temperature >= 0:
            raise ValueError(
                f"beta and selection_temperature must be at least 0, not {self.beta} and {self.selection_temperature}"
            )
        if self.subsample == "softmax":
            return
        if self.log_bound != self.log_bound or not self.lam > 0:
            raise ValueError("subsample: poisson-rejection needs a positive bound (M ≥ the largest e^S) and lam")
        if self.dedupe or self.length_norm == "mean":
            raise ValueError("subsample: poisson-rejection needs dedupe: false and length_norm: sum (mode: exact)")

    async def search(self, problem: Problem, env: Env) -> None:
        """Block by block, by the draft or by the target, until the answer is finished."""
        prefix, author, rounds = env.root, self.setting.begins, Rounds(env)
        for step in range(self.steps):
            if only_one_left(env):
                await self._last_word(prefix, env)
                return
            chosen: Block | None = None
            if author == "draft":
                drafts = await self._drafts(prefix, step, env)
                live = self._live(drafts, env)
                if drafts and not live:
                    return
                chosen = self._subsample(live, env.random("draft", step))
                rounds.count(chosen is not None)
            if chosen is None:
                blocks = await self._of_target(prefix, env)
                live = self._live(blocks, env)
                chosen = self._best_or_drawn(live, env.random("target", step))
                author = self._cascade(live)
            if chosen is None:
                if only_one_left(env):
                    await self._last_word(prefix, env)
                return
            prefix = chosen.trajectory
            if env.finished(prefix):
                env.offer(prefix, chosen.reward)
                return

    # -- drafting ---------------------------------------------------------------------------------

    async def _drafts(self, prefix: Trajectory, step: int, env: Env) -> list[Block]:
        n = self.n if self.subsample == "softmax" else poisson(self.lam, env.random("number", step))
        if n == 0:
            return []
        drafts = await drafted_blocks(
            prefix,
            n,
            env,
            self.sampling,
            length_norm=self.length_norm,
            draft_likelihood=self.draft_likelihood,
        )
        return [Block(draft.trajectory, draft.score, draft.log_weight(self.beta)) for draft in drafts]

    def _subsample(self, drafts: Sequence[Block], draw: Key) -> Block | None:
        """SUBSAMPLE: one of the drafts with S > τ_rej, ``None`` if there is none."""
        index = self._accepted(drafts, draw) if self.subsample != "softmax" else self._drawn(drafts, draw)
        return None if index is None else drafts[index]

    def _drawn(self, drafts: Sequence[Block], draw: Key) -> int | None:
        """∝ e^{S/T} among those with S > τ_rej."""
        values = [draft.value if draft.value > self.tau_reject else -inf for draft in drafts]
        return _at_temperature(values, self.selection_temperature, draw)

    def _accepted(self, drafts: Sequence[Block], draw: Key) -> int | None:
        """The first draft that is accepted, each by itself with probability min(1, e^S / M)."""
        for index, draft in enumerate(drafts):
            if draft.value > self.tau_reject:  # false for NaN
                acceptance = exp(min(0.0, draft.value - self.log_bound))
                if draw.child(index).uniform() < acceptance:
                    return index
        return None

    # -- the target -------------------------------------------------------------------------------

    async def _of_target(self, prefix: Trajectory, env: Env) -> list[Block]:
        [children] = await next_steps(env, [prefix], self.n, role="target", sampling=self.sampling)
        scores = await env.score(children) if children else []
        return [Block(child, score, score.value) for child, score in zip(children, scores, strict=True)]

    def _best_or_drawn(self, blocks: Sequence[Block], draw: Key) -> Block | None:
        if self.target_choice == "best":
            index = _at_temperature([block.value for block in blocks], 0.0, draw)
        else:
            index = _at_temperature([self.beta * block.value for block in blocks], self.selection_temperature, draw)
        return None if index is None else blocks[index]

    def _cascade(self, blocks: Sequence[Block]) -> Author:
        """CASCADE: who makes the next block."""
        return "draft" if any(block.value > self.tau_back for block in blocks) else "target"

    async def _last_word(self, prefix: Trajectory, env: Env) -> None:
        await finish_best(env, [Beginning(prefix)], role="target", temperature=self.sampling.temperature)

    # -- both -------------------------------------------------------------------------------------

    def _live(self, blocks: Sequence[Block], env: Env) -> list[Block]:
        """What may be chosen; finished blocks that are kept aside are offered at once."""
        if self.setting.pool:
            for block in blocks:
                if env.finished(block.trajectory):
                    env.offer(block.trajectory, _at(block.value, block.reward))
            blocks = [block for block in blocks if not env.finished(block.trajectory)]
        if not self.dedupe:
            return list(blocks)
        distinct: dict[bytes, Block] = {}
        for block in blocks:
            distinct.setdefault(block.trajectory.key, block)
        return list(distinct.values())


def poisson(mean: float, draw: Key) -> int:
    """A Poisson number: arrivals of a process of rate 1 before time ``mean``."""
    generator = draw.generator()
    arrivals, time = 0, generator.expovariate(1.0)
    while time < mean:
        arrivals += 1
        time += generator.expovariate(1.0)
    return arrivals


def _at_temperature(values: Sequence[float], temperature: float, draw: Key) -> int | None:
    """An index ∝ e^{value / T}; at T = 0 the largest value, the first of equals. Never −inf or NaN."""
    if temperature > 0:
        return soft_choice([value / temperature for value in values], draw)
    best, best_value = None, -inf
    for index, value in enumerate(values):
        if value > best_value:
            best, best_value = index, value
    return best


def _at(value: float, reward: Score) -> Score:
    """A final score: the reward's, at another value."""
    if -inf < value < inf:
        return reward._replace(value=value)
    return Score(nan, reason=reward.reason or "the draft has no score: a likelihood failed, or the target excludes it")


def _or(value: T | None, otherwise: T) -> T:
    return otherwise if value is None else value
