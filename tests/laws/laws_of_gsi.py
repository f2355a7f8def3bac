"""Laws of ``core/gsi`` (T3, T4, T8): exact mixture, identities, chains of blocks."""

from collections.abc import Mapping
from functools import cache, partial
from itertools import product
from math import exp, inf
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tests.engine.toys import component
from tests.laws.exact import Array, kl, soft_best_of_n
from tests.laws.law import Law, Outcome, equal, follows, near
from tests.laws.toys import PolicyA, RewardA
from tests.laws.two_models import (
    A_ROLES,
    BETA,
    DRAFT,
    REWARD,
    TARGET,
    TILT,
    TILTED_LAW,
    TILTED_LEAVES,
    TILTED_REWARD,
    WEIGHTS,
    a_counts,
    answers,
    b_counts,
    chain_law,
)
from treewright.pipeline import ComponentSpec
from treewright.searches.gsi import Gsi
from treewright_registry import Env, Need, Problem

U = 0.45


def _gsi(**options: Any) -> ComponentSpec:
    return component("search", Gsi, **{"n": 4, "beta": BETA, "threshold": U, **options})


@cache
def _counts(draws: int, seed: int, **options: Any) -> list[int]:
    return a_counts(_gsi(**options), draws, seed)


def _mixture(accepted: NDArray[np.bool_], drafts: Array, replacements: Array) -> Array:
    """P = P_n 1[accepted] + P_n(rejected) Q."""
    return np.asarray(np.where(accepted, drafts, 0.0) + drafts[~accepted].sum() * replacements)


DRAFTED = soft_best_of_n(DRAFT, WEIGHTS, 4)  # P_n
REPLACED = soft_best_of_n(TARGET, TILT, 4)  # Q_n
WITHOUT_DRAFT = soft_best_of_n(DRAFT, TARGET * TILT, 4)  # P_n as if π_S were left out of the weight

# -- T3: with threshold --------------------------------------------------------------------------------------------

REFERENCE = [0.0063, 0.42093, 0.01211, 0.22569, 0.27405, 0.06092, 0.16955]  # law, then P(rejected)


def _reference(drafts: Array) -> Outcome:
    accepted = TILTED_REWARD >= U
    law = _mixture(accepted, drafts, REPLACED)
    return near("law and P(rejected)", [*law, drafts[~accepted].sum()], REFERENCE, 6e-6)


def _tilted_threshold(law: Array, draws: int, seed: int) -> Outcome:
    return follows(_counts(draws, seed), law)


def _raw_threshold(law: Array, draws: int, seed: int) -> Outcome:
    return follows(_counts(draws, seed, threshold_on="raw", threshold=0.7), law)


def _unequal(n_target: int, draws: int, seed: int) -> Outcome:
    """2 drafts and 8 replacements, held against the law of another number of replacements."""
    law = _mixture(TILTED_REWARD >= 0.9, soft_best_of_n(DRAFT, WEIGHTS, 2), soft_best_of_n(TARGET, TILT, n_target))
    return follows(_counts(draws, seed, n=2, n_target=8, threshold=0.9), law)


# -- T4: identities ------------------------------------------------------------------------------------------------


class SoftBestOfBlocks:
    """Soft best-of-n of one policy by reward alone, with the draws that GSI makes under the same names."""

    needs: ClassVar[Mapping[str, Need]] = {"draft": Need("policy"), "scorer": Need("scorer")}

    async def search(self, problem: Problem, env: Env) -> None:
        [blocks] = await env.propose([env.root], 4, role="draft")
        scores = await env.score(blocks)
        top = max(BETA * score.value for score in scores)
        chosen = env.random("draft", 0).choice([exp(BETA * score.value - top) for score in scores])
        env.offer(blocks[chosen], scores[chosen])


def _one_model(draft: str, draws: int, seed: int) -> Outcome:
    """GSI whose draft is ``draft`` against soft best-of-n of the target."""
    target = component("policy", PolicyA, role="target")
    roles = {**A_ROLES, "draft": component("policy", PolicyA, role=draft)}
    plain = answers(component("search", SoftBestOfBlocks), draws, seed, {**A_ROLES, "draft": target})
    return equal("answers of the same draws", answers(_gsi(threshold=None), draws, seed, roles), plain)


def _resampling(weights: Array, draws: int, seed: int) -> Outcome:
    return follows(_counts(draws, seed, beta=0.0, threshold=None), soft_best_of_n(DRAFT, weights, 4))


def _one_draft(law: Array, draws: int, seed: int) -> Outcome:
    return follows(_counts(draws, seed, n=1, threshold=None), law)


def _threshold_like_none(threshold: float, draws: int, seed: int) -> Outcome:
    found = answers(_gsi(threshold=threshold), draws, seed)
    return equal("answers of the same draws", found, answers(_gsi(threshold=None), draws, seed))


def _all_rejected(law: Array, draws: int, seed: int) -> Outcome:
    return follows(_counts(draws, seed, threshold=inf), law)


def _shifted(threshold: float | None, shifted: float | None, draws: int, seed: int) -> Outcome:
    """All rewards higher by 1/4, and the threshold moved from ``threshold`` to ``shifted``."""
    roles = {**A_ROLES, "scorer": component("scorer", RewardA, shift=0.25)}
    found = answers(_gsi(threshold=shifted), draws, seed, roles)
    return equal("answers of the same draws", found, answers(_gsi(threshold=threshold), draws, seed))


# -- T8: chains of blocks on toy B ---------------------------------------------------------------------------------

SIZES = (2, 8, 32, 128, None)
KL_REFERENCE = (0.829, 0.127, 0.0061, 2.7e-4)


def _chain_reference(kind: str) -> Outcome:
    """Relative distance from the reference KL at n = 2 … 128 (two to three digits), and KL at n = ∞."""
    found = [kl(TILTED_LEAVES, chain_law(n, kind)) for n in SIZES]
    ratios = [value / expected for value, expected in zip(found, KL_REFERENCE, strict=False)]
    return near("KL over reference, and KL at n = ∞", [*ratios, found[-1]], [1.0] * 4 + [0.0], 0.02)


def _plateau(n: int | None) -> Outcome:
    return near("KL with the plain value", [kl(TILTED_LEAVES, chain_law(n, "plain"))], [0.0236], 5e-5)


@cache
def _chain_counts(draws: int, seed: int) -> list[int]:
    return b_counts(component("search", Gsi, n=2, beta=4.0, threshold=None), draws, seed)


def _chain(with_draft: bool, draws: int, seed: int) -> Outcome:
    return follows(_chain_counts(draws, seed), list(chain_law(2, "soft", with_draft)))


# -- exponential noise ---------------------------------------------------------------------------------------------


def _noisy_max_law(n: int, clip: float) -> Array:
    """Of n drafts by argmax of s + Exp(1), s = β min(r̃, clip), summed over all n-tuples of drafts.

    P(i wins) = ∫ e^{−x} Π_j (1 − e^{−(x + s_i − s_j)})₊ dx
    """
    scores = BETA * np.minimum(TILTED_REWARD, clip)
    x = (np.arange(8000) + 0.5) * 0.004
    law = np.zeros(6)
    for drafts in product(range(6), repeat=n):
        share = np.prod(DRAFT[list(drafts)])
        for place, draft in enumerate(drafts):
            others = [scores[other] for at, other in enumerate(drafts) if at != place]
            below = [np.clip(1 - np.exp(-(x + scores[draft] - other)), 0, None) for other in others]
            law[draft] += share * float(np.sum(np.exp(-x) * np.prod(below, axis=0)) * 0.004)
    return law


def _noisy_max(law: Array, draws: int, seed: int) -> Outcome:
    return follows(_counts(draws, seed, n=3, threshold=None, selection="noisy-max", clip=0.45), law)


def _law(test: str, claim: str, check: Any, control: Any, control_says: str, draws: int = 1500) -> Law:
    return Law("core/gsi", test, claim, check, control, control_says, draws=draws, thorough=20 * draws)


def _identity(claim: str, check: Any, control: Any, control_says: str) -> Law:
    """Answers compared draw by draw: more draws say little more."""
    return Law("core/gsi", "T4", claim, check, control, control_says, draws=500, thorough=2000)


LAWS = [
    Law(
        "core/gsi",
        "T3",
        "law and P(rejected) at β 3, n 4, u 0.45 are the reference numbers",
        lambda draws, seed: _reference(DRAFTED),
        lambda draws, seed: _reference(WITHOUT_DRAFT),
        "weights without π_S",
        formula_only=True,
    ),
    _law(
        "T3",
        "threshold on the tilted reward: P = P_n 1[r̃ ≥ u] + P_n(r̃ < u) Q_n",
        partial(_tilted_threshold, _mixture(TILTED_REWARD >= U, DRAFTED, REPLACED)),
        partial(_tilted_threshold, TILTED_LAW),
        "the tilted target, which GSI with a threshold does not near",
    ),
    _law(
        "T3",
        "threshold on the raw reward: P = P_n 1[r ≥ u] + P_n(r < u) Q_n",
        partial(_raw_threshold, _mixture(REWARD >= 0.7, DRAFTED, REPLACED)),
        partial(_raw_threshold, _mixture(TILTED_REWARD >= 0.7, DRAFTED, REPLACED)),
        "threshold on the tilted reward",
    ),
    _law(
        "T3",
        "2 drafts and 8 of the target: the mixture of P_2 and Q_8",
        partial(_unequal, 8),
        partial(_unequal, 2),
        "Q_2",
    ),
    _identity(
        "π_S = π_B: the answers of soft best-of-n, draw by draw",
        partial(_one_model, "target"),
        partial(_one_model, "draft"),
        "two models",
    ),
    _law(
        "T4",
        "β = 0: importance resampling to π_B",
        partial(_resampling, TARGET / DRAFT),
        partial(_resampling, TARGET),
        "weights without π_S",
    ),
    _law(
        "T4",
        "n = 1 without threshold: the draft's own law",
        partial(_one_draft, DRAFT),
        partial(_one_draft, TARGET),
        "the target's law",
        draws=800,
    ),
    _identity(
        "u = −∞: as without threshold, draw by draw",
        partial(_threshold_like_none, -inf),
        partial(_threshold_like_none, U),
        "u = 0.45",
    ),
    _law(
        "T4",
        "u = +∞: soft best-of-n of the target",
        partial(_all_rejected, REPLACED),
        partial(_all_rejected, DRAFTED),
        "soft best-of-n of the drafts",
    ),
    _identity(
        "r + ¼ changes nothing without threshold, draw by draw",
        partial(_shifted, None, None),
        partial(_shifted, U, U),
        "a threshold that stays where it was",
    ),
    _identity(
        "r + ¼ moves the threshold by ¼, draw by draw",
        partial(_shifted, U, U + 0.25),
        partial(_shifted, U, U),
        "a threshold that stays where it was",
    ),
    Law(
        "core/gsi",
        "T8",
        "with the soft value, blocks compose: KL to the tilted target at n = 2 … ∞ as the reference says",
        lambda draws, seed: _chain_reference("soft"),
        lambda draws, seed: _chain_reference("plain"),
        "plain expected reward as value",
        formula_only=True,
    ),
    Law(
        "core/gsi",
        "T8",
        "with the plain value, KL stays at 0.0236 as n → ∞",
        lambda draws, seed: _plateau(None),
        lambda draws, seed: _plateau(8),
        "n = 8",
        formula_only=True,
    ),
    _law(
        "T8",
        "three blocks at n = 2: the product of the blocks' laws",
        partial(_chain, True),
        partial(_chain, False),
        "weights without π_S",
        draws=1500,
    ),
    _law(
        "T1",
        "choice by exponential noise, clip 0.45: law of report-noisy-max, by quadrature",
        partial(_noisy_max, _noisy_max_law(3, 0.45)),
        partial(_noisy_max, _noisy_max_law(3, inf)),
        "law without clip",
        draws=2500,
    ),
]
