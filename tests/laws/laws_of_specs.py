"""Laws of ``core/specs`` (T6 – T9): block law, duplicates, chains, Poisson drafts, the order of authors."""

from collections.abc import Sequence
from functools import cache, partial
from itertools import combinations
from math import exp
from typing import Any

import numpy as np

from tests.engine.toys import component
from tests.laws.drawing import A_OUTCOMES, counts, solutions
from tests.laws.exact import Array, best_of_n, soft_best_of_n, tilted, total_variation
from tests.laws.law import Law, Outcome, equal, follows, near
from tests.laws.scripted_authors import authors
from tests.laws.two_models import (
    A_ROLES,
    BETA,
    DRAFT,
    REWARD,
    TARGET,
    TILT,
    TILTED_LAW,
    WEIGHTS,
    a_counts,
    b_counts,
    chain_law,
    proposals_of,
)
from treewright.engine.solving import Solution
from treewright.pipeline import ComponentSpec
from treewright.searches.specs import Specs

SCORES = np.log(WEIGHTS)  # S of each outcome, log-ratio summed


def _specs(**options: Any) -> ComponentSpec:
    return component("search", Specs, **{"n": 4, "beta": BETA, **options})


# -- T6: the law of a block with threshold -------------------------------------------------------------------------

TAU, T = 1.5, 0.5
BLOCK = {"tau_reject": TAU, "selection_temperature": T, "target_choice": "best"}
SURVIVES = SCORES > TAU
SELECTION = np.where(SURVIVES, np.exp(SCORES / T), 0.0)
UNWEIGHTED = np.where(SURVIVES, TILT ** (1 / T), 0.0)  # for controls
FALLBACK = float(DRAFT[~SURVIVES].sum() ** 4)  # all four drafts rejected
BEST_OF_TARGET = best_of_n(TARGET, REWARD, 4)


def _with_multiplicity(weights: Array) -> Array:
    return soft_best_of_n(DRAFT, weights, 4) + FALLBACK * BEST_OF_TARGET


def _without_multiplicity(draft: Array, weights: Array, n: int) -> Array:
    """Duplicates dropped: P(set of distinct drafts = A) by inclusion and exclusion, then ∝ weight within A."""
    law = np.zeros(6)
    for size in range(1, 7):
        for members in map(list, combinations(range(6), size)):
            subsets = (subset for k in range(size + 1) for subset in combinations(members, k))
            share = sum((-1) ** (size - len(subset)) * draft[list(subset)].sum() ** n for subset in subsets)
            total = weights[members].sum()
            if total > 0:
                law[members] += share * weights[members] / total
    return law


@cache
def _block_counts(dedupe: bool, draws: int, seed: int) -> list[int]:
    return a_counts(_specs(dedupe=dedupe, **BLOCK), draws, seed)


def _block(law: Array, dedupe: bool, draws: int, seed: int) -> Outcome:
    return follows(_block_counts(dedupe, draws, seed), law)


def _fallback(share: float, draws: int, seed: int) -> Outcome:
    """How often the target had to step in."""
    found = solutions(_specs(**BLOCK), A_ROLES, draws, seed)
    stepped_in = sum(proposals_of("target", solution) > 0 for solution in found)
    return follows([stepped_in, draws - stepped_in], [share, 1 - share])


# -- T6: CASCADE ---------------------------------------------------------------------------------------------------


def _cascade(expected: str, tau_back: float) -> Outcome:
    """Who wrote each block, with scripted rewards: the target's .5 then .8; then drafts, the fifth of them poor."""
    return equal("authors of blocks", authors(tau_back), expected)


# -- T7: duplicates ------------------------------------------------------------------------------------------------

LARGE = (4, 64, 1024)


def _distances(weights_kept: bool) -> list[float]:
    if weights_kept:
        return [total_variation(TILTED_LAW, soft_best_of_n(DRAFT, WEIGHTS, n)) for n in LARGE]
    return [total_variation(TILTED_LAW, _without_multiplicity(DRAFT, WEIGHTS, n)) for n in LARGE]


def _distance_reference(found: Sequence[float], expected: Sequence[float]) -> Outcome:
    return near("TV to the tilted law", found, expected, 5e-4)


def _multiplicity(draws: int, seed: int, **options: Any) -> Outcome:
    return follows(a_counts(_specs(n=64, **options), draws, seed), soft_best_of_n(DRAFT, WEIGHTS, 64))


# -- T8: chains of blocks ------------------------------------------------------------------------------------------


@cache
def _chain_counts(draws: int, seed: int) -> list[int]:
    return b_counts(component("search", Specs, n=2, beta=4.0), draws, seed)


def _chain(with_draft: bool, draws: int, seed: int) -> Outcome:
    return follows(_chain_counts(draws, seed), list(chain_law(2, "soft", with_draft)))


# -- T9: Poisson drafts --------------------------------------------------------------------------------------------

LAM, BOUND = 6.0, float(WEIGHTS.max())
NONE = exp(-LAM * float(DRAFT @ (WEIGHTS / BOUND)))
TARGET_STEP = soft_best_of_n(TARGET, TILT, 4)


@cache
def _poisson_runs(lam: float, draws: int, seed: int) -> list[Solution]:
    return solutions(_specs(subsample="poisson-rejection", lam=lam, bound=BOUND), A_ROLES, draws, seed)


def _accepted(lam: float, law: Array, draws: int, seed: int) -> Outcome:
    """The answers of those runs in which a draft was accepted."""
    found = [each for each in _poisson_runs(lam, draws, seed) if not proposals_of("target", each)]
    return follows(counts(found, A_OUTCOMES), law)


def _none(share: float, draws: int, seed: int) -> Outcome:
    stepped_in = sum(proposals_of("target", each) > 0 for each in _poisson_runs(LAM, draws, seed))
    return follows([stepped_in, draws - stepped_in], [share, 1 - share])


def _all_runs(law: Array, draws: int, seed: int) -> Outcome:
    return follows(counts(_poisson_runs(LAM, draws, seed), A_OUTCOMES), law)


def _law(test: str, claim: str, check: Any, control: Any, control_says: str, draws: int = 1500, seed: int = 0) -> Law:
    return Law("core/specs", test, claim, check, control, control_says, draws=draws, thorough=20 * draws, seed=seed)


LAWS = [
    _law(
        "T6",
        "block law: T1(π_S, 1[S > τ] e^{S/T}, n) + P_none × best-of-n of the target",
        partial(_block, _with_multiplicity(SELECTION), False),
        partial(_block, _with_multiplicity(UNWEIGHTED), False),
        "weights without the log-ratio",
    ),
    _law(
        "T6",
        "block law with duplicates dropped, by inclusion and exclusion",
        partial(_block, _without_multiplicity(DRAFT, SELECTION, 4) + FALLBACK * BEST_OF_TARGET, True),
        partial(_block, _without_multiplicity(DRAFT, UNWEIGHTED, 4) + FALLBACK * BEST_OF_TARGET, True),
        "weights without the log-ratio",
    ),
    Law(
        "core/specs",
        "T6",
        "all four drafts are rejected with the reference's probability .0789",
        lambda draws, seed: near("P(none)", [FALLBACK], [0.0789], 5e-5),
        lambda draws, seed: near("P(none)", [float(DRAFT[SCORES <= 2 * TAU].sum() ** 4)], [0.0789], 5e-5),
        "twice the threshold",
        formula_only=True,
    ),
    _law(
        "T6",
        "the target steps in where all drafts are rejected, and only there",
        partial(_fallback, FALLBACK),
        partial(_fallback, float(DRAFT[~SURVIVES].sum())),
        "rejection of a single draft",
    ),
    Law(
        "core/specs",
        "T6",
        "CASCADE: the order of authors under scripted rewards",
        lambda draws, seed: _cascade("TTDDDDDTDD", 0.7),
        lambda draws, seed: _cascade("TTDDDDDTDD", 0.9),
        "τ_back above all rewards",
    ),
    Law(
        "core/specs",
        "T7",
        "with multiplicity TV to the tilted law falls: .275, .024, .0014 at n = 4, 64, 1024",
        lambda draws, seed: _distance_reference(_distances(True), (0.275, 0.024, 0.0014)),
        lambda draws, seed: _distance_reference(_distances(False), (0.275, 0.024, 0.0014)),
        "duplicates dropped",
        formula_only=True,
    ),
    Law(
        "core/specs",
        "T7",
        "without it TV does not fall: .270, .229, .2385",
        lambda draws, seed: _distance_reference(_distances(False), (0.270, 0.229, 0.2385)),
        lambda draws, seed: _distance_reference(_distances(True), (0.270, 0.229, 0.2385)),
        "duplicates kept",
        formula_only=True,
    ),
    _law(
        "T7",
        "the default keeps multiplicity: law of soft best-of-64",
        _multiplicity,
        partial(_multiplicity, dedupe=True),
        "dedupe: true",
        draws=400,
    ),
    _law(
        "T8",
        "three blocks at n = 2: the product of the blocks' laws",
        partial(_chain, True),
        partial(_chain, False),
        "weights without π_S",
        draws=1500,
        seed=1,
    ),
    *(
        _law(
            "T9",
            f"Poisson drafts, λ = {lam:g}: an accepted draft has exactly the tilted law",
            partial(_accepted, lam, TILTED_LAW),
            partial(_accepted, lam, tilted(DRAFT, TILT)),
            "the draft's own tilted law",
            draws=draws,
            seed=seed,
        )
        for seed, (lam, draws) in enumerate(((1.0, 2000), (LAM, 2500)))
    ),
    Law(
        "core/specs",
        "T9",
        "P(none accepted) = exp(−λ E_S a) is the reference's .4194",
        lambda draws, seed: near("P(none)", [NONE], [0.4194], 5e-5),
        lambda draws, seed: near("P(none)", [(1 - float(DRAFT @ (WEIGHTS / BOUND))) ** 6], [0.4194], 5e-5),
        "six drafts always",
        formula_only=True,
    ),
    _law(
        "T9",
        "the target steps in with probability exp(−λ E_S a)",
        partial(_none, NONE),
        partial(_none, exp(-LAM * float(DRAFT @ np.minimum(WEIGHTS, 1)))),
        "acceptance without the bound",
        draws=2500,
        seed=1,
    ),
    _law(
        "T9",
        "all answers: (1 − P_none) π* + P_none S-BoN(π_B, e^{βr}, n)",
        partial(_all_runs, (1 - NONE) * TILTED_LAW + NONE * TARGET_STEP),
        partial(_all_runs, (1 - NONE) * tilted(DRAFT, TILT) + NONE * TARGET_STEP),
        "the draft's own tilted law in the place of π*",
        draws=2500,
        seed=1,
    ),
]
