r"""Accuracy against budget: each selection on k of the N stored samples, averaged over random subsets.

For every problem, k samples are drawn without replacement ``draws`` times, and the selection is made by the engine's
own rule: the most frequent answer (first seen wins ties), the highest reward, the highest summed reward; where no
drawn sample has a reward, the most frequent answer. All N samples are one subset, in the order in which they are
stored, so that the curve ends where the figures over all samples stand. The oracle needs no drawing: it is pass@k,
exactly. Bands are a percentile bootstrap over problems, which is where the uncertainty lies. A problem without samples
is never right.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from treewright_math.recorded.selections import Judged, pass_at_k
from treewright_registry import Key

BUDGETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_MOST_DRAWN = 1_000_000  # samples, over all problems, budgets and draws: some seconds

Select = Callable[[Sequence[Judged]], Judged]


class Point(NamedTuple):
    """One budget of one method.

    Attributes:
        method: its name.
        k: samples per problem.
        value: mean accuracy.
        low, high: 95 % band.
    """

    method: str
    k: int
    value: float
    low: float
    high: float


def majority(samples: Sequence[Judged]) -> Judged:
    """The first sample of the most frequent answer, as ``core/majority``."""
    return _heaviest(samples, lambda sample: 1.0)


def weighted_vote(samples: Sequence[Judged]) -> Judged:
    """The first sample of the answer with the highest summed reward, as ``core/weighted-vote``."""
    return _heaviest(_scored(samples), _reward) if _scored(samples) else majority(samples)


def best(samples: Sequence[Judged]) -> Judged:
    """The first sample of the highest reward, the majority where all are equal, as ``math/best-or-majority``."""
    differ = len({sample.score for sample in samples}) > 1
    return max(_scored(samples), key=_reward) if differ else majority(samples)


def _scored(samples: Sequence[Judged]) -> Sequence[Judged]:
    return [sample for sample in samples if sample.score is not None]


def _reward(sample: Judged) -> float:
    return 0.0 if sample.score is None else sample.score


def _heaviest(samples: Sequence[Judged], weight: Callable[[Judged], float]) -> Judged:
    voters = [sample for sample in samples if sample.key is not None] or list(samples)
    totals: dict[object, float] = {}
    for sample in voters:
        totals[sample.key] = totals.get(sample.key, 0.0) + weight(sample)
    winner = max(totals, key=totals.__getitem__)  # the first of equals: keys stand in order of their first sample
    return next(sample for sample in voters if sample.key == winner)


VOTES: Mapping[str, Select] = {"majority": majority}
REWARDED: Mapping[str, Select] = {"best": best, "weighted vote": weighted_vote}


def curves(
    problems: Sequence[Sequence[Judged]],
    budgets: Sequence[int] | None = None,
    *,
    draws: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Point]:
    """A point for each method and budget; budgets beyond the smallest number of samples of a problem are left out.

    Methods that need rewards are left out where no sample has one.

    Args:
        problems: samples with labels, each list a problem.
        budgets: numbers of samples; ``None``: powers of two, and the smallest number of samples of a problem.
        draws: subsets of each problem and budget; ``None``: 64, fewer for large sets, so that it takes seconds.
        resamples: of the bootstrap.
        seed: names the subsets.
    """
    least = min((len(samples) for samples in problems if samples), default=0)
    budgets = sorted({*BUDGETS, least}) if budgets is None else budgets
    budgets = [k for k in budgets if 1 <= k <= least]
    draws = draws or max(4, min(64, _MOST_DRAWN // max(1, len(problems) * sum(budgets))))
    rewarded = any(sample.score is not None for samples in problems for sample in samples)
    methods = {**VOTES, **(REWARDED if rewarded else {})}
    points = []
    for k in budgets:
        oracle = [pass_at_k(len(s), sum(j.correct for j in s), k) if s else 0.0 for s in problems]
        by_method = _accuracies(problems, methods, k, draws, seed)
        for name, values in {**by_method, "oracle": oracle}.items():
            low, high = bootstrap(values, resamples, Key.root(seed, "bootstrap", k).generator())
            points.append(Point(name, k, sum(values) / len(values), low, high))
    return points


def _accuracies(
    problems: Sequence[Sequence[Judged]], methods: Mapping[str, Select], k: int, draws: int, seed: int
) -> dict[str, list[float]]:
    """Method → for each problem the share of subsets on which it is right."""
    if k == 1:  # there is nothing to choose
        alone = [sum(sample.correct for sample in samples) / max(1, len(samples)) for samples in problems]
        return dict.fromkeys(methods, alone)
    shares: dict[str, list[float]] = {name: [] for name in methods}
    for number, samples in enumerate(problems):
        generator = Key.root(seed, "subset", number, k).generator()
        subsets = _subsets(samples, k, draws, generator)
        for name, select in methods.items():
            shares[name].append(sum(select(subset).correct for subset in subsets) / max(1, len(subsets)))
    return shares


def _subsets(samples: Sequence[Judged], k: int, draws: int, generator: Random) -> Sequence[Sequence[Judged]]:
    if not samples:
        return []
    return [samples] if k == len(samples) else [generator.sample(samples, k) for _ in range(draws)]


def bootstrap(values: Sequence[float], resamples: int, generator: Random) -> tuple[float, float]:
    """2.5 % and 97.5 % percentiles of the mean, problems drawn with replacement."""
    n = len(values)
    draws, each = np.random.default_rng(generator.getrandbits(64)), np.full(n, 1 / n)
    means = np.sort([draws.multinomial(n, each) @ np.asarray(values) / n for _ in range(resamples)])
    cut = resamples // 40
    return float(means[cut]), float(means[-1 - cut])
