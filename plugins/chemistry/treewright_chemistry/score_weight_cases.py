"""Spectra, truths and decoys that the weights of the score are fitted on, and those they are compared on.

Fitted on the validation share, which shift tables and shift network were not trained on: CASCADE DFT8K in the
form of a calculator (exact) and measured nmrshiftdb2 (soft), see ``cosine_cases.held_spectra``. Compared on
MolPuzzle dev. Decoys: pool molecules of the same formula, random edits of the truth, and what a search that
starts from the truth finds with weights that were fitted to the other two kinds.

Pool and truth overlap in the commonness table: a truth that was counted there is taken out again, since no
unknown has voted for itself.
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.burst import burst
from treewright_chemistry.commonness import LEVELS, MAX_HEAVY, POOL, RARE, SOURCES, Commonness
from treewright_chemistry.cosine_cases import Held, held_spectra
from treewright_chemistry.encoder_decoys import edited_isomers
from treewright_chemistry.encoder_sources import block_of
from treewright_chemistry.environments import environments
from treewright_chemistry.errors import StructureError
from treewright_chemistry.held_out import hash_order, reserved_blocks
from treewright_chemistry.likelihood import SpectrumFit
from treewright_chemistry.ranking import calculated_cases
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum import Evidence
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.structures import Mol, constitution, inchikey14, parse_structure
from treewright_chemistry.substructure_file import shipped_substructures
from treewright_chemistry.unknowns import Unknowns

EDITED_DECOYS: Final = 30
FOUND_DECOYS: Final = 30
EVALUATIONS: Final = 300
"""Candidates that the search for decoys scores."""
WHOLE_SHARE: Final = 2**62
"""More molecules than there are."""

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class PartCase:
    """A truth and its decoys as the fit sees them.

    Attributes:
        block: first InChIKey block of the truth.
        parts: of the truth (first) and its decoys, shape (1 + decoys, parts).
        listed: how many of the decoys are pool molecules; these come first.
        lines: peaks of both nuclei, at least 1.
    """

    block: str
    parts: Floats
    listed: int
    lines: int

    def pool_only(self) -> PartCase:
        """Return the case without the decoys that nobody has made."""
        return PartCase(self.block, self.parts[: 1 + self.listed], self.listed, self.lines)


def validation_spectra(data_dir: Path, evidence: Evidence, number: int) -> list[Held]:
    """Return at most ``number`` spectra of the validation share; if soft, half of them with 1H lines, if there are."""
    if evidence == "exact":
        return held_spectra(data_dir, evidence, number)
    found = held_spectra(data_dir, evidence, WHOLE_SHARE)
    both = [held for held in found if held.spectrum.proton][: number // 2]
    return both + [held for held in found if not held.spectrum.proton][: number - len(both)]


def development_spectra(data_dir: Path) -> list[Held]:
    """Return the spectra of MolPuzzle dev."""
    found = []
    for case in calculated_cases(data_dir):
        molecule = parse_structure(constitution(parse_structure(case.truth)))
        found.append(Held(inchikey14(molecule), molecule, case.spectrum))
    return found


class PartScoring:
    """Finds decoys and works out their parts.

    Args:
        data_dir: the data folder.
        held: the spectra that will be asked for.
        pool_decoys: most pool molecules of a case.
    """

    def __init__(self, data_dir: Path, held: Iterable[Held], pool_decoys: int) -> None:
        self._reserved = reserved_blocks()
        formulas = {str(each.spectrum.formula) for each in held}
        self._isomers, self._counted = _pool(data_dir, formulas)
        self._pool_decoys = pool_decoys
        self._tables = ShiftTables.load()
        self._commonness = Commonness.load()
        self._unknowns = Unknowns(shipped_substructures(), network=False)

    def of(self, held: Held) -> PartCase | None:
        """Return the case with pool molecules and edited isomers; None where there is neither."""
        truth = constitution(held.molecule)
        random = Random(hash_order(held.block))
        known = self._isomers[str(held.spectrum.formula)]
        listed = self._decoys(random.sample(known, min(len(known), self._pool_decoys)), {truth})
        names = {truth, *(constitution(molecule) for molecule in listed)}
        edited = self._decoys(map(constitution, edited_isomers(held.molecule, random, EDITED_DECOYS)), names)
        if not listed and not edited:
            return None
        fit = SpectrumFit(held.spectrum, self._tables, self._without(held))
        lines = max(fit.observations.classes + fit.observations.proton_peaks, 1)
        return PartCase(held.block, fit.parts([held.molecule, *listed, *edited]), len(listed), lines)

    def with_found(self, held: Held, case: PartCase, weights: Floats) -> PartCase:
        """Return the case with what a search guided by the weights finds as well."""
        unknown = self._unknowns.of(SpectrumCodec().encode(held.spectrum))
        truth = constitution(held.molecule)
        found = burst(
            unknown.composition,
            _Guide(unknown.fit, weights),
            seed=hash_order(held.block),
            evaluations=EVALUATIONS,
            kit=unknown.kit,
            starts=[truth],
            keep=FOUND_DECOYS,
        )
        fit = SpectrumFit(held.spectrum, self._tables, self._without(held))
        molecules = self._decoys([each.smiles for each in found.best], {truth})
        # what is among the edited isomers already would count twice
        new = [row for row in fit.parts(molecules) if not (np.abs(case.parts[1:] - row) < 1e-9).all(1).any()]
        return PartCase(case.block, np.concatenate([case.parts, *(row[None] for row in new)]), case.listed, case.lines)

    def _decoys(self, smiles_list: Iterable[str], known: Collection[str]) -> list[Mol]:
        """Return distinct molecules, none of them known or reserved for evaluation."""
        return [each for each in _molecules(smiles_list, known) if block_of(each) not in self._reserved]

    def _without(self, held: Held) -> Commonness:
        """Return the commonness as it would be, had this molecule not been counted."""
        own = self._counted[str(held.spectrum.formula)]
        if not any(constitution(each) == constitution(held.molecule) for each in _molecules(own, ())):
            return self._commonness
        return commonness_without(self._commonness, environments(held.molecule))


def commonness_without(table: Commonness, identifiers: Keys) -> Commonness:
    """Return the table less one molecule.

    Args:
        table: counts of a collection.
        identifiers: environments of the molecule's atoms, shape (atoms, radii).
    """
    log_counts = []
    for radius in range(LEVELS):
        keys, logs = table.keys[radius], table.log_counts[radius].copy()
        rows = np.flatnonzero(np.isin(keys, identifiers[:, radius]))
        fewer = np.exp(logs[rows]) - 1.0
        # counts below RARE are not kept in the table; half of one allows for its 16 bits
        logs[rows] = np.where(fewer < RARE - 0.5, logs[-1], np.log(np.maximum(fewer, 1.0)))
        log_counts.append(logs)
    return Commonness(table.keys, tuple(log_counts))


@dataclass(frozen=True, slots=True)
class _Guide:
    """A fit with other weights, for the search."""

    fit: SpectrumFit
    weights: Floats

    def totals(self, molecules: Sequence[Mol], /) -> Floats:
        return self.fit.parts(molecules) @ self.weights

    def misfits(self, molecule: Mol, /) -> Sequence[float]:
        return self.fit.misfits(molecule)


def _pool(data_dir: Path, formulas: set[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the pool's SMILES by formula, and those of them that the commonness table counts."""
    isomers: dict[str, list[str]] = defaultdict(list)
    counted: dict[str, list[str]] = defaultdict(list)
    with gzip.open(data_dir / POOL, "rt", encoding="utf-8") as lines:
        for line in lines:
            smiles, formula, heavy, source = line.rstrip("\n").split("\t")
            if formula in formulas:
                isomers[formula].append(smiles)
                if source in SOURCES and int(heavy) <= MAX_HEAVY:
                    counted[formula].append(smiles)
    return isomers, counted


def _molecules(smiles_list: Iterable[str], known: Collection[str]) -> list[Mol]:
    """Return distinct molecules whose constitution is not known yet."""
    seen, found = set(known), []
    for smiles in smiles_list:
        try:
            molecule = parse_structure(smiles)
        except StructureError:
            continue
        name = constitution(molecule)
        # deuterium stands in the pool as an atom of its own, which no candidate of a search has
        if name not in seen and molecule.GetNumAtoms() == molecule.GetNumHeavyAtoms():
            seen.add(name)
            found.append(molecule)
    return found
