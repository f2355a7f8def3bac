"""Laws of ``core/sample`` with ``core/majority`` and ``core/weighted-vote``, by enumeration of all samples of toy A."""

from collections.abc import Callable
from functools import cache, partial
from itertools import product
from math import fsum, prod

from tests.engine.toys import component
from tests.laws.drawing import A_OUTCOMES, counts, solutions
from tests.laws.law import Law, Outcome, follows
from tests.laws.toys import DRAFT_A, REWARD_A, PolicyA, RewardA
from treewright.aggregators.votes import Majority, WeightedVote
from treewright.pipeline import ComponentSpec
from treewright.searches.sample import Sample

N = 4
K = len(DRAFT_A)
Weigh = Callable[[int], float]


def by_enumeration(weigh: Weigh, shared: bool) -> list[float]:
    """The heaviest outcome among N draws; the tied share the win, or the first of them has it."""
    law = [0.0] * K
    for sample in product(range(K), repeat=N):
        totals = {outcome: fsum(weigh(each) for each in sample if each == outcome) for outcome in sample}
        tied = [outcome for outcome in totals if totals[outcome] == max(totals.values())]  # in order of sample
        winners = tied if shared else tied[:1]
        for winner in winners:
            law[winner] += prod(DRAFT_A[each] for each in sample) / len(winners)
    return law


def one_each(outcome: int) -> float:
    """A vote."""
    return 1.0


def its_reward(outcome: int) -> float:
    """A vote by score."""
    return REWARD_A[outcome]


@cache
def _counts(aggregator: str, ties: str, draws: int, seed: int) -> list[int]:
    vote: ComponentSpec = component(
        "aggregator", {"majority": Majority, "weighted": WeightedVote}[aggregator], ties=ties
    )
    roles = {"policy": component("policy", PolicyA), "scorer": component("scorer", RewardA)}
    return counts(solutions(component("search", Sample, n=N), roles, draws, seed, vote), A_OUTCOMES)


def _vote(aggregator: str, ties: str, weigh: Weigh, draws: int, seed: int) -> Outcome:
    return follows(_counts(aggregator, ties, draws, seed), by_enumeration(weigh, shared=ties == "random"))


def _law(claim: str, aggregator: str, ties: str, weigh: Weigh, wrong: Weigh, says: str) -> Law:
    return Law(
        "core/sample",
        "T1",
        f"with {claim}: the law by enumeration of all samples of {N}",
        partial(_vote, aggregator, ties, weigh),
        partial(_vote, aggregator, ties, wrong),
        says,
        draws=2000,
        thorough=40_000,
    )


LAWS = [
    _law("core/majority, ties to the first", "majority", "first", one_each, its_reward, "votes weighted by score"),
    _law("core/majority, ties at random", "majority", "random", one_each, its_reward, "votes weighted by score"),
    _law("core/weighted-vote", "weighted", "first", its_reward, one_each, "votes of equal weight"),
]
