"""Choosing the held-out molecules: how ``data/held_out.txt`` was made.

``python -m treewright_chemistry.hold_out_selection DATA_DIR > held_out.txt`` makes it again, and
``sha256sum held_out.txt > held_out.txt.sha256`` its checksum.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Final

from treewright_chemistry.held_out import excluded_blocks, hash_order
from treewright_chemistry.nmrshiftdb import Record, read_records
from treewright_chemistry.structures import Mol, inchikey14, parse_structure

DEMO: Final = {
    10016316: "caffeine",
    20200142: "ibuprofen",
    10008648: "vanillin",
    10008712: "nicotine",
    60000005: "carvone",
    20253146: "camphor",
    10008950: "menthol",
    60001972: "linalool",
    10008786: "coumarin",
    30001040: "anethole",
    10008649: "veratraldehyde",
    30097368: "isophorone",
    10008876: "sulfanilamide",
    10008752: "butylated hydroxytoluene",
    20041130: "methyl salicylate",
    10008706: "dimethyl phthalate",
}
"""nmrshiftdb2 number and name of the compounds quoted by the demonstration."""

PER_GROUP: Final = 120
"""Molecules chosen by hash in each group: with 13C and 1H, and with 13C only."""
ELEMENTS: Final = frozenset({1, 6, 7, 8, 9, 16, 17, 35, 53})
HEAVY_ATOMS: Final = range(8, 21)

_HEADER: Final = f"""\
# Measured nmrshiftdb2 molecules kept out of all training data, pools and knowledge bases.
# block identifier part name; made by `python -m treewright_chemistry.hold_out_selection DATA_DIR`:
# demo = well-known compounds chosen by hand; evaluation = the {PER_GROUP} with both nuclei and the
# {PER_GROUP} with 13C only that have the smallest SHA-256 of their first InChIKey block among those with
# {HEAVY_ATOMS[0]} to {HEAVY_ATOMS[-1]} heavy atoms, elements H C N O F S Cl Br I, one fragment, no charge,
# and one 13C signal per carbon in their first spectrum.
# Source: nmrshiftdb2 (nmrshiftdb2 Database License), pb-commits/nmrshift2db @ aad7a4db5cd5.
"""


def select(data_dir: Path) -> list[tuple[str, int, str, str]]:
    """Return rows (block, identifier, part, name), demonstration first, then by hash."""
    demo: dict[str, tuple[str, int, str, str]] = {}
    both: dict[str, int] = {}
    carbon: dict[str, int] = {}
    excluded = excluded_blocks(data_dir)
    for record in read_records(data_dir):
        if record.block in excluded:
            continue
        if record.identifier in DEMO:
            demo[record.block] = (record.block, record.identifier, "demo", DEMO[record.identifier])
        elif _eligible(record):
            (both if record.proton else carbon).setdefault(record.block, record.identifier)
    chosen = _smallest(both, demo) | _smallest(carbon, demo.keys() | both.keys())
    rows = [(block, number, "evaluation", "") for block, number in chosen.items()]
    return sorted(demo.values(), key=lambda row: row[3]) + sorted(rows, key=lambda row: hash_order(row[0]))


def _smallest(candidates: dict[str, int], taken: Collection[str]) -> dict[str, int]:
    free = sorted(candidates.keys() - set(taken), key=hash_order)[:PER_GROUP]
    return {block: candidates[block] for block in free}


def _eligible(record: Record) -> bool:
    if not record.carbon or "." in record.smiles:
        return False
    molecule = parse_structure(record.smiles, max_atoms=1000) if len(record.smiles) < 200 else None
    return molecule is not None and _suitable(molecule, record)


def _suitable(molecule: Mol, record: Record) -> bool:
    atoms = list(molecule.GetAtoms())
    carbons = sum(atom.GetAtomicNum() == 6 for atom in atoms)
    return (
        len(atoms) in HEAVY_ATOMS
        and {atom.GetAtomicNum() for atom in atoms} <= ELEMENTS
        and sum(atom.GetFormalCharge() for atom in atoms) == 0
        and len(record.carbon[0]) == carbons
        and inchikey14(molecule) == record.block
    )


if __name__ == "__main__":
    sys.stdout.write(_HEADER)
    for row in select(Path(sys.argv[1])):
        sys.stdout.write(" ".join(map(str, row)).rstrip() + "\n")
