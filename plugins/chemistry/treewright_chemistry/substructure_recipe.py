"""Make the shipped table of substructures.

    python -m treewright_chemistry.substructure_recipe DATA_DIR OUT [--limit 2000]

Source: all nmrshiftdb2 molecules and every fourth molecule of the SMILES pool with at most 25 heavy
atoms. Molecules reserved for evaluation (MolPuzzle, NMRArena, held-out and demonstration compounds)
are dropped by the first block of their InChIKey, and so are substructures that are such a molecule
with hydrogen at their open places; what is left of both is asserted free of them. The window of an
atom is where the shift tables expect its 13C line in the molecules it was cut from.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rdkit import Chem, rdBase

from treewright_chemistry.capped_pieces import allowed_pieces, assert_no_reserved_piece
from treewright_chemistry.errors import StructureError
from treewright_chemistry.held_out import assert_absent, reserved_blocks
from treewright_chemistry.nmrshiftdb import read_records
from treewright_chemistry.shifts import ShiftTables
from treewright_chemistry.structures import inchikey14
from treewright_chemistry.substructure_file import write_substructures
from treewright_chemistry.substructure_harvest import carbon_shifts
from treewright_chemistry.substructures import Substructure, SubstructureCounter

MOST_ATOMS: Final = 25
EVERY: Final = 4
POOL: Final = "chemistry/smiles_pool.tsv.gz"
_ORIGIN = """\
Substructures cut from {molecules} molecules: nmrshiftdb2 (nmrshiftdb2 Database License) and every
fourth molecule of a SMILES pool (nmrshiftdb2; selfies, Apache-2.0; rdkit, BSD-3-Clause; deepchem, MIT)
with at most {most} heavy atoms. {reserved} reserved molecules dropped, and {pieces} substructures that are one when
hydrogen stands at their open places. Made by `python -m treewright_chemistry.substructure_recipe`; windows from the
shipped shift tables."""


def main() -> None:
    """Read the arguments, build, report."""
    parser = argparse.ArgumentParser(description="Make the shipped table of substructures.")
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit", type=int, default=2000)
    options = parser.parse_args()
    begin = time.perf_counter()
    number = build(options.data, options.out, options.limit)
    print(f"{number} substructures in {time.perf_counter() - begin:.0f} s")


def build(data: Path, out: Path, limit: int) -> int:
    """Write the ``limit`` most common substructures to ``out``; returns their number."""
    reserved = reserved_blocks(data)
    tables = ShiftTables.load(network=False)
    counter = SubstructureCounter(shifts=lambda molecule: carbon_shifts(tables, molecule))
    used: list[str] = []
    dropped = 0
    with rdBase.BlockLogs():
        for smiles in _sources(data):
            molecule = Chem.MolFromSmiles(smiles)
            if molecule is None or not 2 <= molecule.GetNumHeavyAtoms() <= MOST_ATOMS or "." in smiles:
                continue
            block = _block(molecule)
            if block is None:
                continue  # InChI cannot name it, so nobody could tell whether it is reserved
            if block in reserved:
                dropped += 1
                continue
            used.append(block)
            counter.add(molecule)
    assert_absent(used, reserved, field="molecules of the substructure table")
    kept, refused = allowed_substructures(counter, limit, reserved)
    origin = _ORIGIN.format(molecules=counter.molecules, most=MOST_ATOMS, reserved=dropped, pieces=refused)
    return write_substructures(out, kept, origin=origin)


def allowed_substructures(
    counter: SubstructureCounter, limit: int, reserved: frozenset[str]
) -> tuple[list[Substructure], int]:
    """The most common substructures that are no reserved molecule when capped, and how many of these were passed over.

    Raises:
        LeakError: one slipped in (a fault of this code, asserted rather than trusted).
    """
    allowed = allowed_pieces(reserved)
    refused = 0

    def passed(smiles: str) -> bool:
        nonlocal refused
        good = allowed(smiles)
        refused += not good
        return good

    kept = counter.most_common(limit, allowed=passed)
    assert_no_reserved_piece((each.smiles for each in kept), reserved, field="substructure table")
    return kept, refused


def _block(molecule: Any) -> str | None:
    try:
        return inchikey14(molecule)
    except StructureError:
        return None


def _sources(data: Path) -> Iterator[str]:
    yield from (record.smiles for record in read_records(data))
    with gzip.open(data / POOL, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            smiles, _, atoms, source = line.rstrip("\n").split("\t")
            if number % EVERY == 0 and int(atoms) <= MOST_ATOMS and source != "nmrshiftdb2":
                yield smiles


if __name__ == "__main__":
    main()
