"""Does the score put the truth first among isomers? ``python -m treewright_chemistry.ranking DATA_DIR``.

Every spectrum with a known structure is scored against the pool molecules of the same formula. Tables and
network have seen none of the true structures. Decoys from the pool are real molecules; a search also meets
structures that nobody has made, so this measures the score alone.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

import numpy as np

from treewright_chemistry.commonness import POOL
from treewright_chemistry.errors import StructureError
from treewright_chemistry.formula import formula_of
from treewright_chemistry.held_out import held_out
from treewright_chemistry.likelihood import SpectrumFit
from treewright_chemistry.measured import measured_spectrum
from treewright_chemistry.nmrshiftdb import read_records
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.structures import Mol, constitution, parse_structure

MOLPUZZLE: Final = "chemistry/molpuzzle_dev.json"
MOST_DECOYS: Final = 1_500


@dataclass(frozen=True, slots=True)
class Case:
    """A spectrum and its structure."""

    spectrum: Spectrum
    truth: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """Shares over the cases that have decoys.

    Attributes:
        cases: number of cases with at least one decoy.
        first: share whose truth ranks first; a tie of n counts 1/n.
        five: share whose truth ranks among the first five.
        reciprocal: mean reciprocal rank.
        decoys: median number of decoys.
    """

    cases: int
    first: float
    five: float
    reciprocal: float
    decoys: float


def calculated_cases(data_dir: Path, *, evidence: str = "exact") -> Iterator[Case]:
    """Yield the MolPuzzle development records, with the first text of each nucleus."""
    for row in json.loads((data_dir / MOLPUZZLE).read_text(encoding="utf-8")):
        fields = {"formula": row["formula"], "c13": row["c13"][0], "h1": row["h1"][0], "evidence": evidence}
        yield Case(SpectrumCodec().decode({**fields, "provenance": "calculated"}), row["smiles"])


def measured_cases(data_dir: Path, *, counts: bool = True, letters: bool = False) -> Iterator[Case]:
    """Yield the held-out measured records, as ``measured_spectrum`` presents them."""
    wanted = {molecule.identifier for molecule in held_out()}
    for record in read_records(data_dir):
        if record.identifier in wanted:
            formula = formula_of(parse_structure(record.smiles))
            yield Case(measured_spectrum(record, formula, counts=counts, letters=letters), record.smiles)


def rank(cases: Iterable[Case], isomers: dict[str, list[str]], tables: ShiftTables, seed: int = 0) -> Ranking:
    """Score every case against its isomers.

    Args:
        cases: spectra with their structures.
        isomers: SMILES by formula in Hill order.
        tables: predict the shifts.
        seed: of the choice among more than MOST_DECOYS isomers.
    """
    ranks, ties, decoys = [], [], []
    for case in cases:
        molecules = _molecules(case, isomers, Random(seed))
        if len(molecules) > 1:
            totals = SpectrumFit(case.spectrum, tables).totals(molecules)
            ranks.append(1 + int((totals[1:] > totals[0] + 1e-6).sum()))
            ties.append(1 + int((np.abs(totals[1:] - totals[0]) <= 1e-6).sum()))
            decoys.append(len(molecules) - 1)
    place, tie = np.array(ranks), np.array(ties)
    return Ranking(
        cases=len(place),
        first=float(((place == 1) / tie).mean()),
        five=float((place <= 5).mean()),
        reciprocal=float((1.0 / (place + (tie - 1) / 2.0)).mean()),
        decoys=float(np.median(decoys)),
    )


def pool_isomers(data_dir: Path, formulas: set[str]) -> dict[str, list[str]]:
    """Return the pool's SMILES of the given formulas, by formula."""
    found: dict[str, list[str]] = defaultdict(list)
    with gzip.open(data_dir / POOL, "rt", encoding="utf-8") as lines:
        for line in lines:
            smiles, formula, _ = line.split("\t", 2)
            if formula in formulas:
                found[formula].append(smiles)
    return found


def _molecules(case: Case, isomers: dict[str, list[str]], random: Random) -> list[Mol]:
    """Return the truth and its decoys; the order of the pool plays no part."""
    truth = parse_structure(case.truth)
    listed = isomers.get(str(case.spectrum.formula), [])
    chosen = random.sample(listed, min(len(listed), MOST_DECOYS))
    molecules = [truth]
    for smiles in chosen:
        try:
            decoy = parse_structure(smiles)
        except StructureError:
            continue
        if constitution(decoy) != constitution(truth):
            molecules.append(decoy)
    return molecules


def _carbon_only(cases: Iterable[Case]) -> Iterator[Case]:
    return (Case(replace(case.spectrum, proton=()), case.truth) for case in cases)


def main() -> None:
    """Print one line per kind of evidence, with the network and with the tables alone."""
    parser = argparse.ArgumentParser(description="Rank of the truth among pool isomers of its formula.")
    parser.add_argument("data", type=Path, help="the data folder")
    data = parser.parse_args().data
    kinds = {
        "calculated, exact": list(calculated_cases(data)),
        "calculated, treated as soft": list(calculated_cases(data, evidence="soft")),
        "calculated, exact, 13C only": list(_carbon_only(calculated_cases(data))),
        "measured, counts known": list(measured_cases(data)),
        "measured, counts known, 13C only": list(_carbon_only(measured_cases(data))),
        "measured, lines only": list(measured_cases(data, counts=False)),
        "measured, counts and DEPT": list(measured_cases(data, letters=True)),
    }
    isomers = pool_isomers(data, {str(case.spectrum.formula) for cases in kinds.values() for case in cases})
    for network in (True, False):
        tables = ShiftTables.load(network=network)
        for name, cases in kinds.items():
            print(
                f"{'network' if network else 'tables '}  {name:33s} {rank(cases, isomers, tables)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
