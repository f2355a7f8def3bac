"""From likelihoods, or from what was written, to the probability that a step is right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from treewright_math.generative_readers.review_format import ReviewFormat
from treewright_registry import Likelihood

UNDECIDED: Final = 0.5
"""What a review without verdict counts (GenPRM)."""


def from_likelihoods(good: Likelihood, bad: Likelihood) -> float | None:
    """P(good) / (P(good) + P(bad)); ``None`` where either is unknown, one half where both are impossible."""
    yes, no = good.log_probability, bad.log_probability
    if math.isnan(yes) or math.isnan(no):
        return None
    if yes == no == -math.inf:
        return UNDECIDED
    greater = max(yes, no)
    return math.exp(yes - greater) / (math.exp(yes - greater) + math.exp(no - greater))


def written(style: ReviewFormat, review: str) -> float | None:
    """1 or 0 by the last verdict in a review that was written to its end; ``None`` if it has none."""
    found = style.written.findall(review)
    return None if not found else float(found[-1].lower() == style.good.lower())


def answered(style: ReviewFormat, words: str) -> float:
    """1 or 0 by what was written where the verdict belongs; one half if that is none of the two."""
    begun = words.strip().lower()
    for verdict, value in ((style.good, 1.0), (style.bad, 0.0)):
        if begun.startswith(verdict.lower()):
            return value
    return UNDECIDED


def on_steps(style: ReviewFormat, reviews: Sequence[str], count: int) -> list[float]:
    """For each step the share of reviews that call it correct; one without verdict on it counts one half."""
    assert style.step_verdict is not None
    verdicts = [style.step_verdict.findall(review)[:count] for review in reviews]
    table = [[float(word.lower() == "correct") for word in words] for words in verdicts]
    filled = [row + [UNDECIDED] * (count - len(row)) for row in table]
    return [sum(column) / len(filled) for column in zip(*filled, strict=True)]
