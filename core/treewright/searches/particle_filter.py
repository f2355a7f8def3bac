r"""Particle filter: sequential Monte Carlo over reasoning steps, with the reward as the potential.

    N particles; until all are finished:
        resample in proportion to the weights; one step each; W ← W · g(score)
    answer: the best-scored particle, a draw by weight, or an aggregator's choice among all

Resampling moves compute to promising beginnings, and the law stays a known one: as N grows, a draw by weight has the
law gamma(x) / Z with gamma = Π π(x_t | x_<t) g_t, and for every N the mean of the weights estimates Z without bias
(noted in the trace as ``log_evidence``, unless a particle was lost to the budget or to a failed call). Potentials g of
a score r in use, which are three different targets:

    prob   r               the text of the paper: a step is right with probability r
    odds   r / (1 − r)     the paper's code and its_hub: softmax of the logits
    exp    exp(β r)        the paper's Algorithm 1: softmax of the scores (β = 1)

Sources: Puri et al., arXiv 2502.01618 (64 particles in Table 1, temperature 0.8, at most 40 steps; multinomial
resampling at every step); its_hub. Two differences, on purpose: a finished particle's later weights are 1 (both code
bases multiply its last reward in again every round), and after the last weighting nothing is resampled, so that no
weight counts twice. Defaults: ``potential: prob`` and ``multinomial`` are the paper's text; 16 particles and ``all``
are ours.

Needs a policy that proposes steps, and a scorer that judges unfinished trajectories. ``speculative`` needs a draft with
log-probabilities and a target that tells likelihoods instead: the draft proposes, the weight gets
π_target(step)/π_draft(step), and the law is the target's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeAlias

from treewright.searches.particles import Particle, Population, Potential, Smc, Target, smc_needs
from treewright.searches.resampling import Scheme
from treewright.searches.step_scores import StepRule
from treewright_registry import Env, Need, Problem, Sampling

Selection: TypeAlias = Literal["all", "argmax", "draw"]


class ParticleFilter:
    """Sequential Monte Carlo over steps.

    Args:
        particles: how many paths N.
        potential: what a score is worth: ``prob``, ``odds`` or ``exp``.
        beta: inverse temperature of ``exp``.
        target: what a score judges: the newest of the ``steps``, or the ``whole`` path so far.
        resampling: ``multinomial``, ``systematic``, ``stratified`` or ``residual``.
        resampling_temperature: above 1 resamples more evenly; what that leaves out stays in the weights, so the law
            is unchanged.
        selection: which finished particles are offered: ``all``, the best-scored one (``argmax``), or one drawn by
            its weight (``draw``: the exact law).
        depth: most steps of an answer.
        temperature: sampling temperature; ``None`` leaves the policy's own.
        speculative: the role ``draft`` proposes and the role ``target`` is aimed at.
        step_scores: how a path's score is made of its steps' scores; ``own``: as the scorer does. Anything but
            ``own`` and ``last`` needs ``target: whole``.
    """

    needs: ClassVar[Mapping[str, Need]] = smc_needs({})

    @staticmethod
    def needs_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """One policy, or draft and target."""
        return smc_needs(options)

    def __init__(
        self,
        *,
        particles: int = 16,
        potential: Potential = "prob",
        beta: float = 1.0,
        target: Target = "steps",
        resampling: Scheme = "multinomial",
        resampling_temperature: float = 1.0,
        selection: Selection = "all",
        depth: int = 40,
        temperature: float | None = None,
        speculative: bool = False,
        step_scores: StepRule = "own",
    ) -> None:
        self.smc = Smc(
            particles=particles,
            potential=potential,
            beta=beta,
            target=target,
            resampling=resampling,
            resampling_temperature=resampling_temperature,
            depth=depth,
            sampling=Sampling(temperature=temperature),
            speculative=speculative,
            step_scores=step_scores,
        )
        self.selection = selection

    async def search(self, problem: Problem, env: Env) -> None:
        """One sweep; then the selection, also when the budget ended the sweep."""
        population = Population(self.smc, env, number=0)
        try:
            await population.sweep()
            population.note_evidence()
        finally:
            drawn = population.draw(env.random("select", 0))
            offer(population.finished(), drawn, self.selection, env)


def offer(finished: Sequence[Particle], drawn: Particle | None, selection: Selection, env: Env) -> None:
    """Hand over what the selection says."""
    if drawn is None or not finished:
        return
    best = max(finished, key=lambda particle: particle.score.rank)  # ties: the lowest place
    for particle in {"all": finished, "argmax": [best], "draw": [drawn]}[selection]:
        env.offer(particle.trajectory, particle.score)
