r"""One number out of a process reward model's numbers: how the scores of an answer's steps are combined.

    own              the scorer's own value, however it makes it
    last             s_T
    min              min s_t
    product          Π s_t
    mean             Σ s_t / T
    geometric-mean   (Π s_t)^(1/T)

Sources: search-and-learn's default is ``last``, openr's ``min`` or ``last``; MetaStone-S1 uses the geometric mean.
The default here is ``own``: the scorer knows best what its value means. Everything else needs a scorer with the
capability ``step_scores``.
"""

from collections.abc import Callable, Mapping, Sequence
from math import exp, fsum, log, prod
from typing import Any, Final, Literal, TypeAlias

from treewright_registry import Candidate, Capability, ContractError, Need, Score

StepRule: TypeAlias = Literal["own", "last", "min", "product", "mean", "geometric-mean"]


def scorer_need(options: Mapping[str, Any], *capabilities: str, optional: bool = False) -> Need:
    """The scorer that a component with these options needs: with step scores, if it combines them itself."""
    steps = [Capability.STEP_SCORES] if options.get("step_scores", "own") != "own" else []
    return Need("scorer", frozenset([*capabilities, *steps]), optional)


def aggregator_needs(options: Mapping[str, Any]) -> Mapping[str, Need]:
    """What an aggregator needs that chooses by combined scores: nothing, if they are the scorer's own."""
    own = options.get("step_scores", "own") == "own"
    return {} if own else {"scorer": Need("scorer", frozenset({Capability.STEP_SCORES}))}


def rescored(candidates: Sequence[Candidate], rule: StepRule) -> Sequence[Candidate]:
    """The same candidates with the scores that ``rule`` makes of their steps."""
    if rule == "own":
        return candidates
    scores = combined([candidate.score for candidate in candidates], rule)
    return [candidate._replace(score=score) for candidate, score in zip(candidates, scores, strict=True)]


def combined(scores: Sequence[Score], rule: StepRule) -> Sequence[Score]:
    """The same scores with the value that ``rule`` makes of their steps; failed ones stay as they are.

    Raises:
        ContractError: a score has no steps, or negative ones where a product is wanted.
    """
    return scores if rule == "own" else [_combined(score, rule) for score in scores]


def _combined(score: Score, rule: StepRule) -> Score:
    if score.failed:
        return score
    if not score.steps:
        raise ContractError(
            f"step_scores '{rule}' needs a scorer that fills Score.steps; this one left them empty: use 'own'"
        )
    return score._replace(value=_RULES[rule](score.steps))


def _product(steps: Sequence[float]) -> float:
    return prod(_not_negative(steps, "product"))


def _geometric_mean(steps: Sequence[float]) -> float:
    if min(_not_negative(steps, "geometric-mean")) == 0:
        return 0.0
    return exp(fsum(map(log, steps)) / len(steps))


def _not_negative(steps: Sequence[float], rule: str) -> Sequence[float]:
    if min(steps) < 0:
        raise ContractError(f"step_scores '{rule}' needs scores of at least 0, not {min(steps)}: use 'mean' or 'min'")
    return steps


_RULES: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "last": lambda steps: steps[-1],
    "min": min,
    "product": _product,
    "mean": lambda steps: fsum(steps) / len(steps),
    "geometric-mean": _geometric_mean,
}
