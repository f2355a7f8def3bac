"""How usual the surroundings of a molecule's atoms are: a prior against structures that nobody has made.

For every environment of radius 1 and 2 the table holds in how many molecules of a large collection it
occurs. The surprise of an atom is -log of the share its environment has among those of its parent; rare
rings, chains of heteroatoms and strained double bonds stand out without a list of forbidden patterns.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase

from treewright_chemistry.environments import check_scheme, environments, scheme_fingerprint
from treewright_chemistry.errors import StructureError
from treewright_chemistry.held_out import assert_absent, reserved_blocks
from treewright_chemistry.model_files import Arrays, read_arrays, write_arrays
from treewright_chemistry.structures import Mol, inchikey14

POOL: Final = "chemistry/smiles_pool.tsv.gz"
FILE: Final = "commonness.npz"
LEVELS: Final = 3
"""Radii 0, 1 and 2 are counted."""
SOURCES: Final = frozenset(
    {"nmrshiftdb2", "pcs100k", "hiv", "toxcast_cas", "esol", "freesolv", "tox21", "clintox", "bbbp"}
)
"""Collections of molecules that were made; enumerated ones (qm9, idorsia_toy) are no evidence of that."""
MAX_HEAVY: Final = 30
"""Larger molecules say little about those that can be elucidated here."""
DRAWN_ONLY: Final = "[$([OX2H][CX3;!R]=[NX2]),$([SX2H][CX3;!R]=[NX2])]"
"""Imidic acids, as lists made from InChI draw amides; nobody has them in a flask, so they are skipped."""
RARE: Final = 2
"""Environments in fewer molecules are dropped."""
UNSEEN: Final = 0.2
"""Molecules that an unseen environment counts for."""

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Commonness:
    """In how many molecules of the collection an environment occurs.

    Attributes:
        keys: per radius, sorted identifiers.
        log_counts: per radius, natural log of the number of molecules; the value of an unseen environment
            last.
    """

    keys: tuple[Keys, ...]
    log_counts: tuple[Floats, ...]

    @staticmethod
    def load(folder: Path | None = None) -> Commonness:
        """Return the table shipped with the package, or ``commonness.npz`` of a folder.

        Raises:
            TableError: the file is missing, damaged, or made for other environment identifiers.
        """
        place = folder or Path(str(resources.files(__package__).joinpath("data")))
        return _load(place / FILE)

    def surprises(self, identifiers: Keys) -> Floats:
        """Return how surprising atoms are at radius 1 given 0, and at 2 given 1, shape (atoms, LEVELS - 1).

        The value is -log of the share of molecules that go on this way, 0 where all do.
        """
        logs = np.stack([self._log_count(identifiers[:, radius], radius) for radius in range(LEVELS)], axis=1)
        return np.maximum(logs[:, :-1] - logs[:, 1:], 0.0)

    def _log_count(self, identifiers: Keys, radius: int) -> Floats:
        keys, values = self.keys[radius], self.log_counts[radius]
        rows = np.minimum(np.searchsorted(keys, identifiers), len(keys) - 1)
        return np.where(keys[rows] == identifiers, values[rows], values[-1])


def count_environments(data_dir: Path, out_dir: Path) -> int:
    """Count the environments of the pool, write ``commonness.npz``, and return the number of molecules.

    Raises:
        LeakError: a reserved molecule was counted (a fault of this code, asserted rather than trusted).
    """
    counts: list[Counter[int]] = [Counter() for _ in range(LEVELS)]
    counted: list[str] = []
    reserved = reserved_blocks(data_dir)
    for molecule, block in _pool_molecules(data_dir, reserved):
        counted.append(block)
        identifiers = environments(molecule)
        for radius in range(LEVELS):
            counts[radius].update(set(identifiers[:, radius].tolist()))
    assert_absent(counted, reserved, field="molecules of the commonness table")
    arrays: Arrays = {"scheme": np.array(scheme_fingerprint()), "molecules": np.array(len(counted))}
    for radius, counter in enumerate(counts):
        kept = sorted(key for key, count in counter.items() if count >= RARE)
        logs = np.log([*(counter[key] for key in kept), UNSEEN])
        arrays |= {
            f"keys_{radius}": np.array(kept, dtype=np.uint32),
            f"logs_{radius}": logs.astype(np.float16),
        }
    write_arrays(out_dir / FILE, arrays)
    return len(counted)


def _pool_molecules(data_dir: Path, reserved: frozenset[str]) -> Iterator[tuple[Mol, str]]:
    """Yield every usable pool molecule with its first InChIKey block, which is computed, no list is trusted.

    What InChI cannot name is left out: nobody could tell whether it is reserved.
    """
    drawn_only = Chem.MolFromSmarts(DRAWN_ONLY)
    with rdBase.BlockLogs(), gzip.open(data_dir / POOL, "rt", encoding="utf-8") as lines:
        for line in lines:
            smiles, _, heavy, source = line.rstrip("\n").split("\t")
            if source not in SOURCES or int(heavy) > MAX_HEAVY:
                continue
            molecule = Chem.MolFromSmiles(smiles)
            if molecule is None or molecule.HasSubstructMatch(drawn_only):
                continue
            block = _block(molecule)
            if block and block not in reserved:
                yield molecule, block


def _block(molecule: Mol) -> str:
    try:
        return inchikey14(molecule)
    except StructureError:
        return ""


@cache
def _load(path: Path) -> Commonness:
    arrays = read_arrays(path)
    check_scheme(arrays["scheme"], path, "treewright train chemistry/shifts")
    return Commonness(
        keys=tuple(arrays[f"keys_{radius}"].astype(np.uint64) for radius in range(LEVELS)),
        log_counts=tuple(arrays[f"logs_{radius}"].astype(np.float64) for radius in range(LEVELS)),
    )
