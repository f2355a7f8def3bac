"""A burst of local search: from some structures (or none) to the best-fitting structures of one formula.

A pure function of its arguments. Pools of good candidates ("islands") are filled by assembly from
fragments and by random isomers, then improved by formula-preserving moves aimed at the atoms that fit
worst, by exchange of arms between members, and by copying arms (`burst_moves`). An island that gains
nothing for long starts afresh. Every distinct candidate (`burst_candidates`) is scored once, in batches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from random import Random
from typing import Final

from treewright_chemistry.assembly import Composition
from treewright_chemistry.burst_candidates import Candidate, CandidateMaker
from treewright_chemistry.burst_moves import MoveDrawer
from treewright_chemistry.burst_types import BurstOptions, BurstResult, Fit, Found
from treewright_chemistry.fragments import FragmentKit
from treewright_chemistry.island import Island, Member

__all__ = ["BurstOptions", "BurstResult", "Fit", "Found", "burst"]

PROPOSALS_PER_CANDIDATE: Final = 8
"""Proposals that a round, and a whole burst, may spend per candidate: a small formula is soon exhausted."""

SPARE_PROPOSALS: Final = 2_000
"""Proposals that a burst may spend beside those, so that a short one can still fill its islands."""

IDLE_ROUNDS: Final = 4
"""Rounds of every island in a row without a new candidate, after which the formula counts as exhausted."""


def burst(
    composition: Composition,
    fit: Fit,
    *,
    seed: int,
    evaluations: int,
    kit: FragmentKit | None = None,
    starts: Iterable[str] = (),
    keep: int = 20,
    options: BurstOptions | None = None,
) -> BurstResult:
    """Search `evaluations` distinct candidates of a formula and return the best `keep`.

    Args:
        composition: the formula; every candidate has exactly its atoms.
        fit: the spectrum.
        seed: all randomness comes from it; the same arguments give the same result.
        evaluations: upper limit of candidates scored; fewer if new ones become rare (small formulas).
        kit: fragments that may be parts of the unknown; without it only random isomers and edits.
        starts: SMILES to begin with; those of another formula or that cannot be held are passed over.
        keep: number of results.
        options: see BurstOptions.
    """
    options = options or BurstOptions()
    moves = MoveDrawer(composition, fit, Random(seed), kit, options)
    run = _Run(fit, options, CandidateMaker(composition), moves)
    run.seed_islands(starts)
    return run.search(evaluations, keep)


class _Run:
    """The state of one burst."""

    def __init__(self, fit: Fit, options: BurstOptions, candidates: CandidateMaker, moves: MoveDrawer) -> None:
        self._fit = fit
        self._options = options
        self._candidates = candidates
        self._moves = moves
        self._islands = [Island(options.pool) for _ in range(options.islands)]
        self._scores: dict[str, float] = {}
        self._made_by: dict[str, str] = {}
        self._gains: Counter[str] = Counter()
        self._proposals = 0

    def seed_islands(self, starts: Iterable[str]) -> None:
        """Score the given structures and put every one on every island."""
        made = (self._candidates.start(smiles) for smiles in starts)
        batch = {candidate.smiles: candidate for candidate in made if candidate is not None}
        if batch:
            self._score(list(batch.values()), self._islands)

    def search(self, evaluations: int, keep: int) -> BurstResult:
        """A batch for each island in turn, until the budget is spent or nothing new turns up."""
        idle, turn, migrated = 0, 0, 0
        most_proposals = PROPOSALS_PER_CANDIDATE * evaluations + SPARE_PROPOSALS
        while (
            len(self._scores) < evaluations
            and self._proposals < most_proposals
            and idle < IDLE_ROUNDS * len(self._islands)
        ):
            idle = 0 if self._round(self._islands[turn % len(self._islands)], evaluations) else idle + 1
            turn += 1
            if len(self._scores) - migrated > self._options.migrate_every:
                migrated = len(self._scores)
                self._migrate()
        return self._result(keep)

    def _round(self, island: Island, evaluations: int) -> int:
        """Propose and score one batch for an island; returns the number of new candidates."""
        tried = self._proposals
        size = min(self._options.batch, evaluations - len(self._scores))
        batch = self._propose(island, size)
        island.poor_rounds = 0 if 4 * len(batch) >= size else island.poor_rounds + 1
        if batch:
            self._score(batch, [island])
        # Proposals, not candidates: an island that meets only known structures is exhausted sooner.
        island.stale += (self._proposals - tried) // 2
        if island.stale > self._options.patience:
            island.restart()
        return len(batch)

    def _propose(self, island: Island, size: int) -> list[Candidate]:
        """Up to `size` candidates not yet scored; known ones that this island lacks enter it at once."""
        batch: dict[str, Candidate] = {}
        useful = partial(self._lacks, island)
        draw, make = self._moves.draw, self._candidates.make
        for _ in range(PROPOSALS_PER_CANDIDATE * size):
            self._proposals += 1
            move, graph = draw(island)
            candidate = None if graph is None else make(graph, move, useful)
            if candidate is None or candidate.smiles in batch:
                continue
            score = self._scores.get(candidate.smiles)
            if score is None:
                batch[candidate.smiles] = candidate
                if len(batch) == size:
                    break
            elif island.admits(candidate.smiles, score):
                island.add(Member(score, candidate.smiles, candidate.graph, candidate.mol))
        return list(batch.values())

    def _lacks(self, island: Island, smiles: str) -> bool:
        """Whether a structure that was scored before would enter an island."""
        score = self._scores.get(smiles)
        return score is not None and island.admits(smiles, score)

    def _score(self, batch: Sequence[Candidate], islands: Sequence[Island]) -> None:
        totals = self._fit.totals([candidate.mol for candidate in batch]).tolist()
        for candidate, score in zip(batch, totals, strict=True):
            self._scores[candidate.smiles] = score
            self._made_by[candidate.smiles] = candidate.move
            for island in islands:
                if island.admits(candidate.smiles, score):
                    gained = island.full and score > island.members[0].score
                    island.add(Member(score, candidate.smiles, candidate.graph, candidate.mol))
                    self._gains[candidate.move] += gained
                    self._moves.credit(candidate.move, gained)

    def _migrate(self) -> None:
        """The two best of each island visit the next one."""
        guests = [island.members[:2] for island in self._islands]
        for k, members in enumerate(guests):
            target = self._islands[(k + 1) % len(self._islands)]
            for member in members:
                if target.admits(member.smiles, member.score):
                    target.add(member)

    def _result(self, keep: int) -> BurstResult:
        ranked = sorted(self._scores.items(), key=lambda item: (-item[1], item[0]))[:keep]
        best = tuple(Found(smiles, score, self._made_by[smiles]) for smiles, score in ranked)
        return BurstResult(best, len(self._scores), self._proposals, dict(self._gains))
