r"""What each selection method makes of the stored samples of a set.

    mean        share of right samples, all samples pooled
    pass_at_k   mean over problems of 1 − C(N − c, k) / C(N, k), c of N samples right      (unbiased; pass_at_1 = c/N)
    majority    the most frequent answer; of equally frequent ones that given first
    best        the highest stored reward; where all are equal, the majority
    weighted_vote, soft_best   summed rewards of equal answers; drawn by exp(reward), here its exact expectation
    oracle      whether any sample is right

Source of pass@k: Chen et al. 2021 (arXiv 2107.03374), equation 1. Samples without an answer do not vote.

Samples without a reward are no candidates of the methods that need rewards; in a problem where no sample has one, the
majority stands in for them. If no sample of the set has one, these methods are left out.
A problem without samples (a row that could not be read) counts as wrong, as it does in the accuracy of the run; only
``mean``, whose samples are pooled, knows nothing of it.
"""

from collections.abc import Hashable, Mapping, Sequence
from math import comb, exp, fsum, sqrt
from typing import Any, NamedTuple

from treewright.aggregators.votes import Majority, WeightedVote
from treewright.run.intervals import Z, mean_interval, proportion
from treewright_math.recorded.best_or_majority import BestOrMajority
from treewright_math.recorded.choices import Choice, chosen
from treewright_registry import Aggregator

_PASS_AT = (1, 2, 4, 8, 16, 32, 64)


class Judged(NamedTuple):
    """A sample with everything that a selection may look at.

    Attributes:
        key: its answer's canonical form, ``None`` without an answer.
        correct: its label.
        score: its reward, ``None`` without one.
    """

    key: Hashable
    correct: bool
    score: float | None = None


def pass_at_k(samples: int, right: int, k: int) -> float:
    """The chance that k of the samples, drawn without replacement, hold a right one.

    Raises:
        ValueError: k is not within 1 and the number of samples.
    """
    if not 1 <= k <= samples:
        raise ValueError(f"k must be 1 to {samples}, not {k}")
    return 1.0 - comb(samples - right, k) / comb(samples, k)


def selections(problems: Sequence[Sequence[Judged]]) -> dict[str, dict[str, float]]:
    """Name → ``{value, low, high, n}`` at 95 %, over problems of which at least one has a sample.

    Shares of problems have Wilson's interval, means of numbers a normal one.
    """
    flat = [sample for samples in problems for sample in samples]
    figures = {"mean": _pooled([(sum(j.correct for j in samples), len(samples)) for samples in problems if samples])}
    least = min(len(samples) for samples in problems if samples)
    for k in (k for k in _PASS_AT if k <= least):
        figures[f"pass_at_{k}"] = _mean([_pass_at(samples, k) for samples in problems])
    figures["majority"] = proportion([_right(Majority(), samples) for samples in problems])
    if any(sample.score is not None for sample in flat):
        figures["best"] = proportion([_right_by_reward(BestOrMajority(), samples) for samples in problems])
        figures["weighted_vote"] = proportion([_right_by_reward(WeightedVote(), samples) for samples in problems])
        figures["soft_best"] = _mean([_soft_best(samples) for samples in problems])
    figures["oracle"] = proportion([any(sample.correct for sample in samples) for samples in problems])
    return figures


def _pass_at(samples: Sequence[Judged], k: int) -> float:
    return pass_at_k(len(samples), sum(sample.correct for sample in samples), k) if samples else 0.0


def _right(aggregator: Aggregator, samples: Sequence[Judged]) -> bool:
    if not samples:
        return False
    return samples[chosen(aggregator, [Choice(s.key, _value(s)) for s in samples])].correct


def _right_by_reward(aggregator: Aggregator, samples: Sequence[Judged]) -> bool:
    scored = [sample for sample in samples if sample.score is not None]
    return _right(aggregator, scored) if scored else _right(Majority(), samples)


def _value(sample: Judged) -> float:
    return float("nan") if sample.score is None else sample.score


def _soft_best(samples: Sequence[Judged], beta: float = 1.0) -> float:
    """Σ 1[right] exp(β s) / Σ exp(β s), over the samples with a reward."""
    scored = [sample for sample in samples if sample.score is not None]
    if not scored:
        return float(_right(Majority(), samples))
    top = max(_value(sample) for sample in scored)
    weights = [exp(beta * (_value(sample) - top)) for sample in scored]
    return fsum(w for w, s in zip(weights, scored, strict=True) if s.correct) / fsum(weights)


def _pooled(counts: Sequence[tuple[int, int]]) -> dict[str, float]:
    """Σ c / Σ N with its interval as a ratio estimator: the samples of one problem are not independent."""
    right, total = (sum(column) for column in zip(*counts, strict=True))
    share, problems = right / total, len(counts)
    squares = fsum((c - share * n) ** 2 for c, n in counts)
    half = Z * sqrt(squares * problems / max(1, problems - 1)) / total
    return {"value": share, "low": max(0.0, share - half), "high": min(1.0, share + half), "n": total}


def _mean(values: Sequence[float]) -> dict[str, float]:
    value, low, high = mean_interval(values)
    return {"value": value, "low": max(0.0, low), "high": min(1.0, high), "n": len(values)}


def figures_text(figures: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> str:
    """A line per figure, in per cent, for the end of a run."""
    rows = [f"{name:<14} {figures[name]['value']:7.2%}" for name in names if name in figures]
    return "\n".join(rows)
