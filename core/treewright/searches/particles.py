r"""Sequential Monte Carlo over reasoning steps: the sweep that particle filter and particle Gibbs share.

Every particle carries a logarithmic weight W, so that the mean of exp(W) estimates the evidence without bias at any
time. A round is

    resample   i ~ v,  v_i ∝ exp(W_i / τ);           W ← W_i − log(N v_i)
    propagate  one step of the policy                (the draft, if speculative)
    weight     W ← W + log g_t [ + log π_target(step) − log π_draft(step) ]

A finished particle stays as it is: its later incremental weights are 1. Nothing is resampled after the last round.

The target is gamma(x) = Π π(x_t | x_<t) · Π g(x_1:t) with ``target: steps``, for scores that judge the newest step,
and gamma(x) = Π π(x_t | x_<t) · g(x_1:T) with ``target: whole``, for scores that judge all steps so far (products,
minima, values): then the incremental weight is g(x_1:t) / g(x_1:t−1).

A particle that is lost, because the budget or the policy gave no step or its score or likelihood failed, is as one of
weight 0 from then on. That is not what its target says, so a sweep that lost one estimates no evidence. Where the
budget leaves one candidate and nothing is finished, the best-scored particle has a last word (``last_word``).

A pinned reference (conditional SMC) keeps place 0 and has at each step the weight that it had at that step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum, inf, isnan, log, log1p
from typing import Any, Literal, NamedTuple, TypeAlias

from treewright.searches.last_word import Beginning, finish_best, next_steps, only_one_left
from treewright.searches.resampling import Scheme, descendants, descendants_with_first_kept
from treewright.searches.step_scores import StepRule, combined, scorer_need
from treewright_registry import Capability, ContractError, Env, Key, Likelihood, Need, Sampling, Score, Trajectory

Potential: TypeAlias = Literal["prob", "odds", "exp"]
Target: TypeAlias = Literal["steps", "whole"]
_EDGE = 1e-9  # odds of a certain score would be infinite
_UNSCORED = Score(float("nan"), reason="not scored yet")


class Particle(NamedTuple):
    """One path of the population.

    Attributes:
        trajectory: the path.
        weight: W, a natural logarithm.
        increments: what each step added to the weight, resampling aside.
        potentials: log g of the path after each step.
        score: of the newest step.
    """

    trajectory: Trajectory
    weight: float = 0.0
    increments: tuple[float, ...] = ()
    potentials: tuple[float, ...] = ()
    score: Score = _UNSCORED

    @property
    def possible(self) -> bool:
        """Whether every step had a weight above 0: then the path can be a reference."""
        return all(increment > -inf for increment in self.increments)


@dataclass(frozen=True, slots=True)
class Smc:
    """Options of a sweep; see ``ParticleFilter``."""

    particles: int
    potential: Potential
    beta: float
    target: Target
    resampling: Scheme
    resampling_temperature: float
    depth: int
    sampling: Sampling
    speculative: bool
    step_scores: StepRule

    def __post_init__(self) -> None:
        if self.target == "steps" and self.step_scores not in ("own", "last"):
            raise ValueError(
                f"step_scores '{self.step_scores}' judges the whole path, and target 'steps' would multiply it in again"
                " at every step: use target 'whole'"
            )
        if min(self.particles, self.depth) < 1:
            raise ValueError(f"particles and depth must be at least 1, not {self.particles} and {self.depth}")
        if not self.resampling_temperature > 0 or not self.beta >= 0:
            raise ValueError(
                "resampling_temperature must be above 0 and beta at least 0, not"
                f" {self.resampling_temperature} and {self.beta}"
            )


def smc_needs(options: Mapping[str, Any]) -> Mapping[str, Need]:
    """The roles of a sweep: one policy, or draft and target if it is speculative."""
    scorer = scorer_need(options, Capability.PARTIAL)
    if not options.get("speculative", False):
        return {"policy": Need("policy"), "scorer": scorer}
    return {
        "draft": Need("policy", frozenset({Capability.LOG_PROBABILITY})),
        "target": Need("policy", frozenset({Capability.LOG_LIKELIHOOD})),
        "scorer": scorer,
    }


class Population:
    """The particles of one sweep, usable at any moment of it."""

    def __init__(
        self, smc: Smc, env: Env, number: int, reference: Particle | None = None, answered: bool = False
    ) -> None:
        self.smc = smc
        self.env = env
        self.number = number
        self.reference = reference
        self._answered = answered  # whether an earlier sweep has an answer
        self.particles = [Particle(env.root)] * smc.particles
        self.extinct = False  # whether all weights were 0 at some step
        self.lost = False  # whether a particle has weight 0 for want of a step, a score or a likelihood
        self._best: Particle | None = None  # finished, whether its weight kept it or not
        self._path = _path(reference)
        low, high = env.range()
        if smc.potential != "exp" and not 0 <= low <= high <= 1:
            raise ContractError(
                f"potential '{smc.potential}' needs scores in [0, 1], and the scorer's range is [{low}, {high}]:"
                " use 'exp'"
            )

    async def sweep(self) -> None:
        """Round after round until every particle is finished or ``depth`` is reached."""
        for depth in range(self.smc.depth):
            if not any(self._live(particle) for particle in self.particles):
                return
            if not self._has_answer() and only_one_left(self.env):
                await self._last_word()
                return
            if depth:
                self._resample(depth)
            await self._propagate(depth)

    @property
    def log_evidence(self) -> float:
        """Logarithm of the mean weight: exp of it estimates the target's total mass without bias."""
        if self.extinct:
            return -inf
        return _log_sum([particle.weight for particle in self.particles]) - log(len(self.particles))

    def note_evidence(self) -> None:
        """Leave the evidence of a whole sweep in the trace, if there is any and nothing was lost on the way."""
        if not self.lost and self.log_evidence > -inf:
            self.env.note("log_evidence", self.log_evidence)

    def finished(self) -> list[Particle]:
        """Particles that are complete answers and whose weight is not 0; if there are none, the best that there was."""
        found = [each for each in self.particles if self.env.finished(each.trajectory) and each.weight > -inf]
        return found or ([self._best] if self._best is not None else [])

    def draw(self, key: Key) -> Particle | None:
        """A finished particle in proportion to its weight: as N grows, a draw from the target."""
        finished = self.finished()
        if len(finished) < 2:
            return finished[0] if finished else None
        return finished[key.choice(_normalised([each.weight for each in finished]))]

    def _has_answer(self) -> bool:
        return self._answered or bool(self.finished())

    async def _last_word(self) -> None:
        self.lost = True
        smc, live = self.smc, [particle for particle in self.particles if self._live(particle)]
        await finish_best(
            self.env,
            [Beginning(particle.trajectory, particle.score.rank) for particle in live],
            role="target" if smc.speculative else "policy",
            temperature=smc.sampling.temperature,
            step_scores=smc.step_scores,
        )

    def _live(self, particle: Particle) -> bool:
        return particle.weight > -inf and not self.env.finished(particle.trajectory)

    def _resample(self, depth: int) -> None:
        flattened = [particle.weight / self.smc.resampling_temperature for particle in self.particles]
        total = _log_sum(flattened)
        key = self.env.random("resample", self.number, depth)
        choose = descendants_with_first_kept if self.reference is not None else descendants
        chosen = choose(self.smc.resampling, [exp(weight - total) for weight in flattened], key)
        base = total - log(len(flattened))
        self.particles = [
            each._replace(weight=each.weight - (flattened[index] - base))
            for index, each in ((index, self.particles[index]) for index in chosen)
        ]

    async def _propagate(self, depth: int) -> None:
        pinned = self.reference is not None
        live = [
            index
            for index, particle in enumerate(self.particles)
            if self._live(particle) and not (pinned and index == 0)
        ]
        before = [self.particles[index] for index in live]
        for index, after in zip(live, await self._step(before), strict=True):
            self.particles[index] = after
            if self.env.finished(after.trajectory) and (self._best is None or after.score.rank > self._best.score.rank):
                self._best = after
        if depth < len(self._path):
            step = self._path[depth]
            self.particles[0] = step._replace(weight=self.particles[0].weight + step.increments[-1])
        if all(particle.weight == -inf for particle in self.particles):
            self._start_over(before, live)

    def _start_over(self, before: Sequence[Particle], live: Sequence[int]) -> None:
        """Every weight is 0, which says nothing of who is better: go on with all that could be extended."""
        self.extinct = True
        for index, old in zip(live, before, strict=True):
            if self.particles[index].trajectory is not old.trajectory:
                self.particles[index] = self.particles[index]._replace(weight=0.0)

    async def _step(self, before: Sequence[Particle]) -> list[Particle]:
        """Each particle one step on and weighted; one that the policy could not extend has died."""
        role = "draft" if self.smc.speculative else "policy"
        families = await next_steps(
            self.env,
            [particle.trajectory for particle in before],
            1,
            sampling=self.smc.sampling,
            role=role,
            answered=self._has_answer(),
            offers_all=True,
        )
        grown = [family[0] for family in families if family]
        self.lost = self.lost or len(grown) < len(before)
        judged = iter(zip(grown, *await self._judge(grown), strict=True))
        return [
            self._weighted(particle, *next(judged)) if family else particle._replace(weight=-inf)
            for particle, family in zip(before, families, strict=True)
        ]

    async def _judge(self, grown: Sequence[Trajectory]) -> tuple[Sequence[Score], Sequence[float]]:
        """Scores, and log-ratios of target and draft (0 where there is one policy only)."""
        if not self.smc.speculative:
            scores = await self.env.score(grown)
            self.lost = self.lost or any(score.failed for score in scores)
            return combined(scores, self.smc.step_scores), [0.0] * len(grown)
        scores, likelihoods = await self.env.together(
            self.env.score(grown),
            self.env.log_likelihood(grown, role="target", sampling=self.smc.sampling),
        )
        self.lost = self.lost or any(score.failed for score in scores)
        self.lost = self.lost or any(isnan(likelihood.log_probability) for likelihood in likelihoods)
        ratios = [_log_ratio(*pair) for pair in zip(likelihoods, grown, strict=True)]
        return combined(scores, self.smc.step_scores), ratios

    def _weighted(self, particle: Particle, child: Trajectory, score: Score, log_ratio: float) -> Particle:
        potential = _log_potential(score, self.smc.potential, self.smc.beta)
        whole = self.smc.target == "whole" and particle.potentials
        increment = potential - (particle.potentials[-1] if whole else 0.0) + log_ratio
        return Particle(
            child,
            particle.weight + increment,
            (*particle.increments, increment),
            (*particle.potentials, potential),
            score,
        )


def _log_potential(score: Score, kind: Potential, beta: float) -> float:
    value = score.value
    if score.failed:
        return -inf
    if kind == "exp":
        return beta * value
    if kind == "odds":
        value = min(max(value, _EDGE), 1 - _EDGE)
        return log(value) - log1p(-value)
    return log(value) if value > 0 else -inf


def _log_ratio(likelihood: Likelihood, child: Trajectory) -> float:
    """Log-ratio of target and draft for the newest step, summed over its tokens; −∞ where the target could not tell."""
    assert child.step is not None
    if child.step.log_probability is None:
        raise ContractError("a speculative proposal needs a draft whose steps carry log-probabilities")
    value = likelihood.log_probability
    return -inf if isnan(value) else value - child.step.log_probability


def _path(reference: Particle | None) -> list[Particle]:
    """The reference as it stood after each of its steps; only its last score is known, which is the one that counts."""
    path: list[Particle] = []
    place = reference.trajectory if reference is not None else None
    while reference is not None and place is not None and place.depth:
        at = place.depth
        path.append(Particle(place, 0.0, reference.increments[:at], reference.potentials[:at], reference.score))
        place = place.parent
    return path[::-1]


def _log_sum(weights: Sequence[float]) -> float:
    top = max(weights)
    return top + log(fsum(exp(weight - top) for weight in weights)) if top > -inf else -inf


def _normalised(weights: Sequence[float]) -> list[float]:
    total = _log_sum(weights)
    return [exp(weight - total) for weight in weights]
