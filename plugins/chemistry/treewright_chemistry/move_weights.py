"""Which move to try: weights that follow the gains of each move, with a floor so that none dies out."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from random import Random
from typing import Final

__all__ = ["MoveWeights"]

FLOOR: Final = 0.02
"""Smallest share of a move."""
MEMORY: Final = 300.0
"""Credits after which a gain has lost most of its influence; also the weight of the prior."""
PRIOR: Final = {"exchange": 3.0, "move": 3.0, "order": 2.5, "arms": 1.0, "walk": 1.0, "relocate": 1.0}
"""Starting weights (ours); moves that are not named start at 0.5."""


class MoveWeights:
    """Bandit credit per move: the share of a move is its part of the recent credit, at least FLOOR."""

    def __init__(self, moves: Iterable[str]) -> None:
        self._names = list(moves)
        prior = [PRIOR.get(name, 0.5) for name in self._names]
        self._credit = {
            name: 0.1 * MEMORY * weight / sum(prior) for name, weight in zip(self._names, prior, strict=True)
        }
        self._pending = 0
        self._update()

    def draw(self, random: Random) -> str:
        """A move by its share."""
        return random.choices(self._names, cum_weights=self._cumulative)[0]

    def credit(self, move: str, amount: float) -> None:
        """Reward a move; names that are not drawn here (assembly, crossover) are ignored."""
        if move in self._credit:
            self._credit[move] += amount
            self._pending += 1
            if self._pending >= 50:
                self._update()

    def shares(self) -> dict[str, float]:
        """Current probability of each move."""
        steps = [0.0, *self._cumulative]
        return {name: b - a for name, a, b in zip(self._names, steps, steps[1:], strict=False)}

    def _update(self) -> None:
        total = sum(self._credit.values())
        spread = 1.0 - FLOOR * len(self._names)
        self._cumulative = list(accumulate(FLOOR + spread * self._credit[n] / total for n in self._names))
        if total > MEMORY:
            self._credit = {name: value * 0.5 for name, value in self._credit.items()}
        self._pending = 0
