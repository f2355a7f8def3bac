"""Which move comes next in a burst, and what it makes: assembly, random isomers, aimed edits, exchange of arms."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from treewright_chemistry.assembly import Composition, assemble, assemble_symmetric, random_isomer
from treewright_chemistry.burst_types import BurstOptions, Fit
from treewright_chemistry.crossover import copy_arm, exchange_arms
from treewright_chemistry.edits import EDITS, apply_edit
from treewright_chemistry.fragments import FragmentKit
from treewright_chemistry.island import Island, Member
from treewright_chemistry.molgraph import MolGraph
from treewright_chemistry.move_weights import MoveWeights

__all__ = ["MoveDrawer"]


class MoveDrawer:
    """Draws moves for one formula and learns which of them gain.

    Args:
        composition: the formula.
        fit: the spectrum; tells where a structure fits worst.
        random: the source of all randomness.
        kit: fragments that may be parts of the unknown.
        options: probabilities of the moves.
    """

    def __init__(
        self, composition: Composition, fit: Fit, random: Random, kit: FragmentKit | None, options: BurstOptions
    ) -> None:
        self._composition = composition
        self._fit = fit
        self._random = random
        self._kit = kit
        self._options = options
        self._weights = MoveWeights(EDITS)

    def credit(self, move: str, gained: bool) -> None:
        """Remember that a move made a member of an island, and whether that was a new best."""
        self._weights.credit(move, 1.0 if gained else 0.1)

    def draw(self, island: Island) -> tuple[str, MolGraph | None]:
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
