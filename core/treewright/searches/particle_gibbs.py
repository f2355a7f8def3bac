"""Particle Gibbs: particle-filter sweeps that each keep the path chosen by the one before.

    reference ← a draw by weight from a particle filter
    repeat: a sweep in which place 0 follows the reference, weighted at every step as the reference was there;
            it is never replaced, and others may fork off it          (conditional SMC)
            reference ← a draw by weight

A sweep leaves the particle filter's target law unchanged for every N ≥ 2, so further sweeps improve the answer's law
instead of only starting again.

Sources: Andrieu, Doucet, Holenstein 2010; Puri et al., arXiv 2502.01618 (16 particles, 4 iterations). its_hub weights
the reference with its final score at every step, which does not leave the target unchanged; here it has the weights
that it had. Ancestor sampling is not done (as in its_hub).

Needs the same as the particle filter.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from treewright.searches.particle_filter import Selection, offer
from treewright.searches.particles import Particle, Population, Potential, Smc, Target, smc_needs
from treewright.searches.resampling import Scheme
from treewright.searches.step_scores import StepRule
from treewright_registry import Env, Need, Problem, Sampling


class ParticleGibbs:
    """Conditional sequential Monte Carlo, sweep after sweep.

    Args:
        particles: how many paths N of each sweep.
        iterations: sweeps, the first one included.
        potential: what a score is worth: ``prob``, ``odds`` or ``exp``.
        beta: inverse temperature of ``exp``.
        target: what a score judges: the newest of the ``steps``, or the ``whole`` path so far.
        resampling: ``multinomial``, ``systematic``, ``stratified`` or ``residual``.
        resampling_temperature: above 1 resamples more evenly, and leaves the law unchanged.
        selection: which finished particles of each sweep are offered: ``all``, or the best-scored one (``argmax``);
            or the last reference only (``draw``).
        depth: most steps of an answer.
        temperature: sampling temperature; ``None`` leaves the policy's own.
        speculative: the role ``draft`` proposes and the role ``target`` is aimed at.
        step_scores: how a path's score is made of its steps' scores; ``own``: as the scorer does.
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
        iterations: int = 4,
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
        if particles < 2 or iterations < 1:
            raise ValueError(
                f"particles must be at least 2 and iterations at least 1, not {particles} and {iterations}"
            )
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
        self.iterations = iterations
        self.selection = selection

    async def search(self, problem: Problem, env: Env) -> None:
        """Sweeps; a sweep that the budget ends hands over what it has."""
        drawn: Particle | None = None
        reference: Particle | None = None
        try:
            for number in range(self.iterations):
                drawn = await self._sweep(number, reference, drawn is not None, env) or drawn
                reference = drawn if drawn is not None and drawn.possible else reference
        finally:
            if drawn is not None and self.selection == "draw":
                offer([drawn], drawn, "draw", env)

    async def _sweep(self, number: int, reference: Particle | None, answered: bool, env: Env) -> Particle | None:
        """A draw by weight, the next reference; nothing if nothing was finished."""
        population = Population(self.smc, env, number, reference, answered)
        try:
            await population.sweep()
            if reference is None:  # what a sweep with a reference estimates is not unbiased
                population.note_evidence()
        finally:
            drawn = population.draw(env.random("select", number))
            if self.selection != "draw":
                offer(population.finished(), drawn, self.selection, env)
        return drawn
