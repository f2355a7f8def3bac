"""Every registered search, set up for the toy domain of ``toys``; a test sees to it that none is missing."""

from dataclasses import replace
from typing import Any

from tests.engine.toys import BothAtOnce, component
from treewright.aggregators.best import Best
from treewright.aggregators.soft_best import SoftBest
from treewright.aggregators.votes import Majority, WeightedVote
from treewright.pipeline import ComponentSpec
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

DRAFT_AND_TARGET = {"draft": "policy", "target": "policy"}  # one policy in both roles


def drafting(search: type[Any], **options: Any) -> ComponentSpec:
    """A search that has a draft and a target."""
    return replace(component("search", search, **options), roles=DRAFT_AND_TARGET)


SEARCHES = {
    "sample": component("search", Sample, n=6),
    "beam": component("search", Beam, width=3, branch=2),
    "beam-lookahead": component("search", Beam, width=2, branch=2, lookahead=1),
    "dvts": component("search", Dvts, n=6, branch=2),
    "uct": component("search", Mcts, branch=3),
    "puct": component("search", Mcts, branch=3, rule="puct"),
    "uct-rollouts": component("search", Mcts, branch=3, rollout=0.5),
    "uct-rounds": component("search", Mcts, branch=3, leaves=3, first_visits="one-by-one"),
    "self-refine-mcts": component("search", SelfRefineMcts),
    "islands": component("search", Islands, islands=2, drafts=3, branch=3, patience=2, migration=2),
    "ab-mcts": component("search", AbMcts),
    "particle-filter": component("search", ParticleFilter, particles=4, resampling="systematic"),
    "particle-filter-drafts": drafting(ParticleFilter, particles=4, potential="odds", speculative=True),
    "particle-gibbs": component("search", ParticleGibbs, particles=3, iterations=3),
    "rsd": drafting(Rsd, n=2, beta=4.0, delta=0.6),
    "specs": drafting(Specs, n=3, beta=2.0, tau_reject=0.5),
    "specs-released": drafting(Specs, n=3, beta=2.0, mode="released"),
    "gsi": drafting(Gsi, n=3, beta=2.0, threshold=0.6),
    "together": component("search", BothAtOnce),
}
AGGREGATORS = {
    "best": component("aggregator", Best),
    "soft-best": component("aggregator", SoftBest, beta=2.0),
    "majority": component("aggregator", Majority, ties="random"),
    "weighted-vote": component("aggregator", WeightedVote),
}
REVISING = ("self-refine-mcts", "islands", "ab-mcts")
