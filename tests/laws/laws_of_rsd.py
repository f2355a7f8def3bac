"""Laws of ``core/rsd`` (T5), on toy A: the mixture of kept drafts and replacements."""

from functools import cache, partial
from typing import Any

import numpy as np

from tests.engine.toys import component
from tests.laws.exact import Array, soft_best_of_n, tilted
from tests.laws.law import Law, Outcome, follows
from tests.laws.two_models import BETA, DRAFT, REWARD, TARGET, TILT, a_counts
from treewright.searches.rsd import Rsd

DELTA, ALPHA, PROBABILITY = 0.5, 5.0, 0.3
KEPT = {
    "constant": np.full(6, PROBABILITY),
    "threshold": (REWARD >= DELTA).astype(float),
    "clip": np.clip(REWARD, 0, 1),
    "ratio": REWARD / (1 + REWARD),
    "logistic": 1 / (1 + np.exp(-ALPHA * (REWARD - DELTA))),
}
OPTIONS: dict[str, Any] = {"delta": DELTA, "alpha": ALPHA, "probability": PROBABILITY, "beta": BETA}


def _mixture(kept: Array, draft: Array, target: Array) -> Array:
    """P(y) = π_S ω + (1 − E_S ω) π_B."""
    return draft * kept + (1 - draft @ kept) * target


@cache
def _counts(omega: str, n: int, draws: int, seed: int) -> list[int]:
    return a_counts(component("search", Rsd, omega=omega, n=n, **OPTIONS), draws, seed)


def _rsd(omega: str, draws: int, seed: int) -> Outcome:
    return follows(_counts(omega, 1, draws, seed), _mixture(KEPT[omega], DRAFT, TARGET))


def _redrafted(omega: str, draws: int, seed: int) -> Outcome:
    return follows(_counts(omega, 1, draws, seed), tilted(DRAFT, KEPT[omega]))


def _best_of_n(law_of: int, draws: int, seed: int) -> Outcome:
    """RSD adapted to best-of-4, held against the law of another n."""
    laws = soft_best_of_n(DRAFT, TILT, law_of), soft_best_of_n(TARGET, TILT, law_of)
    return follows(_counts("threshold", 4, draws, seed), _mixture(KEPT["threshold"], *laws))


LAWS = [
    *(
        Law(
            "core/rsd",
            "T5",
            f"omega {omega}: P = π_S ω + (1 − E_S ω) π_B",
            partial(_rsd, omega),
            partial(_redrafted, omega),
            "rejected drafts replaced by the draft itself",
            draws=1500,
            thorough=30_000,
            seed=seed,  # the same draws for all would make one law's luck the luck of all
        )
        for seed, omega in enumerate(KEPT)
    ),
    Law(
        "core/rsd",
        "T5",
        "n = 4: the mixture of soft best-of-n of draft and target",
        partial(_best_of_n, 4),
        partial(_best_of_n, 1),
        "the law of n = 1",
        draws=1500,
        thorough=30_000,
    ),
]
