"""Figures of the encoder on molecules it never saw.

``python -m treewright_chemistry.encoder_evaluation --data DIR --json FILE``

Recall@k: how often the right molecule is among the k best of itself and its decoys, ties counted against
it. Precision@5: the share of the five substructures nearest to a spectrum, among those whose atoms fit
the formula, that the molecule has.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.cutting import cut_molecule
from treewright_chemistry.encoder import DualEncoder
from treewright_chemistry.encoder_decoys import (
    DECOYS,
    Case,
    Pool,
    edited_isomers,
    measured_cases,
    molpuzzle_cases,
    simulated_cases,
)
from treewright_chemistry.encoder_queries import element_counts_of, fits, query_of
from treewright_chemistry.molgraph import UnsupportedMolecule
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.structures import Mol
from treewright_chemistry.substructure_file import read_substructures, shipped_substructures
from treewright_chemistry.substructures import Substructure

RANKS: Final = (1, 5, 10)
NEAREST: Final = 5
WARMTH: Final = 0.1
"""Cosine difference worth a factor e where nearness is weighed against the root of the count."""
SHARED: Final = 3_000
"""Pool molecules that random decoys are drawn from."""

Figures = dict[str, Any]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


def evaluate(
    encoder: DualEncoder,
    data_dir: Path,
    records: Sequence[Substructure],
    *,
    number: int,
    log: Callable[[str], None],
) -> Figures:
    """Return all figures, for at most ``number`` held-out molecules of each kind."""
    sets = measured_cases(data_dir, number)
    sets["simulated"] = simulated_cases(data_dir, ShiftTables.load(network=False), number)
    sets["molpuzzle dev"] = molpuzzle_cases(data_dir)
    pool = Pool(data_dir)
    shared = encoder.encode_molecules(pool.sample(Random(0), SHARED))
    vectors = encoder.substructure_vectors(records)
    figures: Figures = {"speed": speed(encoder, pool)}
    for name, cases in sets.items():
        figures[name] = recalls(encoder, cases, pool, shared)
        if records:
            figures[name]["substructures"] = precision(encoder, cases, records, vectors)
        log(f"{name}: {json.dumps(figures[name])}")
    return figures


def recalls(encoder: DualEncoder, cases: Sequence[Case], pool: Pool, shared: npt.NDArray[np.float32]) -> Figures:
    """Return recall@k against random molecules, against pool isomers, and against edited isomers."""
    ranks: dict[str, list[int]] = {"random": [], "isomers": [], "edited isomers": []}
    decoys: dict[str, list[int]] = {kind: [] for kind in ranks}
    for number, case in enumerate(cases):
        random = Random(number)
        spectrum = encoder.encode_spectrum(case.spectrum)
        right = float(encoder.encode_molecules([case.molecule])[0] @ spectrum)
        against = {
            "random": shared[random.sample(range(len(shared)), DECOYS)] @ spectrum,
            "isomers": encoder.encode_molecules(pool.isomers(case.molecule, random)) @ spectrum,
            "edited isomers": encoder.encode_molecules(edited_isomers(case.molecule, random)) @ spectrum,
        }
        for kind, cosines in against.items():
            if len(cosines):
                ranks[kind].append(1 + int((cosines >= right).sum()))
                decoys[kind].append(len(cosines))
    return {kind: _recall(ranks[kind], decoys[kind]) for kind in ranks}


def precision(
    encoder: DualEncoder,
    cases: Sequence[Case],
    records: Sequence[Substructure],
    vectors: npt.NDArray[np.float32],
) -> Figures:
    """Return precision@5 of the nearest, most common and random substructures that fit the formula.

    A substructure counts as *contained* if the molecule matches it, hydrogens aside and open places on any
    heavy atom; as *cut* if the cutting rule of the knowledge base yields it from the molecule.
    """
    queries = [query_of(record) for record in records]
    formulas = [element_counts_of(record) for record in records]
    counts = np.array([record.count for record in records])
    rows = []
    for case in cases:
        allowed = np.flatnonzero([fits(f, r, case.spectrum.formula) for f, r in zip(formulas, records, strict=True)])
        if len(allowed) < NEAREST:
            continue
        cosines = vectors[allowed] @ encoder.encode_spectrum(case.spectrum)
        pieces = _pieces(case.molecule)
        contained = np.array([case.molecule.HasSubstructMatch(queries[k]) for k in allowed.tolist()])
        cut = np.array([records[k].smiles in pieces for k in allowed.tolist()])
        orders = {
            "nearest": -cosines,
            "nearest and common": -cosines / WARMTH - 0.5 * np.log(counts[allowed]),
            "most common": -counts[allowed],
        }
        chosen = [np.argsort(order, kind="stable")[:NEAREST] for order in orders.values()]
        rows.append([*_shares(contained, chosen), *_shares(cut, chosen)])
    ways = ("nearest", "nearest and common", "most common", "random", "best possible")
    names = [f"{kind}, {way}" for kind in ("contained", "cut") for way in ways]
    table = np.array(rows).reshape(-1, len(names))
    return {"n": len(rows)} | {name: _mean(table[:, k]) for k, name in enumerate(names)}


def speed(encoder: DualEncoder, pool: Pool, *, number: int = 500) -> Figures:
    """Return milliseconds per molecule in one batch, on the present number of threads."""
    molecules = pool.sample(Random(1), number)
    encoder.encode_molecules(molecules[:50])
    began = time.perf_counter()
    encoder.encode_molecules(molecules)
    per_molecule = (time.perf_counter() - began) / len(molecules) * 1e3
    return {"ms_per_molecule": round(per_molecule, 3), "molecules": len(molecules)}


def wilson(hits: int, number: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, 1927)."""
    if not number:
        return 0.0, 1.0
    z, share = 1.96, hits / number
    centre = (share + z * z / (2 * number)) / (1 + z * z / number)
    half = z / (1 + z * z / number) * math.sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    return max(0.0, centre - half), min(1.0, centre + half)


def _recall(ranks: list[int], decoys: list[int]) -> Figures:
    figures: Figures = {"n": len(ranks), "median_decoys": float(np.median(decoys)) if decoys else 0.0}
    for k in RANKS:
        hits = sum(rank <= k for rank in ranks)
        low, high = wilson(hits, len(ranks))
        share = hits / max(len(ranks), 1)
        # What a random order would reach, since many formulas have fewer isomers than asked for.
        chance = float(np.mean([min(1.0, k / (1 + d)) for d in decoys])) if decoys else 0.0
        figures[f"recall@{k}"] = [round(value, 3) for value in (share, low, high)]
        figures[f"chance@{k}"] = round(chance, 3)
    return figures


def _mean(values: npt.NDArray[np.float64]) -> list[float]:
    """Return mean and 95 % interval by the normal law."""
    mean = float(values.mean()) if len(values) else 0.0
    half = 1.96 * float(values.std()) / math.sqrt(max(len(values), 1))
    return [round(mean, 3), round(mean - half, 3), round(mean + half, 3)]


def _shares(held: Flags, chosen: list[Integers]) -> list[float]:
    """Return the precision of each choice, of random substructures, and of perfectly chosen ones."""
    most = min(NEAREST, int(held.sum())) / NEAREST
    return [*(float(held[choice].mean()) for choice in chosen), float(held.mean()), most]


def _pieces(molecule: Mol) -> frozenset[str]:
    try:
        return frozenset(piece.smiles for piece in cut_molecule(molecule))
    except UnsupportedMolecule:
        return frozenset()


def main() -> None:
    """Print the figures and write them as JSON."""
    parser = argparse.ArgumentParser(description="Figures of the molecule-spectrum encoder on held-out molecules")
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--json", type=Path, default=None, help="file for the figures")
    parser.add_argument("--encoder", type=Path, default=None, help="folder of the encoder; the shipped one if absent")
    parser.add_argument(
        "--substructures", type=Path, default=None, help="table of substructures; the shipped one if absent"
    )
    parser.add_argument("--number", type=int, default=300, help="held-out molecules of each kind")
    given = parser.parse_args()
    records = read_substructures(given.substructures) if given.substructures else shipped_substructures()
    encoder = DualEncoder.load(given.encoder)
    figures = evaluate(encoder, given.data, records, number=given.number, log=lambda line: print(line, flush=True))
    if given.json is not None:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
