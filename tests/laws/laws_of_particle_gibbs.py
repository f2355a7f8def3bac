"""Laws of ``core/particle-gibbs`` on toy B (T11): an exact draw of the target, then one sweep, is a draw again."""

from collections.abc import Mapping
from functools import cache, partial
from math import log
from typing import Any, ClassVar

from tests.engine.toys import component
from tests.laws.drawing import B_OUTCOMES, counts, solutions
from tests.laws.law import Law, Outcome, follows
from tests.laws.toys import DEPTH, DRAFT_B, TARGET_B, PolicyB, PosteriorB, Potential, PotentialB, leaf_law
from treewright.searches.particle_gibbs import ParticleGibbs
from treewright.searches.particles import Particle, Population, Smc
from treewright_registry import Env, Need, Problem, Sampling

SCHEMES = ("multinomial", "systematic", "stratified", "residual")


class SweepFromTarget:
    """An exact draw from the target, then one conditional sweep: the result must have the target's law again."""

    needs: ClassVar[Mapping[str, Need]] = {
        "policy": Need("policy"),
        "draft": Need("policy", optional=True),
        "target": Need("policy", optional=True),
        "posterior": Need("policy"),
        "scorer": Need("scorer"),
    }

    def __init__(self, *, particles: int, resampling: str = "multinomial", flaw: bool = False, **smc: object) -> None:
        gibbs = ParticleGibbs(particles=particles, resampling=resampling, **smc)  # type: ignore[arg-type]
        self.smc: Smc = gibbs.smc
        self.flaw = flaw

    async def search(self, problem: Problem, env: Env) -> None:
        path = [env.root]
        for _ in range(DEPTH):
            [[child]] = await env.propose(path[-1:], 1, role="posterior", sampling=Sampling())
            path.append(child)
        scores = await env.score(path[1:])
        potentials = tuple(log(score.value) for score in scores)
        increments = potentials
        if self.smc.speculative:
            word = path[-1].text
            increments = tuple(
                potential + log(TARGET_B[word[:at]][int(word[at])] / DRAFT_B[word[:at]][int(word[at])])
                for at, potential in enumerate(potentials)
            )
        if self.flaw:
            increments = (increments[-1],) * DEPTH
        population = Population(self.smc, env, 1, Particle(path[-1], 0.0, increments, potentials, scores[-1]))
        await population.sweep()
        drawn = population.draw(env.random("select"))
        assert drawn is not None
        env.offer(drawn.trajectory, drawn.score)


@cache
def _sweep_counts(potential: Potential, options: tuple[tuple[str, Any], ...], draws: int, seed: int) -> list[int]:
    roles = {
        "policy": component("policy", PolicyB),
        "draft": component("policy", PolicyB, role="draft"),
        "target": component("policy", PolicyB, role="target"),
        "posterior": component("policy", PosteriorB, potential=potential),
        "scorer": component("scorer", PotentialB, potential=potential),
    }
    return counts(solutions(component("search", SweepFromTarget, **dict(options)), roles, draws, seed), B_OUTCOMES)


def _invariant(potential: Potential, options: Mapping[str, object], draws: int, seed: int) -> Outcome:
    return follows(
        _sweep_counts(potential, tuple(options.items()), draws, seed),
        leaf_law(PosteriorB(potential=potential).laws),
    )


def _gibbs_law(potential: Potential, draws: int, claim: str, slow: bool = False, **options: Any) -> Law:
    return Law(
        "core/particle-gibbs",
        "T11",
        f"{claim}, {potential} potentials: a sweep leaves the target unchanged",
        partial(_invariant, potential, options),
        partial(_invariant, potential, {**options, "flaw": True}),
        "reference weighted with its final score at every step",
        draws=draws,
        thorough=8_000,
        slow=slow,
    )


LAWS = [
    *(_gibbs_law("crossed", 700, f"{scheme}, N = 4", particles=4, resampling=scheme) for scheme in SCHEMES),
    _gibbs_law("crossed", 800, "multinomial, N = 2", particles=2),
    _gibbs_law("crossed", 800, "draft proposes, N = 4", particles=4, speculative=True),
    _gibbs_law("random", 30_000, "multinomial, N = 4", slow=True, particles=4),
]
