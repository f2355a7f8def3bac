"""One island of the burst: an elitist pool of candidates that knows how long it has gained nothing."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from treewright_chemistry.crossover import Arms, find_arms
from treewright_chemistry.molgraph import MolGraph

__all__ = ["Island", "Member"]


@dataclass(slots=True)
class Member:
    """A scored candidate; `aim` (misfit weights per atom) and `arms` are worked out when first needed."""

    score: float
    smiles: str
    graph: MolGraph
    mol: Any
    aim: Sequence[float] | None = None
    drawn: int = 0
    _arms: Arms | None = None

    @property
    def arms(self) -> Arms:
        """Arms of the graph by composition."""
        if self._arms is None:
            self._arms = find_arms(self.graph)
        return self._arms


@dataclass(slots=True)
class Island:
    """At most `capacity` members, best first; a structure enters once in the life of an island (tabu).

    `stale` counts what was tried since the last gain, `poor_rounds` the latest rounds with few new candidates.
    """

    capacity: int
    members: list[Member] = field(default_factory=list)
    stale: int = 0
    poor_rounds: int = 0
    _entered: set[str] = field(default_factory=set)

    @property
    def full(self) -> bool:
        """Whether a newcomer has to displace a member."""
        return len(self.members) >= self.capacity

    def admits(self, smiles: str, score: float) -> bool:
        """Whether a candidate of this score would enter now."""
        return smiles not in self._entered and (not self.full or score > self.members[-1].score)

    def add(self, member: Member) -> bool:
        """Insert a member that `admits` has accepted; True if it is the new best."""
        self._entered.add(member.smiles)
        best = not self.members or member.score > self.members[0].score
        insort(self.members, member, key=lambda m: -m.score)
        del self.members[self.capacity :]
        if best:
            self.stale = 0
        return best

    def draw(self, random: Random, decay: float) -> Member:
        """A parent: its rank is exponential with mean `decay`."""
        return self.members[min(int(random.expovariate(1.0 / decay)), len(self.members) - 1)]

    def restart(self) -> None:
        """Forget everything."""
        self.members.clear()
        self._entered.clear()
        self.stale = self.poor_rounds = 0
