r"""Accuracy against budget: each selection on k of the N stored samples, averaged over random subsets.

For every problem, k samples are drawn without replacement ``draws`` times, and the selection is made by the engine's
own rule: the most frequent answer (first seen wins ties), the highest reward, the highest summed reward. The oracle
needs no drawing: it is pass@k, exactly. Bands are a percentile bootstrap over problems, which is where the uncertainty
lies.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from treewright_math.recorded.selections import Judged, pass_at_k
from treewright_registry import Key

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
    return _heaviest(samples, lambda sample: sample.score or 0.0)


def best(samples: Sequence[Judged]) -> Judged:
    """The first sample of the highest reward, as ``core/best``."""
    return max(samples, key=lambda sample: sample.score or 0.0)


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
    budgets: Sequence[int],
    *,
    draws: int = 64,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Point]:
    """A point for each method and budget; budgets beyond the smallest number of samples are left out.

    Methods that need rewards are left out where a sample has none.
    """
    least = min(map(len, problems))
    rewarded = all(sample.score is not None for samples in problems for sample in samples)
    methods = {**VOTES, **(REWARDED if rewarded else {})}
    points = []
    for k in (k for k in budgets if k <= least):
        oracle = [pass_at_k(len(samples), sum(s.correct for s in samples), k) for samples in problems]
        by_method = _accuracies(problems, methods, k, draws, seed)
        for name, values in {**by_method, "oracle": oracle}.items():
            low, high = bootstrap(values, resamples, Key.root(seed, "bootstrap", k).generator())
            points.append(Point(name, k, sum(values) / len(values), low, high))
    return points


def _accuracies(
    problems: Sequence[Sequence[Judged]], methods: Mapping[str, Select], k: int, draws: int, seed: int
) -> dict[str, list[float]]:
    """Method → for each problem the share of subsets on which it is right."""
    shares: dict[str, list[float]] = {name: [] for name in methods}
    for number, samples in enumerate(problems):
        generator = Key.root(seed, "subset", number, k).generator()
        subsets = [generator.sample(samples, k) for _ in range(draws)]
        for name, select in methods.items():
            shares[name].append(sum(select(subset).correct for subset in subsets) / draws)
    return shares


def bootstrap(values: Sequence[float], resamples: int, generator: Random) -> tuple[float, float]:
    """2.5 % and 97.5 % percentiles of the mean, problems drawn with replacement."""
    n = len(values)
    means = sorted(sum(generator.choices(values, k=n)) / n for _ in range(resamples))
    cut = resamples // 40
    return means[cut], means[-1 - cut]
