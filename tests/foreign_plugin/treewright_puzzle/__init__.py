"""Countdown and 24: make a target from given numbers with + - * /, in exact arithmetic.

The entry module of the plugin: it declares components and imports nothing heavy.
"""

from treewright_registry import Collector, hookimpl

TREEWRIGHT_API = "1"

PIPELINES = {
    "greedy": "one answer, always the likeliest operation",
    "best-of-n": "16 answers, the rule picks one",
    "majority": "16 answers, the most frequent expression wins",
    "beam": "step by step, the 4 most promising states survive",
    "mcts": "Monte Carlo tree search over single operations",
}


@hookimpl
def treewright_register(registry: Collector) -> None:
    """Declare the components of the puzzle domain."""
    registry.task("countdown", "treewright_puzzle.task:Countdown", summary="generated or own number puzzles")
    registry.policy("proposer", "treewright_puzzle.proposer:Proposer", summary="one operation a step, looks one ahead")
    registry.policy("drafter", "treewright_puzzle.proposer:Drafter", summary="a weaker, cheaper proposer")
    registry.policy("reviser", "treewright_puzzle.reviser:Reviser", summary="revises whole answers by small changes")
    registry.scorer(
        "rules",
        "treewright_puzzle.rules:Rules",
        summary="chance that a state can still be won",
    )
    registry.scorer(
        "outcome",
        "treewright_puzzle.outcome:Outcome",
        summary="1 if a finished answer is right, else 0",
    )
    registry.retriever(
        "solved", "treewright_puzzle.solved:Solved", summary="solved puzzles with like numbers and target"
    )
    registry.codec("puzzle", "treewright_puzzle.puzzle:PuzzleCodec", summary="a puzzle as JSON")
    for name, summary in PIPELINES.items():
        registry.pipeline(name, f"treewright_puzzle:pipelines/{name}.yaml", summary=summary)
