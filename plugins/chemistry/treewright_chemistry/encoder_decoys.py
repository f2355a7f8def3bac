"""Held-out spectra and the decoys they are told apart from, for the figures of the encoder."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
from rdkit import Chem, rdBase

from treewright_chemistry.encoder_data import edited_isomer
from treewright_chemistry.encoder_simulation import calculated_spectrum
from treewright_chemistry.encoder_sources import MAX_HEAVY, POOL, block_of, measured_examples, usable_molecule
from treewright_chemistry.formula import formula_of, parse_formula
from treewright_chemistry.held_out import hash_order, in_validation, reserved_blocks
from treewright_chemistry.peak_grammar import parse_groups
from treewright_chemistry.shifts import ShiftTables, carbon_atoms
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.structures import Mol, constitution, parse_structure

MOLPUZZLE: Final = "chemistry/molpuzzle_dev.json"
DECOYS: Final = 100


@dataclass(frozen=True, slots=True)
class Case:
    """A spectrum and its molecule, neither of them seen in training."""

    molecule: Mol
    spectrum: Spectrum


class Pool:
    """The SMILES pool by formula."""

    def __init__(self, data_dir: Path) -> None:
        self._formulas: dict[str, list[str]] = defaultdict(list)
        self._all: list[str] = []
        with gzip.open(data_dir / POOL, "rt", encoding="utf-8") as lines:
            for line in lines:
                smiles, formula, heavy, _ = line.split("\t")
                if int(heavy) <= MAX_HEAVY["measured"]:
                    self._formulas[formula].append(smiles)
                    self._all.append(smiles)

    def sample(self, random: Random, number: int) -> list[Mol]:
        """Return molecules drawn from the whole pool."""
        found = (usable_molecule(smiles, MAX_HEAVY["measured"]) for smiles in random.sample(self._all, 2 * number))
        return [molecule for molecule in found if molecule is not None][:number]

    def isomers(self, molecule: Mol, random: Random, number: int = DECOYS) -> list[Mol]:
        """Return other molecules of the same formula, as many as the pool has, at most ``number``."""
        known = self._formulas.get(str(formula_of(molecule)), [])
        drawn = random.sample(known, min(len(known), number + 1))
        found = [usable_molecule(smiles, MAX_HEAVY["measured"]) for smiles in drawn]
        own = constitution(molecule)
        return [isomer for isomer in found if isomer is not None and constitution(isomer) != own][:number]


def edited_isomers(molecule: Mol, random: Random, number: int = DECOYS) -> list[Mol]:
    """Return different isomers one to three edits away, at most ``number``."""
    found: dict[str, Mol] = {}
    with rdBase.BlockLogs():
        for _ in range(3 * number):
            isomer = edited_isomer(molecule, random, moves=random.randint(1, 3))
            if isomer is not None:
                found.setdefault(constitution(isomer), isomer)
            if len(found) == number:
                break
    found.pop(constitution(molecule), None)
    return list(found.values())


def measured_cases(data_dir: Path, number: int) -> dict[str, list[Case]]:
    """Return held-out measured spectra, by the nuclei they hold."""
    chosen: dict[str, dict[str, Case]] = {"measured, 13C": {}, "measured, 1H": {}, "measured, both": {}}
    for example in measured_examples(data_dir, reserved_blocks(data_dir)):
        if in_validation(example.block):
            s = example.spectrum
            kind = "both" if s.carbon and s.proton else "13C" if s.carbon else "1H"
            chosen[f"measured, {kind}"].setdefault(example.block, Case(example.molecule, s))
    return {name: [cases[b] for b in sorted(cases, key=hash_order)[:number]] for name, cases in chosen.items()}


def simulated_cases(data_dir: Path, tables: ShiftTables, number: int) -> list[Case]:
    """Return held-out pool molecules with noisy table shifts, calculator's form, one per formula."""
    formulas, cases = set[str](), list[Case]()
    for smiles in _pool_order(data_dir):
        molecule = usable_molecule(smiles, MAX_HEAVY["pool"])
        if molecule is None or not len(carbon_atoms(molecule)) or not in_validation(block_of(molecule)):
            continue
        formula = str(formula_of(molecule))
        if formula not in formulas:
            formulas.add(formula)
            noise = np.random.default_rng(len(cases))
            cases.append(Case(molecule, calculated_spectrum(molecule, tables.predict(molecule), noise)))
        if len(cases) == number:
            break
    return cases


def molpuzzle_cases(data_dir: Path) -> list[Case]:
    """Return the MolPuzzle development records: spectra of a real calculator."""
    cases = []
    for row in json.loads((data_dir / MOLPUZZLE).read_text(encoding="utf-8")):
        carbon, proton = parse_groups(row["c13"][0], "13C"), parse_groups(row["h1"][0], "1H")
        spectrum = Spectrum(parse_formula(row["formula"]), carbon, proton, "exact", provenance="calculated")
        cases.append(Case(_flat(row["smiles"]), spectrum))
    return cases


def _flat(smiles: str) -> Mol:
    return Chem.MolFromSmiles(constitution(parse_structure(smiles)))


def _pool_order(data_dir: Path) -> Iterator[str]:
    with gzip.open(data_dir / POOL, "rt", encoding="utf-8") as lines:
        smiles = [line.split("\t", 1)[0] for line in lines]
    Random(0).shuffle(smiles)
    yield from smiles
