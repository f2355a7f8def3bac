"""What the laws of drafting searches share: both toys with a draft and a target, and their exact laws."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from tests.engine.toys import component
from tests.laws.drawing import A_OUTCOMES, B_OUTCOMES, counts, solutions
from tests.laws.exact import Array, soft_best_of_n, tilted
from tests.laws.toys import (
    BETA_B,
    DRAFT_A,
    DRAFT_B,
    LEAVES,
    REWARD_A,
    REWARD_B,
    TARGET_A,
    TARGET_B,
    TOKENS,
    PolicyA,
    PolicyB,
    RewardA,
    ValueB,
    leaf_law,
    plain_value,
    soft_value,
)
from treewright.engine.solving import Solution
from treewright.pipeline import ComponentSpec

BETA = 3.0
DRAFT, TARGET, REWARD = np.array(DRAFT_A), np.array(TARGET_A), np.array(REWARD_A)
TILT = np.exp(BETA * REWARD)
WEIGHTS = TARGET / DRAFT * TILT  # w = (π_B/π_S) e^{βr}
TILTED_REWARD = np.log(WEIGHTS) / BETA
TILTED_LAW = tilted(TARGET, TILT)  # π*, what the draft is to imitate

A_ROLES: Mapping[str, ComponentSpec] = {
    "draft": component("policy", PolicyA, role="draft"),
    "target": component("policy", PolicyA, role="target"),
    "scorer": component("scorer", RewardA),
}
TILTED_LEAVES = tilted(leaf_law(TARGET_B), [np.exp(BETA_B * REWARD_B[leaf]) for leaf in LEAVES])


def b_roles(kind: str = "soft") -> Mapping[str, ComponentSpec]:
    """Toy B with the soft or the plain value as reward."""
    return {
        "draft": component("policy", PolicyB, role="draft"),
        "target": component("policy", PolicyB, role="target"),
        "scorer": replace(component("scorer", ValueB), options={"kind": kind}),
    }


def answers(search: ComponentSpec, draws: int, seed: int, roles: Mapping[str, ComponentSpec] = A_ROLES) -> list[str]:
    """The answer of each draw, in order."""
    found = sorted(solutions(search, roles, draws, seed), key=lambda solution: int(solution.problem_id))
    return [str(solution.answer) for solution in found]


def a_counts(search: ComponentSpec, draws: int, seed: int) -> list[int]:
    """How often each outcome of toy A is the answer."""
    return counts(solutions(search, A_ROLES, draws, seed), A_OUTCOMES)


def b_counts(search: ComponentSpec, draws: int, seed: int, kind: str = "soft") -> list[int]:
    """How often each leaf of toy B is the answer."""
    return counts(solutions(search, b_roles(kind), draws, seed), B_OUTCOMES)


def proposals_of(role: str, solution: Solution) -> float:
    """How many steps a role proposed."""
    return solution.cost.get(role, {}).get("candidates", 0)


@cache
def chain_law(n: int | None, kind: str, with_draft: bool = True) -> Array:
    """Toy B's leaves, each block a soft best-of-n of drafts by w = (π_B/π_S) e^{βV}; ``None``: n → ∞.

    Without ``with_draft``, π_S is left out of the weight: a mistake for controls.
    """
    value = soft_value if kind == "soft" else plain_value
    blocks = {prefix: _block_law(prefix, n, value, with_draft) for prefix in DRAFT_B}
    return np.array([np.prod([blocks[leaf[:at]][int(leaf[at])] for at in range(3)]) for leaf in LEAVES])


def _block_law(prefix: str, n: int | None, value: Callable[[str], float], with_draft: bool) -> Array:
    tilt = np.exp([BETA_B * value(prefix + token) for token in TOKENS])
    if n is None:
        return tilted(TARGET_B[prefix], tilt)
    draft = np.array(DRAFT_B[prefix])
    return soft_best_of_n(draft, np.array(TARGET_B[prefix]) * tilt / (draft if with_draft else 1.0), n)
