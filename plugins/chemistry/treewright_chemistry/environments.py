"""Atom environments: what an atom sees within 0 to 5 bonds, as one number per radius.

The numbers are RDKit's Morgan environment identifiers (no stereo; element, degree, hydrogens, charge and
ring membership of every atom, order or aromaticity of every bond). They play the role of HOSE codes
(Bremser, Anal. Chim. Acta 103, 355, 1978): two atoms with the same number at radius r have the same
surroundings up to r bonds, so a shift measured on one predicts the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit.Chem import rdFingerprintGenerator

from treewright_chemistry.structures import Mol, parse_structure

RADII: Final = 6
"""Number of radii: 0, 1, ... 5 bonds."""

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


def scheme_fingerprint() -> str:
    """Return a text that changes when RDKit's environment identifiers change."""
    ids = environments(parse_structure(PROBE_SMILES))
    mixed = np.bitwise_xor.reduce(ids * np.arange(1, ids.size + 1, dtype=np.uint64).reshape(ids.shape), axis=None)
    return f"morgan-{RADII}-{int(mixed):016x}"
