"""Policy ``chemistry/llm``: a language model drafts a structure, criticises it, and rewrites it (K-MSE).

    root    → draft(spectra, substructures)                                      → structure
    answer  → critique(spectra, structure, its formula, shifts, drawing)         → text
              rewrite(spectra, substructures, structure, its formula, critique)  → structure

The loop is that of K-MSE (arXiv 2506.23056; second-hand, as ``amazon-science/ExTS`` describes it); the
prompts are ours (``prompts/*.txt``), and so are the constraints, the table of shifts and the formula
gate. K-MSE asks the model a second time to extract the SMILES and repeats until RDKit reads it; here
the answer is read directly, and asked for again a bounded number of times with the complaint.

The model is the pipeline's role ``model``: any policy that writes text. Every call goes through the
engine, so its tokens stand in that role's cost, also those of answers that were of no use.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from treewright_registry import (
    Blob,
    BlobStore,
    Capability,
    Env,
    Need,
    Payload,
    Problem,
    Proposals,
    ProposeRequest,
    Sampling,
    Step,
    Text,
    Trajectory,
    Usage,
    as_text,
)

if TYPE_CHECKING:
    from treewright_chemistry.llm_draft import Draft
    from treewright_chemistry.unknowns import Unknown

FormulaGate = Literal["off", "repair", "refuse"]


class LanguageModelPolicy:
    """Proposes whole structures written by a language model.

    Args:
        repairs: how often an answer that cannot be used is asked for again, with the complaint.
        formula: ``repair`` asks again for a structure of another formula and takes it if it stays so;
            ``refuse`` never takes it; ``off`` takes it at once (K-MSE).
        shifts: show the critic predicted against observed shifts.
        constraints: tell what the spectra demand, and the critic what the structure misses.
        drawing: show the critic a drawing; needs a model that sees images, and a run folder.
        substructures: most retrieved records in a prompt.
        peers: most other answers shown, where the search brings any.
        tables: folder of shift tables of one's own, as in ``chemistry/spectrum-fit``; empty for the shipped ones.
    """

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.REVISES})
    needs: ClassVar[Mapping[str, Need]] = {"model": Need("policy")}
    blobs: BlobStore | None = None  #: set by the engine; drawings are put there

    def __init__(
        self,
        *,
        repairs: int = 2,
        formula: FormulaGate = "repair",
        shifts: bool = True,
        constraints: bool = True,
        drawing: bool = False,
        substructures: int = 5,
        peers: int = 3,
        tables: str = "",
    ) -> None:
        if min(repairs, substructures, peers) < 0:
            raise ValueError("repairs, substructures and peers must not be negative")
        from treewright_chemistry.unknowns import Unknowns

        self.repairs = repairs
        self.formula: FormulaGate = formula
        self.shifts = shifts
        self.constraints = constraints
        self.drawing = drawing
        self.substructures = substructures
        self.peers = peers
        self._unknowns = Unknowns(tables=tables)

    async def propose(self, requests: Sequence[ProposeRequest], env: Env) -> list[Proposals]:
        """Up to ``n`` structures for each request; a missing one leaves its reason in ``failed``."""
        drafts = [[self._begun(request) for _ in range(request.n)] for request in requests]
        every = [draft for of_request in drafts for draft in of_request]
        await self._criticise([draft for draft in every if draft.present is not None], env)
        await self._write(every, env)
        return [_proposals(of_request) for of_request in drafts]

    def _begun(self, request: ProposeRequest) -> Draft:
        from treewright_chemistry.llm_draft import Draft

        unknown = self._unknowns.of(request.trajectory.problem.prompt)
        return Draft(unknown, request, _present(request.trajectory), self.formula)

    async def _criticise(self, drafts: Sequence[Draft], env: Env) -> None:
        """Get a critique of each draft's present structure; without one the draft has failed."""
        texts = await _ask(env, [Asked(self._critique_prompt(draft), _sampling(draft)) for draft in drafts])
        for draft, text in zip(drafts, texts, strict=True):
            draft.criticised(text)

    async def _write(self, drafts: Sequence[Draft], env: Env) -> None:
        """Ask for each draft's structure, and again while it is of no use and repairs are left."""
        prompts = {id(draft): self._writing_prompt(draft) for draft in drafts if draft.wanting}
        for attempt in range(self.repairs + 1):
            wanting = [draft for draft in drafts if draft.wanting]
            texts = await _ask(env, [Asked(draft.asked(prompts[id(draft)]), _sampling(draft)) for draft in wanting])
            for draft, text in zip(wanting, texts, strict=True):
                draft.answered(text, last=attempt == self.repairs)

    def _critique_prompt(self, draft: Draft) -> Payload:
        from treewright_chemistry.llm_facts import formula_text, shifts_text, violations_text
        from treewright_chemistry.llm_prompts import filled

        unknown, present = draft.unknown, draft.present
        assert present is not None
        drawing = self._drawing(present.molecule)
        rows = unknown.fit.compare(present.molecule) if self.shifts else []
        draft.evaluations += int(self.shifts)
        text = filled(
            "critique",
            **self._common(unknown),
            structure=present.smiles,
            drawing="A drawing of it follows this text." if drawing else "",
            formula_check=formula_text(present.molecule, unknown.spectrum.formula),
            shifts=shifts_text(rows, present.molecule),
            violations=violations_text(draft.constraints, present.molecule) if self.constraints else "",
        )
        return (Text(text), drawing) if drawing else text

    def _writing_prompt(self, draft: Draft) -> str:
        from treewright_chemistry.llm_facts import formula_text, substructures_text
        from treewright_chemistry.llm_prompts import filled

        context, present = draft.request.context, draft.present
        common = {
            **self._common(draft.unknown),
            "substructures": substructures_text(context.hits[: self.substructures]),
        }
        if present is None:
            return filled("draft", **common)
        return filled(
            "rewrite",
            **common,
            structure=present.smiles,
            formula_check=formula_text(present.molecule, draft.unknown.spectrum.formula),
            peers=_peers_text(context.peers[: self.peers]),
            critique=draft.critique,
        )

    def _common(self, unknown: Unknown) -> dict[str, str]:
        from treewright_chemistry.constraints import constraints_of
        from treewright_chemistry.llm_facts import constraints_text, spectra_text

        demands = constraints_text(constraints_of(unknown.spectrum)) if self.constraints else ""
        return {"spectra": spectra_text(unknown.spectrum), "constraints": demands}

    def _drawing(self, molecule: Any) -> Blob | None:
        if not self.drawing or self.blobs is None:
            return None
        from treewright_chemistry.llm_drawing import png_of

        return self.blobs.put(png_of(molecule), "image/png")


class Asked(NamedTuple):
    """A prompt for the model, and how its answer is to be drawn."""

    prompt: Payload
    sampling: Sampling


async def _ask(env: Env, asked: Sequence[Asked]) -> list[str | None]:
    """The model's text for each prompt, None where the call failed; all calls at once."""
    alike: dict[Sampling, list[int]] = {}  # requests of one batch may be drawn differently
    for place, each in enumerate(asked):
        alike.setdefault(each.sampling, []).append(place)
    roots = [Trajectory(_conversation(env.problem.id, each.prompt)) for each in asked]
    calls = [
        env.propose([roots[place] for place in places], 1, role="model", sampling=sampling)
        for sampling, places in alike.items()
    ]
    texts: list[str | None] = [None] * len(asked)
    for places, answers in zip(alike.values(), await env.together(*calls), strict=True):
        for place, made in zip(places, answers, strict=True):
            texts[place] = as_text(made[0].step.content) if made and made[0].step else None
    return texts


def _sampling(draft: Draft) -> Sampling:
    """As its request says, to the end of the answer."""
    return draft.request.sampling._replace(unit="end")


def _conversation(problem_id: str, prompt: Payload) -> Problem:
    """A conversation of its own: equal ids would mean equal prompts to a model that keeps prefixes."""
    digest = hashlib.sha256(as_text(prompt).encode("utf-8", "replace")).hexdigest()[:16]
    return Problem(f"{problem_id}/{digest}", prompt)


def _present(trajectory: Trajectory) -> Any:
    from treewright_chemistry.llm_answers import read_structure

    return None if trajectory.step is None else read_structure(as_text(trajectory.step.content))


def _peers_text(peers: Sequence[Trajectory]) -> str:
    structures = [as_text(peer.step.content) for peer in peers if peer.step is not None]
    return "\n".join(["Other structures that were proposed:", *structures]) if structures else ""


def _proposals(drafts: Sequence[Draft]) -> Proposals:
    steps = [Step(draft.result.smiles, finish="stop") for draft in drafts if draft.result is not None]
    reasons = tuple(draft.reason for draft in drafts if draft.result is None)
    return Proposals(steps, Usage(inner_evaluations=sum(draft.evaluations for draft in drafts)), reasons)
