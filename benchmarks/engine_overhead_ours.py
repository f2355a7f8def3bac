"""treewright's side of ``engine_overhead.py``: one problem, instant components, batches of one.

Trace, ledger and budget are always on in treewright; the endpoint works run through the limiter.
A further search is one more line in ``WORKS``.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from instant_parts import (
    InstantAnswers,
    InstantEndpoint,
    InstantLevels,
    InstantPolicy,
    InstantScorer,
    InstantTask,
    OneRequestEach,
)
from overhead_worker import Run, serve

from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.pipeline import SETTINGS, CallSettings, ComponentSpec, PipelineSpec, call_style
from treewright.searches.ab_mcts import AbMcts
from treewright.searches.beam import Beam
from treewright.searches.dvts import Dvts
from treewright.searches.gsi import Gsi
from treewright.searches.islands import Islands
from treewright.searches.mcts import Mcts
from treewright.searches.particle_filter import ParticleFilter
from treewright.searches.particle_gibbs import ParticleGibbs
from treewright.searches.rsd import Rsd
from treewright.searches.sample import Sample
from treewright.searches.self_refine_mcts import SelfRefineMcts
from treewright.searches.specs import Specs
from treewright_registry import Descriptor

BRANCH = 4
LEVELS = 16  # steps of an answer; widths grow with the size
CALL = {"batch": 1, "concurrency": 32}
PAIR = ("draft", "target")


class Work(NamedTuple):
    """A search at any size.

    Attributes:
        search: its class.
        options: size (candidates) → its options.
        policy: class of the policies.
        roles: their roles.
        most: the most candidates that it is measured at.
    """

    search: type[Any]
    options: Callable[[int], dict[str, Any]]
    policy: type[Any] = InstantPolicy
    roles: tuple[str, ...] = ("policy",)
    most: int = 100_000


def _wide(size: int, share: int = LEVELS) -> int:
    return max(1, size // share)


WORKS: dict[str, Work] = {
    "mcts": Work(Mcts, lambda size: {"branch": BRANCH}),
    "beam": Work(Beam, lambda size: {"width": _wide(size, BRANCH * LEVELS), "branch": BRANCH, "depth": LEVELS}),
    "best-of-n": Work(Sample, lambda size: {"n": size, "wave": size}),
    "best-of-n, endpoint, n requests": Work(OneRequestEach, lambda size: {"n": size}, InstantEndpoint),
    "best-of-n, endpoint, one request": Work(Sample, lambda size: {"n": size, "wave": size}, InstantEndpoint),
    "dvts": Work(Dvts, lambda size: {"n": BRANCH * _wide(size, BRANCH * LEVELS), "branch": BRANCH, "depth": LEVELS}),
    "particle-filter": Work(ParticleFilter, lambda size: {"particles": _wide(size), "depth": LEVELS}, InstantLevels),
    "particle-gibbs": Work(
        ParticleGibbs, lambda size: {"particles": _wide(size, 4 * LEVELS), "iterations": 4}, InstantLevels
    ),
    "rsd": Work(Rsd, lambda size: {"n": _wide(size, 2 * LEVELS)}, InstantLevels, PAIR),
    "specs": Work(Specs, lambda size: {"n": _wide(size, 2 * LEVELS)}, InstantLevels, PAIR),
    "gsi": Work(Gsi, lambda size: {"n": _wide(size, 2 * LEVELS)}, InstantLevels, PAIR),
    "ab-mcts": Work(AbMcts, lambda size: {}, InstantAnswers, most=10_000),
    "self-refine-mcts": Work(SelfRefineMcts, lambda size: {"reward_limit": 1.0}, InstantAnswers, most=1_000),
    "islands": Work(Islands, lambda size: {"convergence": size}, InstantAnswers),
}


def _part(kind: str, cls: type[Any], **options: Any) -> ComponentSpec:
    call = CallSettings(**{name: CALL[name] for name in SETTINGS[call_style(kind, cls, options)] if name in CALL})
    return ComponentSpec(Descriptor(kind, f"bench/{cls.__name__.lower()}", cls), options, call)


def _prepared(work: Work, size: int) -> Run:
    spec = PipelineSpec(
        task=_part("task", InstantTask),
        search=_part("search", work.search, **work.options(size)),
        aggregator=_part("aggregator", Best),
        roles={**{role: _part("policy", work.policy) for role in work.roles}, "scorer": _part("scorer", InstantScorer)},
        budget={"candidates": size},
    )
    return partial(_solve, spec)


def _solve(spec: PipelineSpec) -> int:
    solutions: list[Solution] = []
    run_local(spec, ListFeed(InstantTask().problems()), solutions.append)
    assert solutions[0].error is None, solutions[0].error
    return int(sum(counters["candidates"] for counters in solutions[0].cost.values()))


if __name__ == "__main__":
    serve({("treewright", name): (partial(_prepared, work), work.most) for name, work in WORKS.items()})
