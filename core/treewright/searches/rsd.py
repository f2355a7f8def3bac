r"""RSD, reward-guided speculative decoding: a cheap step is kept if the scorer likes it, else replaced.

    y ~ π_S;  keep y with probability ω(r(y)), else y ~ π_B                    (one step, again and again)
    P(y) = π_S(y) ω(r(y)) + (1 − E_S[ω(r)]) π_B(y)

π_S is the draft, π_B the target, r the scorer's value as it is. ``threshold``, ``clip`` and ``ratio`` assume a
probability and are refused with a scorer whose range is not within [0, 1].
No likelihoods are used, so the law is this mixture, not the tilted law e^{βr} π_B / Z.

    ω(r):  constant   ``probability``
           threshold  1 if r ≥ δ else 0
           clip       min(max(r, 0), 1)
           ratio      max(0, r / (1 + r))
           logistic   1 / (1 + e^{−α (r − δ)})

With n > 1 it is "RSD adapted to best-of-n": the draft is one of n, drawn ∝ e^{βr}; the replacement
likewise one of n steps of the target. Then π_S and π_B above become S-BoN(π_S, e^{βr}, n) and
S-BoN(π_B, e^{βr}, n).

Sources: Liao et al. (arXiv 2501.19324) and BaohaoLiao/RSD ``main_online.py`` (ω threshold, δ 0.7,
greedy steps, at most 100 of them, patience 5); the variant and its β 20 from j-geuter/GSI. The
constants of the other ω are ours. The released patience counts rounds in which no problem *of the
batch* ends, so that an answer depends on its company; here a problem counts its own rounds that bring
nothing: no step, or the step before once more.

Needs a draft, a target, and a scorer that judges unfinished trajectories; no log-probabilities.
"""

from collections.abc import Callable, Mapping
from math import exp
from typing import ClassVar, Literal, NamedTuple

from treewright.searches.drafted_blocks import Rounds
from treewright.searches.last_word import Beginning, finish_best, next_steps, only_one_left
from treewright.searches.soft_choice import soft_choice
from treewright_registry import Capability, ConfigurationError, Env, Need, Problem, Sampling, Score, Trajectory

_ANY_RANGE = ("constant", "logistic")  # the ω that do not take r for a probability


class Block(NamedTuple):
    """A step and its score, ``None`` where it was not scored."""

    trajectory: Trajectory
    score: Score | None


class Rsd:
    """Reward-guided speculative decoding.

    Args:
        omega: the probability of keeping a draft, as a function of its score.
        delta: the threshold, or the centre of ``logistic``.
        alpha: steepness of ``logistic``.
        probability: of ``constant``.
        n: steps drawn at a time; 1 is RSD.
        beta: inverse temperature of the choice among n; unused with n = 1.
        steps: most steps of an answer.
        patience: rounds in a row without a new step until the problem ends.
        temperature: sampling temperature of both policies; ``None`` leaves their own (released: 0).
        max_tokens: upper limit for each step; ``None`` leaves the policies' own.
    """

    needs: ClassVar[Mapping[str, Need]] = {
        "draft": Need("policy"),
        "target": Need("policy"),
        "scorer": Need("scorer", frozenset({Capability.PARTIAL})),
    }

    def __init__(
        self,
        *,
        omega: Literal["constant", "threshold", "clip", "ratio", "logistic"] = "threshold",
        delta: float = 0.7,
        alpha: float = 10.0,
        probability: float = 0.5,
        n: int = 1,
        beta: float = 20.0,
        steps: int = 100,
        patience: int = 5,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        if min(n, steps, patience) < 1:
            raise ValueError(f"n, steps and patience must be at least 1, not {n}, {steps}, {patience}")
        if not 0 <= probability <= 1:
            raise ValueError(f"probability must be in [0, 1], not {probability}")
        if not beta >= 0:
            raise ValueError(f"beta must be at least 0, not {beta}")
        self.omega_name = omega
        self.omega = _omega(omega, delta, alpha, probability)
        self.n = n
        self.beta = beta
        self.steps = steps
        self.patience = patience
        self.sampling = Sampling(temperature=temperature, max_tokens=max_tokens)

    async def search(self, problem: Problem, env: Env) -> None:
        """Step by step: keep the draft or replace it, until the answer is finished."""
        self._check_range(*env.range())
        prefix, rounds, fruitless = env.root, Rounds(env), 0
        for step in range(self.steps):
            if only_one_left(env):
                await finish_best(env, [Beginning(prefix)], role="target", temperature=self.sampling.temperature)
                return
            draft = await self._draft(prefix, step, env)
            rounds.count(draft is not None)
            block = draft or await self._replace(prefix, step, env)
            fruitless = fruitless + 1 if block is None or _repeats(block.trajectory) else 0
            if block is not None:
                prefix = block.trajectory
                if env.finished(prefix):
                    await _offer(block, env)
                    return
            if fruitless >= self.patience:
                return

    def _check_range(self, low: float, high: float) -> None:
        if self.omega_name not in _ANY_RANGE and not 0.0 <= low <= high <= 1.0:
            raise ConfigurationError(
                f"core/rsd with omega: {self.omega_name} needs a scorer whose range lies in [0, 1], not"
                f" [{low:g}, {high:g}]: it takes the score for a probability; use such a scorer, or omega: logistic"
                " with delta and alpha in the scorer's own units"
            )

    async def _draft(self, prefix: Trajectory, step: int, env: Env) -> Block | None:
        """One step of the draft, ``None`` if there is none or it is rejected."""
        [children] = await next_steps(env, [prefix], self.n, role="draft", sampling=self.sampling)
        block = await self._one_of(children, "draft", step, env)
        if block is None or block.score is None:
            return None
        kept = env.random("keep", step).uniform() < self.omega(block.score.value)
        return block if kept else None

    async def _replace(self, prefix: Trajectory, step: int, env: Env) -> Block | None:
        """One step of the target; alone it is not scored."""
        [children] = await next_steps(env, [prefix], self.n, role="target", sampling=self.sampling)
        if self.n == 1:
            return Block(children[0], None) if children else None
        return await self._one_of(children, "target", step, env)

    async def _one_of(self, children: list[Trajectory], role: str, step: int, env: Env) -> Block | None:
        """A child drawn ∝ e^{βr}; ``None`` if none could be scored."""
        scores = await env.score(children) if children else []
        index = soft_choice([self.beta * score.value for score in scores], env.random(role, step))
        return None if index is None else Block(children[index], scores[index])


def _repeats(trajectory: Trajectory) -> bool:
    before = trajectory.parent.step if trajectory.parent is not None else None
    return before is not None and trajectory.step is not None and before.content == trajectory.step.content


async def _offer(block: Block, env: Env) -> None:
    score = block.score
    if score is None:  # the last step came from the target: judged here, so that the answer has a score
        [score] = await env.score([block.trajectory])
    env.offer(block.trajectory, score)


def _omega(name: str, delta: float, alpha: float, probability: float) -> Callable[[float], float]:
    return {
        "constant": lambda r: probability,
        "threshold": lambda r: 1.0 if r >= delta else 0.0,
        "clip": lambda r: min(max(r, 0.0), 1.0),
        "ratio": lambda r: max(0.0, r / (1 + r)),
        "logistic": lambda r: _logistic(alpha * (r - delta)),
    }[name]


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))  # never the exponential of a large number
