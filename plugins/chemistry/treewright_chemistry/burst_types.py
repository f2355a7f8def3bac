"""What a burst of local search needs, how it searches, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["BurstOptions", "BurstResult", "Fit", "Found"]


class Fit(Protocol):
    """What the burst needs of a spectrum."""

    def totals(self, molecules: Sequence[Any], /) -> npt.NDArray[np.float64]:
        """Scores of molecules of one formula: higher is better, with a slope also far from the truth."""

    def misfits(self, molecule: Any, /) -> Sequence[float]:
        """One number per heavy atom, not negative, larger = fits worse."""


@dataclass(frozen=True, slots=True)
class BurstOptions:
    """How a burst searches. Counts are candidates unless said otherwise.

    `islands` pools of `pool` members; `batch` candidates are scored at once; the rank of a parent has the
    mean `parent_decay`; a parent is edited at random places `aim_after` times, then where it fits worst.
    `second_edit`, `arm_share` and `fresh_share` are the probabilities of a second edit, of an exchange or
    copy of arms, and of a fresh structure (`filling_share` while the pool is not full); `fragment_share`
    of the fresh ones are assembled from fragments, of these `symmetric_share` from equal arms where the
    lines speak for them. An island starts afresh after twice `patience` proposals without a gain; every
    `migrate_every` candidates the best members visit the next island.
    """

    islands: int = 4
    pool: int = 40
    batch: int = 48
    parent_decay: float = 8.0
    aim_after: int = 2
    second_edit: float = 0.3
    arm_share: float = 0.1
    fresh_share: float = 0.1
    filling_share: float = 0.9
    fragment_share: float = 0.8
    symmetric_share: float = 0.5
    patience: int = 1500
    migrate_every: int = 4000


class Found(NamedTuple):
    """One candidate: canonical SMILES without stereo, its score (higher is better), the move that made it."""

    smiles: str
    score: float
    move: str


@dataclass(frozen=True, slots=True)
class BurstResult:
    """The best distinct candidates, best first, and what they cost.

    `evaluations` distinct candidates were scored out of `proposals` tried; `gains` counts how often each
    move made a new best of an island.
    """

    best: tuple[Found, ...]
    evaluations: int
    proposals: int
    gains: Mapping[str, int]
