"""Laws of ``core/sample`` with the aggregators of the best-of-n family (T1, T2), on toy A."""

from functools import cache, partial

import numpy as np

from tests.engine.toys import component
from tests.laws.drawing import A_OUTCOMES, counts, solutions
from tests.laws.exact import (
    Array,
    best_of_n,
    chi_square_divergence,
    kl,
    soft_best_of_n,
    tilted,
    total_variation,
)
from tests.laws.law import Law, Outcome, follows, near
from tests.laws.toys import DRAFT_A, REWARD_A, TARGET_A, TIED_A, PolicyA, RewardA, TiedRewardA
from treewright.aggregators.soft_best import SoftBest
from treewright.searches.sample import Sample

BETA = 3.0
WEIGHTS = np.exp(BETA * np.array(REWARD_A))
SIZES = {1: 1500, 2: 3000, 4: 6000, 16: 2500}  # n → draws in make test
CONTROLS = {1: "the tilted law, which n = 1 does not reach", 16: "law of half the β"}


# -- T1: soft best-of-n through the engine -------------------------------------------------------------------------


@cache
def _soft_counts(n: int, beta: float, draws: int, seed: int) -> list[int]:
    roles = {"policy": component("policy", PolicyA), "scorer": component("scorer", RewardA)}
    search = component("search", Sample, n=n)
    return counts(solutions(search, roles, draws, seed, component("aggregator", SoftBest, beta=beta)), A_OUTCOMES)


def _soft_best(n: int, draws: int, seed: int) -> Outcome:
    return follows(_soft_counts(n, BETA, draws, seed), soft_best_of_n(DRAFT_A, WEIGHTS, n))


def _soft_best_control(n: int, draws: int, seed: int) -> Outcome:
    wrong = {1: tilted(DRAFT_A, WEIGHTS), 16: soft_best_of_n(DRAFT_A, np.sqrt(WEIGHTS), 16)}
    return follows(_soft_counts(n, BETA, draws, seed), wrong.get(n, soft_best_of_n(DRAFT_A, WEIGHTS, max(1, n - 1))))


@cache
def _best_counts(draws: int, seed: int) -> list[int]:
    roles = {"policy": component("policy", PolicyA), "scorer": component("scorer", TiedRewardA)}
    return counts(solutions(component("search", Sample, n=3), roles, draws, seed), A_OUTCOMES)


def _best(n: int, draws: int, seed: int) -> Outcome:
    return follows(_best_counts(draws, seed), best_of_n(DRAFT_A, TIED_A, n))


# -- T2: rate and bound --------------------------------------------------------------------------------------------

TWO_MODELS = np.array(TARGET_A) / np.array(DRAFT_A) * WEIGHTS  # importance weight of a draft
TARGET_LAW = tilted(TARGET_A, WEIGHTS)
RATES = (1, 4, 16, 64, 256, 1024)
KL_REFERENCE = (0.8716, 0.2023, 0.02024, 0.001150, 6.777e-5, 4.168e-6)
TV_REFERENCE = (0.4675, 0.2751, 0.0985, 0.02384, 0.005797, 0.001438)


def _rates(weights: Array) -> Outcome:
    """Relative distance of KL and TV at six sizes from the reference numbers (four digits)."""
    laws = [soft_best_of_n(DRAFT_A, weights, n) for n in RATES]
    found = [kl(TARGET_LAW, law) for law in laws] + [total_variation(TARGET_LAW, law) for law in laws]
    ratios = np.array(found) / np.array(KL_REFERENCE + TV_REFERENCE)
    return near("KL and TV over reference", list(ratios), [1.0] * len(ratios), 5e-4)


def _bound(divergence: float) -> Outcome:
    """How far KL(π*‖P_n) rises above log(1 + χ²/n), at most."""
    excess = [
        kl(TARGET_LAW, soft_best_of_n(DRAFT_A, TWO_MODELS, n)) - np.log1p(divergence / n) for n in range(1, 1025, 3)
    ]
    return Outcome("largest KL − bound", max(excess), float(max(excess) <= 0), exact=True)


LAWS = [
    Law(
        "core/sample",
        "T1",
        "with core/best at n = 3 and tied scores: F(y)^n − F(y−)^n, the tied in proportion to the policy",
        partial(_best, 3),
        partial(_best, 2),
        "law of n = 2",
        draws=3000,
        thorough=40_000,
    ),
    *(
        Law(
            "core/sample",
            "T1",
            f"with core/soft-best at n = {n}: the exact finite-n law, by quadrature",
            partial(_soft_best, n),
            partial(_soft_best_control, n),
            CONTROLS.get(n, "law of n − 1 draws"),
            draws=draws,
            thorough=40_000,
        )
        for n, draws in SIZES.items()
    ),
    Law(
        "core/sample",
        "T2",
        "S-BoN of the draft nears the tilted target as the reference numbers say, n = 1 … 1024",
        lambda draws, seed: _rates(TWO_MODELS),
        lambda draws, seed: _rates(WEIGHTS),
        "weights without the ratio of the models",
        formula_only=True,
    ),
    Law(
        "core/sample",
        "T2",
        "KL(π*‖P_n) ≤ log(1 + χ²(π*‖π_S)/n) at every n",
        lambda draws, seed: _bound(chi_square_divergence(TARGET_LAW, DRAFT_A)),
        lambda draws, seed: _bound(chi_square_divergence(TARGET_LAW, TARGET_A)),
        "divergence from the target instead of the draft",
        formula_only=True,
    ),
]
