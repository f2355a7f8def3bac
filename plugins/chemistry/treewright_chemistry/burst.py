"""A burst of local search: from some structures (or none) to the best-fitting structures of one formula.

A pure function of its arguments. Pools of good candidates ("islands") are filled by assembly from
fragments and by random isomers, then improved by formula-preserving moves aimed at the atoms that fit
worst, by exchange of arms between members, and by copying arms. An island that gains nothing for long
starts afresh. Every distinct candidate is scored once, in batches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from treewright_chemistry.assembly import Composition, assemble, assemble_symmetric, random_isomer
from treewright_chemistry.crossover import copy_arm, exchange_arms
from treewright_chemistry.edits import EDITS, apply_edit
from treewright_chemistry.fragments import FragmentKit
from treewright_chemistry.island import Island, Member
from treewright_chemistry.molgraph import MolGraph, UnsupportedMolecule
from treewright_chemistry.move_weights import MoveWeights

__all__ = ["BurstOptions", "BurstResult", "Fit", "Found", "burst"]


PROPOSALS_PER_CANDIDATE: Final = 8
"""Proposals that a round, and a whole burst, may spend per candidate: a small formula is soon exhausted."""

SPARE_PROPOSALS: Final = 2_000
"""Proposals that a burst may spend beside those, so that a short one can still fill its islands."""

IDLE_ROUNDS: Final = 4
"""Rounds of every island in a row without a new candidate, after which the formula counts as exhausted."""


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


class _Candidate(NamedTuple):
    graph: MolGraph
    mol: Any
    smiles: str
    move: str


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
    run = _Run(composition, fit, Random(seed), kit, options or BurstOptions())
    run.seed_islands(starts)
    return run.search(evaluations, keep)


class _Run:
    """The state of one burst."""

    def __init__(
        self,
        composition: Composition,
        fit: Fit,
        random: Random,
        kit: FragmentKit | None,
        options: BurstOptions,
    ) -> None:
        self._composition = composition
        self._fit = fit
        self._random = random
        self._kit = kit
        self._options = options
        self._islands = [Island(options.pool) for _ in range(options.islands)]
        self._weights = MoveWeights(EDITS)
        self._scores: dict[str, float] = {}
        self._known: dict[int, str | None] = {}  # label of a graph met before -> its SMILES, None if refused
        self._moves: dict[str, str] = {}
        self._gains: Counter[str] = Counter()
        self._proposals = 0

    def seed_islands(self, starts: Iterable[str]) -> None:
        """Score the given structures and put every one on every island."""
        batch: dict[str, _Candidate] = {}
        for smiles in starts:
            try:
                graph = _in_order(MolGraph.from_smiles(smiles), self._composition)
            except UnsupportedMolecule:
                continue
            candidate = self._finish(graph, "start") if graph is not None else None
            if candidate is not None:
                batch[candidate.smiles] = candidate
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
            island = self._islands[turn % len(self._islands)]
            turn += 1
            tried = self._proposals
            size = min(self._options.batch, evaluations - len(self._scores))
            batch = self._propose(island, size)
            island.poor_rounds = 0 if 4 * len(batch) >= size else island.poor_rounds + 1
            idle = 0 if batch else idle + 1
            if batch:
                self._score(batch, [island])
            # Proposals, not candidates: an island that meets only known structures is exhausted sooner.
            island.stale += (self._proposals - tried) // 2
            if island.stale > self._options.patience:
                island.restart()
            if len(self._scores) - migrated > self._options.migrate_every:
                migrated = len(self._scores)
                self._migrate()
        ranked = sorted(self._scores.items(), key=lambda item: (-item[1], item[0]))[:keep]
        best = tuple(Found(smiles, score, self._moves[smiles]) for smiles, score in ranked)
        return BurstResult(best, len(self._scores), self._proposals, dict(self._gains))

    def _propose(self, island: Island, size: int) -> list[_Candidate]:
        """Up to `size` candidates not yet scored; known ones that this island lacks enter it at once."""
        batch: dict[str, _Candidate] = {}
        for _ in range(PROPOSALS_PER_CANDIDATE * size):
            self._proposals += 1
            move, graph = self._draw(island)
            candidate = self._candidate(island, graph, move) if graph is not None else None
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

    def _candidate(self, island: Island, graph: MolGraph, move: str) -> _Candidate | None:
        """The candidate of a graph; None for one that is refused, or was met before and is of no use here.

        More than half of all proposals repeat a labelled graph. Knowing them by their bonds costs a tenth
        of building a molecule and its canonical SMILES.
        """
        label = _label(graph)
        smiles = self._known.get(label, "")
        if smiles is None:
            return None
        score = self._scores.get(smiles)
        if smiles and (score is None or not island.admits(smiles, score)):
            return None
        candidate = self._finish(graph, move)
        self._known[label] = None if candidate is None else candidate.smiles
        return candidate

    def _draw(self, island: Island) -> tuple[str, MolGraph | None]:
        """The name of a move and what it made."""
        random, options = self._random, self._options
        share = options.fresh_share if island.full else options.filling_share
        if not island.members or random.random() < share:
            return self._fresh()
        # Where the neighbours of the best are all known, worse members get their turn.
        parent = island.draw(random, options.parent_decay * (1 + island.poor_rounds))
        if random.random() < options.arm_share:
            if random.random() < 0.3:
                return "copy", copy_arm(parent.graph, parent.arms, random)
            other = island.draw(random, 2 * options.parent_decay)
            return "cross", exchange_arms(parent.graph, parent.arms, other.graph, other.arms, random)
        move = self._weights.draw(random)
        aim = self._aim(parent)
        graph = apply_edit(move, parent.graph, random, aim)
        if graph is not None and random.random() < options.second_edit:
            graph = apply_edit(self._weights.draw(random), graph, random, aim)
        return move, graph

    def _fresh(self) -> tuple[str, MolGraph | None]:
        random, kit = self._random, self._kit
        if kit is not None and random.random() < self._options.fragment_share:
            if kit.symmetries and random.random() < self._options.symmetric_share:
                return "symmetric", assemble_symmetric(self._composition, kit, random.choice(kit.symmetries), random)
            return "fragments", assemble(self._composition, kit, random)
        return "random", random_isomer(self._composition, self._random)

    def _finish(self, graph: MolGraph, move: str) -> _Candidate | None:
        """The candidate with molecule and canonical SMILES; None if it is not exactly of the formula."""
        if not self._composition.matches(graph):
            return None
        mol = graph.to_mol()
        return None if mol is None else _Candidate(graph, mol, Chem.MolToSmiles(mol), move)

    def _score(self, batch: Sequence[_Candidate], islands: Sequence[Island]) -> None:
        totals = self._fit.totals([candidate.mol for candidate in batch]).tolist()
        for candidate, score in zip(batch, totals, strict=True):
            self._scores[candidate.smiles] = score
            self._moves[candidate.smiles] = candidate.move
            for island in islands:
                if island.admits(candidate.smiles, score):
                    gained = island.full and score > island.members[0].score
                    island.add(Member(score, candidate.smiles, candidate.graph, candidate.mol))
                    self._gains[candidate.move] += gained
                    self._weights.credit(candidate.move, 1.0 if gained else 0.1)

    def _aim(self, member: Member) -> Sequence[float]:
        """Weights of the atoms for being edited: 0.2 + misfit / mean misfit.

        Misfits cost as much as scoring several candidates, so a member earns them by being drawn again.
        """
        member.drawn += 1
        if member.aim is None:
            if member.drawn <= self._options.aim_after:
                return [1.0] * len(member.graph.elements)
            misfits = self._fit.misfits(member.mol)
            mean = sum(misfits) / len(misfits) or 1.0
            member.aim = [0.2 + misfit / mean for misfit in misfits]
        return member.aim

    def _migrate(self) -> None:
        """The two best of each island visit the next one."""
        guests = [island.members[:2] for island in self._islands]
        for k, members in enumerate(guests):
            target = self._islands[(k + 1) % len(self._islands)]
            for member in members:
                if target.admits(member.smiles, member.score):
                    target.add(member)


def _label(graph: MolGraph) -> int:
    """A number that tells labelled graphs of one formula apart (64 bits: a clash is as good as impossible)."""
    return hash(tuple([frozenset(near.items()) for near in graph.bonds]))


def _in_order(graph: MolGraph, composition: Composition) -> MolGraph | None:
    """The graph with its atoms in the order of the composition; None if it has other atoms."""
    order = sorted(range(len(graph.elements)), key=lambda i: (graph.elements[i] != 6, graph.elements[i], i))
    if tuple(graph.elements[i] for i in order) != composition.elements:
        return None
    place = {i: k for k, i in enumerate(order)}
    bonds = [{place[j]: o for j, o in graph.bonds[i].items()} for i in order]
    return MolGraph(composition.elements, bonds)
