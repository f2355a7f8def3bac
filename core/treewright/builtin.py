"""The engine's own components, registered by the public road like any plugin's."""

from treewright_registry import Collector, hookimpl

TREEWRIGHT_API = "1"


@hookimpl
def treewright_register(registry: Collector) -> None:
    """Declare the searches, aggregators and pipelines of the engine."""
    registry.search("sample", "treewright.searches.sample:Sample", summary="n independent answers")
    registry.search("beam", "treewright.searches.beam:Beam", summary="step-level beam search")
    registry.search("dvts", "treewright.searches.dvts:Dvts", summary="diverse verifier tree search")
    registry.search("mcts", "treewright.searches.mcts:Mcts", summary="Monte-Carlo tree search, UCT or PUCT")
    registry.search(
        "particle-filter",
        "treewright.searches.particle_filter:ParticleFilter",
        summary="sequential Monte Carlo over steps",
    )
    registry.search(
        "particle-gibbs",
        "treewright.searches.particle_gibbs:ParticleGibbs",
        summary="particle-filter sweeps that keep a path (conditional SMC)",
    )
    registry.search(
        "self-refine-mcts",
        "treewright.searches.self_refine_mcts:SelfRefineMcts",
        summary="tree search over revisions of whole answers (MCTSr, K-MSE)",
    )
    registry.search(
        "islands",
        "treewright.searches.islands:Islands",
        summary="pools of whole answers, restarts, migration",
    )
    registry.search("rsd", "treewright.searches.rsd:Rsd", summary="draft steps kept by reward, else the target's (RSD)")
    registry.search(
        "specs", "treewright.searches.specs:Specs", summary="speculative drafts: SUBSAMPLE and CASCADE (SPECS)"
    )
    registry.search("gsi", "treewright.searches.gsi:Gsi", summary="soft best-of-n of the target, from drafts (GSI)")
    registry.search(
        "ab-mcts", "treewright.searches.ab_mcts:AbMcts", summary="wider or deeper by Thompson sampling (AB-MCTS-A)"
    )
    registry.policy(
        "budget-forcing",
        "treewright.policies.budget_forcing:BudgetForcing",
        summary="makes a thinking model think longer, or stop",
    )
    registry.aggregator("best", "treewright.aggregators.best:Best", summary="highest score (best-of-n)")
    registry.aggregator("soft-best", "treewright.aggregators.soft_best:SoftBest", summary="drawn by exp(beta * score)")
    registry.aggregator(
        "majority", "treewright.aggregators.votes:Majority", summary="most frequent answer (self-consistency)"
    )
    registry.aggregator(
        "weighted-vote",
        "treewright.aggregators.votes:WeightedVote",
        summary="answer with the highest summed score",
    )
    for name, summary in PIPELINES.items():
        registry.pipeline(name, f"treewright:pipelines/{name}.yaml", summary=summary)


# pipelines without a domain: a plugin's pipeline extends them, or --set fills task and policy in
PIPELINES = {
    "greedy": "one answer at temperature 0",
    "best-of-n": "n answers, the best-scored one wins",
    "soft-best-of-n": "n answers, one drawn by its score",
    "majority": "n answers, the most frequent one wins",
    "weighted-vote": "n answers, the highest summed score wins",
    "beam": "step-level beam search",
    "dvts": "diverse verifier tree search",
    "mcts": "Monte-Carlo tree search",
    "particle-filter": "sequential Monte Carlo over steps",
    "particle-gibbs": "particle-filter sweeps that keep a path",
    "self-refine-mcts": "tree search over revisions of whole answers (MCTSr, K-MSE)",
    "islands": "pools of whole answers, restarts, migration",
    "ab-mcts": "wider or deeper by Thompson sampling (AB-MCTS-A)",
    "rsd": "draft steps kept by reward, else the target's (RSD)",
    "specs": "speculative drafts: SUBSAMPLE and CASCADE (SPECS)",
    "gsi": "soft best-of-n of the target, from drafts (GSI)",
}
