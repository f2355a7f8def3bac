"""Does the score put the truth first among isomers? ``python -m treewright_chemistry.ranking DATA_DIR [--mixes]``.

Every spectrum with a known structure is scored against the pool molecules of the same formula. Tables and
network have seen none of the true structures. Decoys from the pool are real molecules; a search also meets
structures that nobody has made, so this measures the score alone. ``--mixes`` compares the score with and
without the encoder's cosine, whatever ``cosine: auto`` would choose.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.ablation import checked_names
from treewright_chemistry.commonness import POOL
from treewright_chemistry.cosine_part import CosineSetting, cosine_part
from treewright_chemistry.errors import StructureError
from treewright_chemistry.formula import formula_of
from treewright_chemistry.held_out import held_out
from treewright_chemistry.likelihood import SpectrumFit
from treewright_chemistry.measured import measured_spectrum
from treewright_chemistry.nmrshiftdb import read_records
from treewright_chemistry.score_weights import PARTS
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.spectrum_codec import SpectrumCodec
from treewright_chemistry.structures import Mol, constitution, parse_structure

MOLPUZZLE: Final = "chemistry/molpuzzle_dev.json"
MOST_DECOYS: Final = 1_500

Floats = npt.NDArray[np.float64]


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


def rank(
    cases: Iterable[Case],
    isomers: dict[str, list[str]],
    tables: ShiftTables,
    seed: int = 0,
    *,
    cosine: CosineSetting = False,
    without: Collection[str] = (),
    most: int = MOST_DECOYS,
) -> Ranking:
    """Score every case against its isomers.

    Args:
        cases: spectra with their structures.
        isomers: SMILES by formula in Hill order.
        tables: predict the shifts.
        seed: of the choice among more than ``most`` isomers.
        cosine: mix the encoder's cosine in.
        without: names of ``ablation.NAMES`` that shall not count.
        most: decoys of a case.
    """
    names = checked_names(without)
    totals = []
    for case in cases:
        molecules = _molecules(case, isomers, Random(seed), most)
        if len(molecules) > 1:
            part = cosine_part(cosine, case.spectrum.evidence)
            totals.append(SpectrumFit(case.spectrum, tables, without=names, cosine=part).totals(molecules))
    return ranking_of(totals)


def compare_mixes(
    cases: Iterable[Case], isomers: dict[str, list[str]], tables: ShiftTables, seed: int = 0, *, most: int = MOST_DECOYS
) -> dict[str, Ranking]:
    """Rank with and without the cosine and the shift likelihoods; every molecule is encoded once."""
    totals: dict[str, list[Floats]] = {}
    for case in cases:
        molecules = _molecules(case, isomers, Random(seed), most)
        if len(molecules) > 1:
            part = cosine_part(True, case.spectrum.evidence)
            parts = SpectrumFit(case.spectrum, tables, cosine=part).parts(molecules)
            for name, (setting, without) in MIXES.items():
                mix = SpectrumFit(case.spectrum, tables, without=without, cosine=part if setting else None)
                totals.setdefault(name, []).append(parts @ mix.weights)
    return {name: ranking_of(rows) for name, rows in totals.items()}


MIXES: Final[dict[str, tuple[bool, frozenset[str]]]] = {
    "cosine and all else": (True, frozenset()),
    "no cosine": (False, frozenset()),
    "no shift likelihood": (True, frozenset({"shifts"})),
    "no cosine, no shift likelihood": (False, frozenset({"shifts"})),
    "no plausibility": (True, frozenset({"plausibility"})),
    "cosine alone": (True, frozenset(PARTS) - {"cosine"}),
}
"""Whether the cosine counts, and what does not."""


def ranking_of(totals: Iterable[Floats]) -> Ranking:
    """Return the shares, from the totals of each case, the truth's first."""
    ranks, ties, decoys = [], [], []
    for values in totals:
        ranks.append(1 + int((values[1:] > values[0] + 1e-6).sum()))
        ties.append(1 + int((np.abs(values[1:] - values[0]) <= 1e-6).sum()))
        decoys.append(len(values) - 1)
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


def _molecules(case: Case, isomers: dict[str, list[str]], random: Random, most: int) -> list[Mol]:
    """Return the truth and its decoys; the order of the pool plays no part."""
    truth = parse_structure(case.truth)
    listed = isomers.get(str(case.spectrum.formula), [])
    chosen = random.sample(listed, min(len(listed), most))
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
    """Print one line per kind of evidence, with the network and with the tables alone; or one per mix."""
    parser = argparse.ArgumentParser(description="Rank of the truth among pool isomers of its formula.")
    parser.add_argument("data", type=Path, help="the data folder")
    parser.add_argument("--mixes", action="store_true", help="with and without the encoder's cosine and other parts")
    parser.add_argument("--most", type=int, default=MOST_DECOYS, help="most decoys of a molecule")
    given = parser.parse_args()
    (_print_mixes if given.mixes else _print_kinds)(given.data, given.most)


def _print_mixes(data: Path, most: int) -> None:
    kinds = {
        "calculated, exact": list(calculated_cases(data)),
        "measured": list(measured_cases(data)),
        "measured, 13C only": list(_carbon_only(measured_cases(data))),
    }
    isomers, tables = _isomers_of(data, kinds), ShiftTables.load()
    for kind, cases in kinds.items():
        for name, ranking in compare_mixes(cases, isomers, tables, most=most).items():
            print(f"{kind:19s} {name:31s} {ranking}", flush=True)


def _print_kinds(data: Path, most: int) -> None:
    kinds = {
        "calculated, exact": list(calculated_cases(data)),
        "calculated, treated as soft": list(calculated_cases(data, evidence="soft")),
        "calculated, exact, 13C only": list(_carbon_only(calculated_cases(data))),
        "measured, counts known": list(measured_cases(data)),
        "measured, counts known, 13C only": list(_carbon_only(measured_cases(data))),
        "measured, lines only": list(measured_cases(data, counts=False)),
        "measured, counts and DEPT": list(measured_cases(data, letters=True)),
    }
    isomers = _isomers_of(data, kinds)
    for network in (True, False):
        tables = ShiftTables.load(network=network)
        for name, cases in kinds.items():
            found = rank(cases, isomers, tables, most=most)
            print(f"{'network' if network else 'tables '}  {name:33s} {found}", flush=True)


def _isomers_of(data: Path, kinds: dict[str, list[Case]]) -> dict[str, list[str]]:
    return pool_isomers(data, {str(case.spectrum.formula) for cases in kinds.values() for case in cases})


if __name__ == "__main__":
    main()
