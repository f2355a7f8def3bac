"""Atom environments: what an atom sees within 0 to 5 bonds, as one number per radius.

The numbers are RDKit's Morgan environment identifiers (no stereo; element, degree, hydrogens, charge and
ring membership of every atom, order or aromaticity of every bond). They play the role of HOSE codes
(Bremser, Anal. Chim. Acta 103, 355, 1978): two atoms with the same number at radius r have the same
surroundings up to r bonds, so a shift measured on one predicts the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import rdBase
from rdkit.Chem import rdFingerprintGenerator

from treewright_chemistry.errors import TableError
from treewright_chemistry.structures import Mol, parse_structure

RADII: Final = 6
"""Number of radii: 0, 1, ... 5 bonds."""

RDKIT: Final = "rdkit>=2025.3"
"""The requirement of the distribution. Identifiers of 4,000 pool molecules are the same with RDKit 2024.9.6, 2025.3.1,
2025.3.6, 2025.9.3 and 2026.9.1, and others with 2024.9.1; canonical SMILES are the same from 2025.3.1 on."""

PROBE_SMILES: Final = "COC(=O)c1ccc(N)c(S(=O)(=O)C2CC2)c1Cl"
"""Molecule whose environments fingerprint the scheme, so that tables of another RDKit hashing are refused."""

# Redundant environments are kept: each atom then has exactly RADII identifiers, also where a larger radius
# already covers the whole molecule.
_GENERATOR: Final = rdFingerprintGenerator.GetMorganGenerator(radius=RADII - 1, includeRedundantEnvironments=True)


def environments(molecule: Mol) -> npt.NDArray[np.uint64]:
    """Return the environment identifiers of all heavy atoms.

    Args:
        molecule: sanitized, hydrogens implicit.

    Returns:
        Shape (heavy atoms, RADII); column r is the identifier at radius r, below 2**32.
    """
    return np.array(identifier_rows(molecule), dtype=np.uint64)


def identifier_rows(molecule: Mol) -> Sequence[tuple[int, ...]]:
    """Return the same as plain tuples, for callers that gather many molecules into one array."""
    # One output per call, not one for all: threads would read each other's results.
    output = rdFingerprintGenerator.AdditionalOutput()
    output.AllocateAtomToBits()
    _GENERATOR.GetSparseCountFingerprint(molecule, additionalOutput=output)
    rows: Sequence[tuple[int, ...]] = output.GetAtomToBits()
    if min(map(len, rows)) < RADII:  # an atom without neighbours has one identifier only
        rows = [(*row, *(row[-1],) * (RADII - len(row))) for row in rows]
    return rows


def check_scheme(found: object, path: Path, recipe: str) -> None:
    """Refuse a file that was made for other environment identifiers than this RDKit computes.

    Raises:
        TableError: names the file, both schemes, the RDKit to install, and the recipe that makes it anew.
    """
    own = scheme_fingerprint()
    if str(found) != own:
        what = f"made for environment identifiers {found}, this RDKit ({rdBase.rdkitVersion}) computes {own}"
        repair = f"Install the RDKit of the shipped files (pip install '{RDKIT}'), or make the file anew: {recipe}"
        raise TableError(what, field=str(path), repair=repair)


def scheme_fingerprint() -> str:
    """Return a text that changes when RDKit's environment identifiers change."""
    ids = environments(parse_structure(PROBE_SMILES))
    mixed = np.bitwise_xor.reduce(ids * np.arange(1, ids.size + 1, dtype=np.uint64).reshape(ids.shape), axis=None)
    return f"morgan-{RADII}-{int(mixed):016x}"
