"""Laws of ``core/ab-mcts`` (T17): posteriors, the draws from them, and treequest's decisions."""

from collections.abc import Sequence
from functools import cache, partial
from math import gamma, pi, sqrt
from random import Random
from typing import ClassVar

import numpy as np

from tests.engine.toys import component
from tests.laws.drawing import solutions
from tests.laws.law import Law, Outcome, equal, follows, near
from tests.searches.revisions import run_revisions
from tests.searches.treequest_oracle import NODES, REWARDS, Decisions, stored_decisions
from treewright.searches.ab_mcts import AbMcts
from treewright.searches.ab_mcts_posteriors import BetaPosterior, GaussianPosterior, Posterior
from treewright_registry import Capability, Proposals, ProposeRequest, Score, ScoreRequest, Step

SEEN = (0.2, 0.8, 0.5)

# -- posteriors ----------------------------------------------------------------------------------------------------


def _gaussian(rewards: Sequence[float]) -> Outcome:
    belief = GaussianPosterior()
    for reward in rewards:
        belief.observe(reward)
    return near("m, κ, ν, τ²", belief.parameters(), (0.375, 4.0, 4.0, 0.116875), 1e-12)


def _beta(rewards: Sequence[float]) -> Outcome:
    belief = BetaPosterior()
    for reward in rewards:
        belief.observe(reward)
    return near("a, b", belief.parameters(), (2.0, 2.0), 1e-12)


# -- draws ---------------------------------------------------------------------------------------------------------


def _student(
    t: np.ndarray[tuple[int], np.dtype[np.float64]], nu: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    factor = gamma((nu + 1) / 2) / (gamma(nu / 2) * sqrt(nu * pi))
    return np.asarray(factor * (1 + t**2 / nu) ** (-(nu + 1) / 2))


def _means_drawn(scale: float, draws: int, seed: int) -> Outcome:
    """Means drawn after ``SEEN`` are Student-t with ν = 4 degrees of freedom about m, in units of ``scale``."""
    belief = GaussianPosterior()
    for reward in SEEN:
        belief.observe(reward)
    random = Random(seed)
    edges = np.array([-2.0, -1.0, -0.4, 0.0, 0.4, 1.0, 2.0])
    found = np.searchsorted(edges, [(belief.draw(random) - 0.375) / scale for _ in range(draws)])
    grid = np.linspace(-2.0, 2.0, 40001)
    below = np.concatenate([[0.0], np.cumsum((_student(grid, 4)[1:] + _student(grid, 4)[:-1]) / 2 * 1e-4)])
    middle = np.diff(np.interp(edges, grid, below))
    tail = (1 - middle.sum()) / 2
    return follows(np.bincount(found, minlength=8).tolist(), [tail, *middle, tail])


def _uniform(seen: Sequence[float], draws: int, seed: int) -> Outcome:
    """After one reward of ½ the Beta belief is uniform."""
    belief: Posterior = BetaPosterior()
    for reward in seen:
        belief.observe(reward)
    random = Random(seed)
    return follows(
        np.bincount([int(10 * belief.draw(random)) for _ in range(draws)], minlength=10).tolist(), [0.1] * 10
    )


# -- wider or deeper, through the engine ---------------------------------------------------------------------------


class Speaker:
    """First answers are ``w``; a revision appends ``d``."""

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.REVISES})

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([Step("d" if request.trajectory.depth else "w", finish="stop")]) for request in requests]


class AllGood:
    """Rewards everything with 1."""

    level = "outcome"
    range = (0.0, 1.0)
    link = "probability"

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        return [Score(1.0) for _ in requests]


# GEN ~ Beta(3/2, 1/2) after a reward of 1, CONT ~ Beta(1/2, 1/2): with x = sin²θ,
# P(GEN > CONT) = (8/π²) ∫₀^{π/2} θ sin²θ dθ
WIDER = 0.5 + 2 / pi**2


@cache
def _second_answers(draws: int, seed: int) -> int:
    roles = {"policy": component("policy", Speaker), "scorer": component("scorer", AllGood)}
    found = solutions(component("search", AbMcts, family="beta", iterations=2), roles, draws, seed)
    return sum(not solution.runners_up for solution in found)  # a revision is another answer than "w"


def _wider(share: float, draws: int, seed: int) -> Outcome:
    wider = _second_answers(draws, seed)
    return follows([wider, draws - wider], [share, 1 - share])


# -- treequest's decisions -----------------------------------------------------------------------------------------


@cache
def _decisions(family: str, choice: str, policies: int, seed: int) -> Decisions:
    roles = ("policy",) if policies == 1 else tuple(f"policy{number}" for number in range(policies))
    search = component("search", AbMcts, family=family, policies=roles, policy_choice=choice, iterations=NODES)
    _, trace = run_revisions(search, REWARDS, policies, seed=seed)
    parents = tuple(parent - 1 for parent in trace.parents[1:])
    asked = tuple(int(str(step.content)) for step in trace.steps[1:] if step is not None)
    return Decisions(family, choice, policies, parents, asked)


def _as_treequest(case: Decisions, draws_of: int, draws: int, seed: int) -> Outcome:
    """Parents and policies of all answers, with the draws of seed ``draws_of`` where treequest had those of 0."""
    ours = _decisions(case.family, case.choice, case.policies, draws_of)
    return equal("parents and policies", [*ours.parents, *ours.policy], [*case.parents, *case.policy])


def _policies(number: int) -> str:
    return "1 policy" if number == 1 else f"{number} policies"


LAWS = [
    Law(
        "core/ab-mcts",
        "T17",
        "Gaussian belief after .2, .8, .5: m .375, κ 4, ν 4, τ² .116875",
        lambda draws, seed: _gaussian(SEEN),
        lambda draws, seed: _gaussian(SEEN[:2]),
        "one reward fewer",
    ),
    Law(
        "core/ab-mcts",
        "T17",
        "Beta belief after .2, .8, .5: a = b = 2",
        lambda draws, seed: _beta(SEEN),
        lambda draws, seed: _beta(SEEN[:2]),
        "one reward fewer",
    ),
    Law(
        "core/ab-mcts",
        "T17",
        "drawn means are Student-t about m with scale sqrt(τ²/κ)",
        partial(_means_drawn, sqrt(0.116875 / 4)),
        partial(_means_drawn, sqrt(0.116875)),
        "scale of a reward instead of the mean",
        draws=5000,
        thorough=100_000,
    ),
    Law(
        "core/ab-mcts",
        "T17",
        "the Beta belief after a reward of ½ is uniform",
        partial(_uniform, (0.5,)),
        partial(_uniform, ()),
        "the prior",
        draws=5000,
        thorough=100_000,
    ),
    Law(
        "core/ab-mcts",
        "T17",
        "after one reward of 1 the Beta family goes wider with probability 1/2 + 2/π²",
        partial(_wider, WIDER),
        partial(_wider, 0.5),
        "a GEN that learnt nothing",
        draws=1500,
        thorough=20_000,
    ),
    *(
        Law(
            "core/ab-mcts",
            "T17",
            f"{NODES} decisions of treequest 0.3.3: {case.family}, {case.choice}, {_policies(case.policies)}",
            partial(_as_treequest, case, 0),
            partial(_as_treequest, case, 1),
            "other random draws",
        )
        for case in stored_decisions()
    ),
]
