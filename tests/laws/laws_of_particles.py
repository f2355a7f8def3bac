"""Laws of ``core/particle-filter`` on toy B (T10, T13).

The strongest statement about a particle filter holds for every number of particles: the estimate of the evidence,
counted where the drawn answer is, has the mean gamma(answer). Two particles are also few enough to enumerate.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from itertools import product
from math import exp, prod
from typing import Any

import numpy as np

from tests.engine.toys import component
from tests.laws.drawing import B_OUTCOMES, counts, evidence_weighted, solutions
from tests.laws.exact import Array, tilted, total_variation
from tests.laws.law import Law, Outcome, averages_to, equal, follows, near
from tests.laws.toys import (
    BETA_B,
    DEPTH,
    DRAFT_B,
    LEAVES,
    POTENTIAL_B,
    REWARD_B,
    TARGET_B,
    TOKENS,
    Laws,
    PolicyB,
    PotentialB,
    UnevenB,
    ValueB,
    Word,
    leaf_law,
    soft_value,
)
from treewright.engine.trace import Trace
from treewright.pipeline import ComponentSpec
from treewright.searches.particle_filter import ParticleFilter

SCHEMES = ("multinomial", "systematic", "stratified", "residual")


def gamma(word: Word, laws: Laws = TARGET_B, again: int = 0, odds: bool = False) -> float:
    """The target Π π g of a complete answer; ``again``: how often its last potential is multiplied in once more."""
    parts = [word[: at + 1] for at in range(len(word))]
    potentials = [POTENTIAL_B[part] / (1 - POTENTIAL_B[part] if odds else 1) for part in parts]
    return prod(laws[part[:-1]][int(part[-1])] for part in parts) * prod(potentials) * potentials[-1] ** again


def _roles(**policies: ComponentSpec) -> Mapping[str, ComponentSpec]:
    return {**(policies or {"policy": component("policy", PolicyB)}), "scorer": component("scorer", PotentialB)}


TWO_MODELS = {
    "draft": component("policy", PolicyB, role="draft"),
    "target": component("policy", PolicyB, role="target"),
}

# -- T10: the particle filter --------------------------------------------------------------------------------------


def _filter(particles: int, **options: Any) -> ComponentSpec:
    return component("search", ParticleFilter, particles=particles, selection="draw", **options)


def two_particle_law(flaw: str = "") -> list[float]:
    """The law of one drawn answer of a filter with two particles, by enumeration of all its populations.

    With two particles the four schemes differ in the joint law of descendants, so this is multinomial's.
    """
    populations: dict[tuple[Word, Word], float] = {("", ""): 1.0}
    for depth in range(DEPTH):
        grown: dict[tuple[Word, Word], float] = {}
        for pair, chance in populations.items():
            for chosen, share in _resampled(pair).items() if depth else [(pair, 1.0)]:
                for tokens in product(TOKENS, repeat=2):
                    new = (chosen[0] + tokens[0], chosen[1] + tokens[1])
                    step = prod(TARGET_B[word][int(token)] for word, token in zip(chosen, tokens, strict=True))
                    grown[new] = grown.get(new, 0.0) + chance * share * step
        populations = grown
    law = dict.fromkeys(LEAVES, 0.0)
    for pair, chance in populations.items():
        for word in pair:
            law[word] += chance * (0.5 if flaw == "no final weight" else _share(word, pair))
    return list(law.values())


def _share(word: Word, pair: tuple[Word, Word]) -> float:
    return POTENTIAL_B[word] / (POTENTIAL_B[pair[0]] + POTENTIAL_B[pair[1]])


def _resampled(pair: tuple[Word, Word]) -> Mapping[tuple[Word, Word], float]:
    chances: dict[tuple[Word, Word], float] = {}
    for chosen in ((first, second) for first in pair for second in pair):
        chances[chosen] = chances.get(chosen, 0.0) + _share(chosen[0], pair) * _share(chosen[1], pair)
    return chances


@cache
def _filter_counts(particles: int, draws: int, seed: int, **options: Any) -> list[int]:
    return counts(solutions(_filter(particles, **options), _roles(), draws, seed), B_OUTCOMES)


# -- T10: how far the law is from the target ------------------------------------------------------------------------

DISTANCE = {1: 0.406, 2: 0.288, 8: 0.086}  # total variation to the target; the reference's noise is about .012
TARGET_LAW, ODDS_LAW = (tilted([gamma(leaf, odds=odds) for leaf in LEAVES], [1.0] * 27) for odds in (False, True))


def _distance(particles: int, reference: float, draws: int, seed: int) -> Outcome:
    shares = np.array(_filter_counts(particles, draws, seed)) / draws
    return near("TV to the target", [total_variation(shares, TARGET_LAW)], [reference], 0.03)


def _odds_distance(target: Array, tolerance: float, draws: int, seed: int) -> Outcome:
    shares = np.array(_filter_counts(64, draws, seed, potential="odds")) / draws
    return near("TV", [total_variation(shares, target)], [0.057], tolerance)


def _notes_under_a_budget(candidates: int, draws: int, seed: int) -> Outcome:
    """How many of the sweeps of 8 × 3 steps tell an evidence."""
    traces: dict[str, Trace] = {}
    budget = {"candidates": candidates}
    write = lambda problem, trace: traces.update({problem.id: trace})  # noqa: E731
    solutions(_filter(8), _roles(), draws, seed, write_trace=write, budget=budget)
    return equal("sweeps that tell an evidence", sum("log_evidence" in trace.notes for trace in traces.values()), 0)


def _filter_follows(particles: int, law: Callable[[], list[float]], draws: int, seed: int) -> Outcome:
    return follows(_filter_counts(particles, draws, seed), law())


_VARIANTS: Mapping[str, tuple[ComponentSpec, Mapping[str, ComponentSpec]]] = {
    **{f"{scheme}, N = 8": (_filter(8, resampling=scheme), _roles()) for scheme in SCHEMES},
    "N = 1": (_filter(1), _roles()),
    "N = 2": (_filter(2), _roles()),
    "N = 8, a budget of exactly 24": (_filter(8), _roles()),
    "odds, N = 8": (_filter(8, potential="odds"), _roles()),
    "resampling temperature 3, N = 4": (_filter(4, resampling_temperature=3.0), _roles()),
    "speculative, N = 8": (_filter(8, speculative=True), _roles(**TWO_MODELS)),
    "whole, N = 4": (
        _filter(4, potential="exp", beta=BETA_B, target="whole"),
        {"policy": component("policy", PolicyB), "scorer": component("scorer", ValueB)},
    ),
    "unequal lengths, N = 4": (_filter(4), _roles(policy=component("policy", UnevenB))),
}
ENDED_EARLY = [word for word in ["0", "10", "20", *LEAVES] if "0" not in word[:-1]]


@cache
def _evidence(variant: str, draws: int, seed: int) -> Array:
    search, roles = _VARIANTS[variant]
    traces: dict[str, Trace] = {}
    write = lambda problem, trace: traces.update({problem.id: trace})  # noqa: E731
    budget = {"candidates": 24} if "budget" in variant else {}
    found = solutions(search, roles, draws, seed, write_trace=write, budget=budget)
    return evidence_weighted(found, traces, ENDED_EARLY if variant.startswith("unequal") else B_OUTCOMES)


def _unbiased(variant: str, target: Callable[[Word], float], draws: int, seed: int) -> Outcome:
    outcomes = ENDED_EARLY if variant.startswith("unequal") else B_OUTCOMES
    masses = [target(word) for word in outcomes]
    rows = _evidence(variant, draws, seed)
    groups = _common_enough(masses, max(1 / 15, 100 / draws) * sum(masses))
    merged = np.stack([rows[:, group].sum(axis=1) for group in groups], axis=1)
    return averages_to(merged, [sum(masses[index] for index in group) for group in groups])


def _common_enough(masses: Sequence[float], least: float) -> list[list[int]]:
    """Outcomes in groups of at least that mass: far tails of a mean are normal only if it is drawn often enough."""
    groups: list[list[int]] = [[]]
    for index in sorted(range(len(masses)), key=masses.__getitem__, reverse=True):
        if sum(masses[each] for each in groups[-1]) >= least:
            groups.append([])
        groups[-1].append(index)
    if sum(masses[each] for each in groups[-1]) < least:
        groups[-2] += groups.pop()
    return groups


def _whole_mass(word: Word) -> float:
    return leaf_law(TARGET_B)[LEAVES.index(word)] * exp(BETA_B * REWARD_B[word])


def _unbiased_law(
    variant: str, target: Callable[[Word], float], wrong: Callable[[Word], float], says: str, test: str = "T10"
) -> Law:
    return Law(
        "core/particle-filter",
        test,
        f"{variant}: E[Ẑ 1(answer = y)] = gamma(y)",
        partial(_unbiased, variant, target),
        partial(_unbiased, variant, wrong),
        says,
        draws=700,
        thorough=6_000,
    )


LAWS = [
    Law(
        "core/particle-filter",
        "T10",
        "N = 1: the law of the policy",
        partial(_filter_follows, 1, lambda: leaf_law(TARGET_B)),
        partial(_filter_follows, 1, lambda: list(tilted([gamma(leaf) for leaf in LEAVES], [1.0] * 27))),
        "the target, which one particle does not reach",
        draws=1200,
        thorough=30_000,
    ),
    Law(
        "core/particle-filter",
        "T10",
        "multinomial, N = 2: the law by enumeration of all populations",
        partial(_filter_follows, 2, two_particle_law),
        partial(_filter_follows, 2, lambda: two_particle_law("no final weight")),
        "answer drawn without its final weight",
        draws=2500,
        thorough=30_000,
    ),
    *(
        Law(
            "core/particle-filter",
            "T10",
            f"N = {particles}: TV of the answers' law to the target is the reference's {reference:.3f}, within .03",
            partial(_distance, particles, reference),
            partial(_distance, 1 if particles == 2 else 2, reference),
            f"N = {1 if particles == 2 else 2}",
            draws=1500,
            thorough=6_000,
        )
        for particles, reference in DISTANCE.items()
    ),
    Law(
        "core/particle-filter",
        "T10",
        "odds, N = 64: TV of the answers' law to the odds target is the reference's .057, within .035",
        partial(_odds_distance, ODDS_LAW, 0.035),
        partial(_odds_distance, TARGET_LAW, 0.035),
        "TV to the target of prob (reference: .425)",
        draws=1500,
        thorough=3_000,
        slow=True,
    ),
    Law(
        "core/particle-filter",
        "T10",
        "odds, N = 64: the same TV with few draws, which add to it, within .2",
        partial(_odds_distance, ODDS_LAW, 0.2),
        partial(_odds_distance, TARGET_LAW, 0.2),
        "TV to the target of prob (reference: .425)",
        draws=300,
    ),
    Law(
        "core/particle-filter",
        "T10",
        "multinomial, N = 8, a budget of 20 for 24 steps: no evidence is told",
        partial(_notes_under_a_budget, 20),
        partial(_notes_under_a_budget, 24),
        "a budget of 24",
        draws=200,
    ),
    *(
        _unbiased_law(variant, gamma, lambda word: gamma(word, again=1), "last weight used twice")
        for variant in ("N = 1", "N = 2", "N = 8, a budget of exactly 24", *(f"{scheme}, N = 8" for scheme in SCHEMES))
    ),
    _unbiased_law(
        "odds, N = 8",
        lambda word: gamma(word, odds=True),
        gamma,
        "target with prob instead of odds",
    ),
    _unbiased_law(
        "resampling temperature 3, N = 4",
        gamma,
        lambda word: gamma(word, again=1),
        "last weight used twice",
    ),
    _unbiased_law(
        "speculative, N = 8",
        gamma,
        lambda word: gamma(word, DRAFT_B),
        "without the ratio of target and draft",
        test="T11",
    ),
    _unbiased_law(
        "whole, N = 4",
        _whole_mass,
        lambda word: _whole_mass(word) * exp(BETA_B * soft_value(word[:1])),
        "value of the first step multiplied in twice",
        test="T8",
    ),
    _unbiased_law(
        "unequal lengths, N = 4",
        gamma,
        lambda word: gamma(word, again=DEPTH - len(word)),
        "finished particles weighted again in every later round",
        test="T13",
    ),
]
