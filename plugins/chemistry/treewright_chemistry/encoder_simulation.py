"""Spectra printed like a shift calculator's: shifts as predicted, patterns from the neighbouring hydrogens.

Every class of equivalent carbons gives one 13C line and, where it bears hydrogens, one 1H line; hydrogens
on other elements are not listed. Patterns are first order: one token per class of neighbours, couplings
by kind of bond.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from treewright_chemistry.formula import formula_of
from treewright_chemistry.shift_types import Prediction
from treewright_chemistry.spectrum import Group, Peak, Spectrum
from treewright_chemistry.structures import Mol, symmetry_classes

TOKENS: Final = {1: "d", 2: "t", 3: "q", 4: "quint", 5: "h", 6: "sept"}
NOISE_LIMIT: Final = {"13C": (0.2, 6.0), "1H": (0.02, 0.5)}
"""ppm; least and largest scale of the noise, whatever the tables say."""
MERGE: Final = 0.08
"""ppm; 1H lines closer than this may be printed as one range."""

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassLine:
    """A class of equivalent carbons: shift and noise scale of both nuclei, atoms, 1H pattern."""

    carbon: float
    carbon_scale: float
    proton: float
    proton_scale: float
    carbons: int
    hydrogens: int
    pattern: tuple[str, ...]
    couplings: tuple[float, ...]


def class_lines(molecule: Mol, predicted: Prediction) -> list[ClassLine]:
    """Return the lines of a sanitized molecule with implicit hydrogens, in order of its atoms."""
    classes = symmetry_classes(molecule)
    atoms = list(molecule.GetAtoms())
    hydrogens = [atom.GetTotalNumHs() for atom in atoms]
    lines, done = [], set[int]()
    for row, index in enumerate(predicted.carbons.tolist()):
        if classes[index] not in done:
            done.add(classes[index])
            size = classes.count(classes[index])
            pattern = _pattern(atoms[index], classes, hydrogens) if hydrogens[index] else ()
            lines.append(_line(predicted, row, size, size * hydrogens[index], pattern))
    return lines


def calculated_spectrum(
    molecule: Mol, predicted: Prediction, random: np.random.Generator, *, noise: float = 1.0
) -> Spectrum:
    """Return a spectrum in the calculator's form.

    Args:
        molecule: sanitized, implicit hydrogens.
        predicted: its shifts with their expected errors.
        random: draws the errors and which close 1H lines form a range.
        noise: factor of the expected errors (a Laplace law); 0 prints the bare predictions.
    """
    lines = class_lines(molecule, predicted)
    errors = random.laplace(size=(len(lines), 2)) * noise
    carbon = [
        Group((Peak(round(line.carbon + error * line.carbon_scale, 1), ("s",)),), line.carbons)
        for line, error in zip(lines, errors[:, 0], strict=True)
    ]
    proton = [
        Group(
            (Peak(round(line.proton + error * line.proton_scale, 2), line.pattern, line.couplings),),
            line.hydrogens,
        )
        for line, error in zip(lines, errors[:, 1], strict=True)
        if line.hydrogens
    ]
    return Spectrum(
        formula=formula_of(molecule),
        carbon=tuple(sorted(carbon, key=lambda group: group.peaks[0].shift)),
        proton=tuple(merge_ranges(proton, random)),
        evidence="exact",
        provenance="calculated",
    )


def merge_ranges(groups: list[Group], random: np.random.Generator) -> list[Group]:
    """Return the groups by shift, some of the close ones joined to a range with a common count."""
    merged: list[Group] = []
    for group in sorted(groups, key=lambda group: group.peaks[0].shift):
        close = bool(merged) and group.peaks[0].shift - merged[-1].peaks[-1].shift < MERGE
        if close and random.random() < 0.7:
            last = merged.pop()
            peaks = last.peaks + group.peaks
            bounds = (round(peaks[0].shift - 0.05, 2), round(peaks[-1].shift + 0.05, 2))
            merged.append(Group(peaks, (last.count or 0) + (group.count or 0), bounds))
        else:
            merged.append(group)
    return merged


def _line(
    predicted: Prediction, row: int, carbons: int, hydrogens: int, pattern: tuple[tuple[str, float], ...]
) -> ClassLine:
    return ClassLine(
        carbon=float(predicted.carbon.mean[row]),
        carbon_scale=float(np.clip(predicted.carbon.scale[row], *NOISE_LIMIT["13C"])),
        proton=float(predicted.proton.mean[row]),
        proton_scale=float(np.clip(predicted.proton.scale[row], *NOISE_LIMIT["1H"])),
        carbons=carbons,
        hydrogens=hydrogens,
        pattern=tuple(token for token, _ in pattern) or (("s",) if hydrogens else ()),
        couplings=tuple(coupling for _, coupling in pattern),
    )


def _pattern(atom: Mol, classes: list[int], hydrogens: list[int]) -> tuple[tuple[str, float], ...]:
    """Return tokens and couplings of a carbon's hydrogens, largest coupling first."""
    own = classes[atom.GetIdx()]
    partners: dict[tuple[int, float], int] = {}
    for bond in atom.GetBonds():
        other = bond.GetOtherAtom(atom)
        place = other.GetIdx()
        if other.GetAtomicNum() == 6 and hydrogens[place] and classes[place] != own:
            key = (classes[place], _coupling(bond, atom, other, hydrogens))
            partners[key] = partners.get(key, 0) + hydrogens[place]
    for place in _meta(atom, hydrogens) if atom.GetIsAromatic() else ():
        if classes[place] != own:
            partners[(classes[place], 1.4)] = partners.get((classes[place], 1.4), 0) + 1
    ordered = sorted(partners.items(), key=lambda item: -item[0][1])
    return tuple((TOKENS[min(number, 6)], coupling) for (_, coupling), number in ordered)


def _coupling(bond: Mol, atom: Mol, other: Mol, hydrogens: list[int]) -> float:
    """Return a usual three-bond coupling in Hz."""
    order = bond.GetBondTypeAsDouble()
    if atom.GetIsAromatic() and other.GetIsAromatic():
        return 7.9
    if order == 2.0:
        return 10.5 if bond.IsInRing() or hydrogens[other.GetIdx()] + hydrogens[atom.GetIdx()] == 3 else 15.5
    if any(_is_carbonyl(end) for end in (atom, other)):
        return 2.6
    return 6.6 if any(str(end.GetHybridization()) == "SP2" for end in (atom, other)) else 7.0


def _is_carbonyl(atom: Mol) -> bool:
    return any(
        bond.GetBondTypeAsDouble() == 2.0 and bond.GetOtherAtom(atom).GetAtomicNum() == 8 for bond in atom.GetBonds()
    )


def _meta(atom: Mol, hydrogens: list[int]) -> list[int]:
    """Return the aromatic carbons with hydrogen two bonds away."""
    found = set()
    for near in atom.GetNeighbors():
        for far in near.GetNeighbors() if near.GetIsAromatic() else ():
            if (
                far.GetIdx() != atom.GetIdx()
                and far.GetIsAromatic()
                and far.GetAtomicNum() == 6
                and hydrogens[far.GetIdx()]
            ):
                found.add(far.GetIdx())
    return sorted(found - {near.GetIdx() for near in atom.GetNeighbors()})
