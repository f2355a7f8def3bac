"""The peers' side of ``engine_overhead.py``, run by the Python that they are installed in.

Sources read: treequest 0.3.3 ``algos/standard_mcts.py`` and ``algos/ab_mcts_a``; its_hub 1.2.0
``core/algorithms/bon.py``, ``beam_search.py``, ``particle_gibbs.py`` and ``core/orchestrator.py``; llm-reasoners
stands in a file of its own. A peer that is not installed is left out.
"""

import asyncio
from functools import partial
from typing import Any

from engine_overhead_llm_reasoners import llm_reasoners_beam, llm_reasoners_mcts
from overhead_worker import Run, serve

BRANCH = 4
LEVELS = 16
_MASK = (1 << 32) - 1


class Numbers:
    """Deterministic numbers in [0, 1), as cheap as treewright's instant scorer."""

    def __init__(self) -> None:
        self.state = 1

    def __call__(self) -> float:
        self.state = (1664525 * self.state + 1013904223) & _MASK
        return (self.state >> 16) / 65536


def _treequest_mcts(size: int) -> Run:
    from treequest import StandardMCTS

    return _treequest(StandardMCTS(samples_per_action=BRANCH), size)


def _treequest_ab_mcts(size: int) -> Run:
    from treequest import ABMCTSA

    return _treequest(ABMCTSA(), size)


def _treequest(algorithm: Any, size: int) -> Run:
    numbers = Numbers()

    def generate(parent: Any) -> tuple[str, float]:
        return "step", numbers()

    def run() -> int:
        state = algorithm.init_tree()
        for _ in range(size):
            state = algorithm.step(state, {"step": generate}, inplace=True)
        return size

    return run


def _its_hub_lm() -> Any:
    from its_hub import AbstractLanguageModel

    class Instant(AbstractLanguageModel):
        def __init__(self) -> None:
            self.made = 0

        async def agenerate(self, messages: Any, stop: Any = None, **options: Any) -> Any:
            return [await self.agenerate_single(each) for each in messages]

        async def agenerate_single(self, messages: Any, stop: Any = None, **options: Any) -> dict[str, str]:
            self.made += 1  # distinct answers, or best-of-n would skip the scoring
            return {"role": "assistant", "content": str(self.made)}

    return Instant()


def _its_hub_best_of_n(limit: int, size: int) -> Run:
    from its_hub import AbstractOutcomeRewardModel, BestOfN
    from its_hub.core.orchestrator import LMOrchestrator

    numbers = Numbers()

    class Instant(AbstractOutcomeRewardModel):
        def score(self, messages: Any, **options: Any) -> Any:
            return [numbers() for _ in messages]

        async def ascore(self, messages: Any, orchestrator: Any = None, **options: Any) -> Any:
            return [numbers() for _ in messages]

    def run() -> int:
        lm = _its_hub_lm()
        algorithm = BestOfN(Instant(), LMOrchestrator(max_concurrency=limit))
        asyncio.run(algorithm.ainfer(lm, "go", size, return_response_only=False))
        assert lm.made == size
        return size

    return run


def _its_hub_reward() -> Any:
    from its_hub import AbstractProcessRewardModel

    numbers = Numbers()

    class Instant(AbstractProcessRewardModel):
        def score(self, prompt: Any, steps: Any) -> Any:
            return [numbers() for _ in steps]

        async def ascore(self, prompt: Any, steps: Any) -> Any:
            return [numbers() for _ in steps]

    return Instant()


def _its_hub_steps() -> Any:
    from its_hub.core.lms.step_generation import StepGeneration

    # a path stops when it has max_steps steps *before* the last one: LEVELS - 1 gives LEVELS levels
    return StepGeneration(max_steps=LEVELS - 1, step_token="\n")


def _its_hub(algorithm: Any, budget: int) -> int:
    lm = _its_hub_lm()
    asyncio.run(algorithm.ainfer(lm, "go", budget, return_response_only=False))
    return int(lm.made)


def _its_hub_beam(size: int) -> Run:
    from its_hub.core.algorithms.beam_search import BeamSearch

    width = max(1, size // (BRANCH * LEVELS))
    return lambda: _its_hub(BeamSearch(_its_hub_steps(), _its_hub_reward(), beam_width=width), width * BRANCH)


def _its_hub_particle_filter(size: int) -> Run:
    from its_hub.core.algorithms.particle_gibbs import ParticleFiltering

    return lambda: _its_hub(ParticleFiltering(_its_hub_steps(), _its_hub_reward()), size // LEVELS)


def _its_hub_particle_gibbs(size: int) -> Run:
    from its_hub.core.algorithms.particle_gibbs import ParticleGibbs

    sweeps = 4
    particles = max(2, size // (sweeps * LEVELS))
    algorithm = partial(ParticleGibbs, num_iterations=sweeps)
    return lambda: _its_hub(algorithm(_its_hub_steps(), _its_hub_reward()), particles * sweeps)


if __name__ == "__main__":
    # the most nodes that a work can do in seconds rather than minutes stand beside it
    serve(
        {
            ("treequest", "mcts"): (_treequest_mcts, 2_000),
            ("treequest", "ab-mcts"): (_treequest_ab_mcts, 1_000),
            ("its_hub", "beam"): (_its_hub_beam, 10_000),
            ("its_hub", "best-of-n, limit 32"): (partial(_its_hub_best_of_n, 32), 10_000),
            ("its_hub", "best-of-n, no limit"): (partial(_its_hub_best_of_n, -1), 10_000),
            ("its_hub", "particle-filter"): (_its_hub_particle_filter, 10_000),
            ("its_hub", "particle-gibbs"): (_its_hub_particle_gibbs, 10_000),
            ("llm-reasoners", "mcts"): (llm_reasoners_mcts, 10_000),
            ("llm-reasoners", "beam"): (llm_reasoners_beam, 10_000),
        }
    )
