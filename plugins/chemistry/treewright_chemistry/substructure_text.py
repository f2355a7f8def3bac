"""One English sentence per substructure, from RDKit facts alone (no model)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rdkit import Chem
from rdkit.Chem import GetPeriodicTable

from treewright_chemistry.substructures import Substructure

__all__ = ["describe"]

_NUMBERS = {3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten"}

# Looked for in this order; a group inside a larger one that was found before is not named again.
_GROUPS = (
    ("nitro", "[NX3+](=O)[O-]"),
    ("azide", "[N]=[N+]=[N-]"),
    ("isocyanide", "[N+]#[C-]"),
    ("N-oxide", "[n+,N+][O-]"),
    ("sulfonyl", "S(=O)=O"),
    ("sulfoxide", "[SX3]=O"),
    ("isocyanate", "N=C=O"),
    ("isothiocyanate", "N=C=S"),
    ("nitrile", "C#N"),
    ("carboxylic acid", "C(=O)[OX2H1]"),
    ("ester", "C(=O)[OX2H0]"),
    ("amide", "C(=O)[NX3]"),
    ("acyl halide", "C(=O)[F,Cl,Br,I]"),
    ("aldehyde or formyl", "[CX3H1,CX3H2]=O"),
    ("ketone or acyl", "[#6]C(=O)"),
    ("alkyne", "C#C"),
    ("alkene", "[CX3]=[CX3]"),
    ("hydroxy", "[OX2H1]"),
    ("ether", "[OX2H0;!a]"),
    ("amino", "[NX3;!$(N=*);!a]"),
    ("imine", "[NX2]=C"),
    ("thioether or thiol", "[SX2;!a]"),
    ("halogen", "[F,Cl,Br,I]"),
)
_PATTERNS = tuple((name, Chem.MolFromSmarts(smarts)) for name, smarts in _GROUPS)


def describe(substructure: Substructure) -> str:
    """A sentence with kind, rings, groups, formula, degree of unsaturation, open places and 13C range."""
    mol = Chem.MolFromSmiles(substructure.smiles)
    parts = [_head(substructure, mol)]
    groups = _groups(mol)
    if groups:
        parts.append("with " + ", ".join(groups))
    unsaturation = substructure.unsaturation
    facts = f"{substructure.formula}, {unsaturation} degree{'' if unsaturation == 1 else 's'} of unsaturation"
    return f"{' '.join(parts)}; {facts}; {_places(substructure)}{_range(substructure)}"


def _head(substructure: Substructure, mol: Any) -> str:
    rings = mol.GetRingInfo().AtomRings()
    if not rings:
        size = substructure.heavy_atoms
        if substructure.kind == "chain":
            return f"chain of {size} carbon{'s' if size > 1 else ''}"
        return substructure.kind
    texts = [_ring(mol, ring) for ring in sorted(rings, key=len)]
    joined = " fused or joined to ".join(texts) if len(texts) < 4 else f"{len(texts)} fused rings"
    return joined


def _ring(mol: Any, ring: tuple[int, ...]) -> str:
    atoms = [mol.GetAtomWithIdx(i) for i in ring]
    size = _NUMBERS.get(len(ring), str(len(ring)))
    nature = "aromatic" if all(atom.GetIsAromatic() for atom in atoms) else _saturation(mol, ring)
    hetero = Counter(atom.GetSymbol() for atom in atoms if atom.GetAtomicNum() != 6)
    inside = ", ".join(f"{n} {symbol}" for symbol, n in sorted(hetero.items()))
    return f"{size}-membered {nature} ring" + (f" holding {inside}" if inside else "")


def _saturation(mol: Any, ring: tuple[int, ...]) -> str:
    pairs = zip(ring, ring[1:] + ring[:1], strict=True)
    orders = [mol.GetBondBetweenAtoms(i, j).GetBondTypeAsDouble() for i, j in pairs]
    return "saturated" if max(orders) == 1.0 else "unsaturated"


def _groups(mol: Any) -> list[str]:
    taken: set[int] = set()
    names = []
    for name, pattern in _PATTERNS:
        found = [match for match in mol.GetSubstructMatches(pattern) if not taken.issuperset(match)]
        ring_only = all(mol.GetAtomWithIdx(i).IsInRing() for match in found for i in match)
        if found and not (ring_only and name in ("alkene", "ether", "amino", "imine", "thioether or thiol")):
            names.append(name if len(found) == 1 else f"{len(found)} x {name}")
        taken.update(i for match in found for i in match)
    return names


def _places(substructure: Substructure) -> str:
    mol = Chem.MolFromSmiles(substructure.smiles)
    heavy = [atom.GetAtomicNum() for atom in mol.GetAtoms() if atom.GetAtomicNum() > 0]
    symbols = Counter(GetPeriodicTable().GetElementSymbol(heavy[k]) for k in substructure.attachments)
    return "bound through " + ", ".join(f"{n} {symbol}" for symbol, n in sorted(symbols.items()))


def _range(substructure: Substructure) -> str:
    if not substructure.windows:
        return ""
    low = min(window.mean - window.spread for window in substructure.windows)
    high = max(window.mean + window.spread for window in substructure.windows)
    return f"; carbons {low:.0f}-{high:.0f} ppm"
