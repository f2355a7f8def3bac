"""The embedded policy: each proposal is the best of a burst of assembly and edits.

A step is a whole structure (canonical SMILES). From the problem itself a burst starts with fragments
and random isomers; from an answer, with that answer and the peers that the request shows. The edits
are aimed at the atoms that fit worst, which is the policy's critique. What a burst evaluates inside
is charged as ``inner_evaluations``; eight proposals that bring nothing new count as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from treewright_registry import CallRefused, Capability, Need, Proposals, ProposeRequest, Step, Trajectory, Usage

if TYPE_CHECKING:
    from treewright_chemistry.burst import BurstResult
    from treewright_chemistry.fragments import FragmentKit
    from treewright_chemistry.unknowns import Unknown


class Assembly:
    """Proposes structures of the unknown's formula.

    Args:
        evaluations: distinct candidates scored inside each burst; fewer where the budget leaves fewer, which is
            shared out among the bursts that are asked for at the same time.
        fragments: ``shipped`` assembles from the shipped substructures weighted by the observed
            lines, ``retrieved`` only from the request's retrieved records, whose ids are SMILES with ``*`` at the
            open places and need not be shipped ones, ``retrieved-and-shipped`` from both, ``none`` from atoms.
            For retrieved ones the pipeline must have a retriever.
        islands, pool: the burst's own pools.
        without: parts of the score that shall not guide the burst, as in ``chemistry/spectrum-fit``; an
            ablation has to name them in both places. Without ``shifts`` edits are not aimed either; what is
            left are classes, counts, patterns, plausibility, and the cosine where it is switched on.
        cosine: mix the encoder's cosine into the inner score, as in ``chemistry/spectrum-fit``. Off by
            default: at 3 ms a candidate it makes bursts several times slower.
        encoder: folder of the encoder; empty for the shipped one.
        tables: folder of shift tables of one's own, as in ``chemistry/spectrum-fit``; empty for the shipped ones.

    Raises:
        ValueError: ``without`` holds an unknown name; lists the known ones.
        TableError: a folder is incomplete, or a model file is missing, damaged or does not fit; names it.
    """

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.REVISES})

    @staticmethod
    def expects_for(options: Mapping[str, Any]) -> Mapping[str, Need]:
        """A retriever where fragments are to be retrieved: without its records nothing would be left but atoms."""
        retrieved = options.get("fragments") in ("retrieved", "retrieved-and-shipped")
        return {"retriever": Need("retriever")} if retrieved else {}

    def __init__(
        self,
        *,
        evaluations: int = 2000,
        fragments: Literal["shipped", "retrieved", "retrieved-and-shipped", "none"] = "shipped",
        islands: int = 2,
        pool: int = 40,
        without: tuple[str, ...] = (),
        cosine: bool | float | Literal["auto"] = False,
        encoder: str = "",
        tables: str = "",
    ) -> None:
        if min(evaluations, islands, pool) < 1:
            raise ValueError("evaluations, islands and pool must be at least 1")
        from treewright_chemistry.burst import BurstOptions
        from treewright_chemistry.substructure_file import shipped_substructures
        from treewright_chemistry.unknowns import Unknowns

        self._evaluations = evaluations
        self._fragments = fragments
        self._options = BurstOptions(islands=islands, pool=pool)
        # the tables alone rank the candidates of a burst; the scorer's network has the last word
        self._unknowns = Unknowns(
            () if fragments == "none" else shipped_substructures(),
            network=False,
            cosine=cosine,
            without=without,
            encoder=encoder,
            tables=tables,
        )

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        """For each request the best ``n`` structures of one burst, best first."""
        return [self._burst(request) for request in requests]

    def _burst(self, request: ProposeRequest) -> Proposals:
        from treewright_chemistry.burst import burst

        unknown = self._unknowns.of(request.trajectory.problem.prompt)
        most = self._evaluations if request.allowance is None else min(self._evaluations, request.allowance)
        result = burst(
            unknown.composition,
            unknown.fit,
            seed=request.seed,
            evaluations=most,
            kit=self._kit(request, unknown),
            starts=_structures([request.trajectory, *request.context.peers]),
            keep=request.n,
            options=self._options,
        )
        if not result.best:
            raise CallRefused(f"no molecule of the formula {unknown.spectrum.formula} was found")
        steps = [Step(found.smiles, finish="stop") for found in result.best]
        return Proposals(steps, Usage(inner_evaluations=_charge(result, most)))

    def _kit(self, request: ProposeRequest, unknown: Unknown) -> FragmentKit | None:
        if self._fragments not in ("retrieved", "retrieved-and-shipped"):
            return unknown.kit
        ids = [hit.id for hit in request.context.hits]
        return self._unknowns.kit(unknown, ids, shipped=self._fragments == "retrieved-and-shipped")


def _charge(result: BurstResult, most: int) -> int:
    """The candidates scored; where a small formula is used up, the work of looking for more in vain.

    Else a search would go on for ever on two isomers, whatever its budget.
    """
    from treewright_chemistry.burst import PROPOSALS_PER_CANDIDATE

    return min(most, max(result.evaluations, result.proposals // PROPOSALS_PER_CANDIDATE))


def _structures(trajectories: Iterable[Trajectory]) -> list[str]:
    """The structures that the trajectories end with."""
    return [str(each.step.content) for each in trajectories if each.step is not None]
