"""What a language model is told of an unknown and of a structure, as paragraphs of its prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from treewright_chemistry.constraints import Constraint, violations
from treewright_chemistry.formula import Formula, formula_of
from treewright_chemistry.peak_printing import format_groups
from treewright_chemistry.shift_table import Comparison
from treewright_chemistry.spectrum import Spectrum
from treewright_chemistry.structures import Mol
from treewright_registry import Hit, as_text

MOST_SHIFTS: Final = 40
"""Rows of the table of shifts; those that fit worst are kept."""
MOST_OF_A_RECORD: Final = 300
"""Characters of a retrieved record that are shown."""

_EVIDENCE: Final = {
    "exact": "The spectra were calculated: every carbon and every hydrogen on carbon is listed, with exact counts;"
    " hydrogens on O, N and S are not listed.",
    "soft": "The spectra were measured: intensities are approximate, lines may coincide, and hydrogens on O, N and S"
    " may be missing.",
}


def spectra_text(spectrum: Spectrum) -> str:
    """Formula, peak lists, infrared bands, and how far they can be trusted."""
    lines = [
        f"Molecular formula: {spectrum.formula} (rings and double bonds: {spectrum.formula.unsaturation})",
        f"13C NMR, ppm: {format_groups(spectrum.carbon, '13C') or 'not given'}",
        f"1H NMR, ppm: {format_groups(spectrum.proton, '1H') or 'not given'}",
    ]
    if spectrum.infrared:
        bands = ", ".join(f"{band.wavenumber:g} {band.strength}".strip() for band in spectrum.infrared)
        lines.append(f"Infrared bands, 1/cm: {bands}")
    return "\n".join([*lines, _EVIDENCE[spectrum.evidence]])


def constraints_text(constraints: Sequence[Constraint]) -> str:
    """The demands of the spectra, certain ones apart from likely ones."""
    paragraphs = []
    for kind, head in (("exact", "What the spectra demand:"), ("soft", "What the spectra suggest:")):
        texts = [f"- {each.text}" for each in constraints if each.kind == kind]
        if texts:
            paragraphs.append("\n".join([head, *texts]))
    return "\n".join(paragraphs)


def substructures_text(hits: Sequence[Hit]) -> str:
    """Retrieved substructures with their descriptions, best first; empty if there are none."""
    if not hits:
        return ""
    head = "Common substructures that the spectra make likely (* marks open places); none of them is certain:"
    return "\n".join([head, *(f"- {hit.id}: {_short(hit)}" for hit in hits)])


def formula_text(molecule: Mol, wanted: Formula) -> str:
    """The formula of a structure and its difference from the unknown's."""
    found = formula_of(molecule)
    if found == wanted:
        return f"Its formula is {found}, as it must be."
    return f"Its formula is {found}, and the unknown has {wanted}: {formula_difference(found, wanted)}."


def formula_difference(found: Formula, wanted: Formula) -> str:
    """For example ``1 C too many, 2 H missing``."""
    elements = sorted({element for formula in (found, wanted) for element, _ in formula.counts})
    parts = []
    for element in elements:
        surplus = found[element] - wanted[element]
        if surplus:
            parts.append(f"{abs(surplus)} {element} {'too many' if surplus > 0 else 'missing'}")
    return ", ".join(parts) or "no difference"


def shifts_text(rows: Sequence[Comparison], molecule: Mol) -> str:
    """Predicted against observed shifts, worst first; empty without rows."""
    if not rows:
        return ""
    ordered = sorted(rows, key=lambda row: -_misfit(row))[:MOST_SHIFTS]
    head = [
        "Predicted against observed shifts in ppm, worst first. Atoms are numbered in the order of the SMILES, from 1;"
        " 'error' is how far predictions are usually off:",
        "atom | hydrogens | nucleus | predicted | error | observed",
    ]
    return "\n".join([*head, *(_row(row, molecule) for row in ordered)])


def violations_text(constraints: tuple[Constraint, ...], molecule: Mol) -> str:
    """The demands that a structure misses, worst first; empty if it misses none."""
    missed = [constraint.text for constraint, _ in violations(constraints, molecule)]
    if not missed:
        return ""
    return "\n".join(["The structure contradicts, or badly fits:", *(f"- {text}" for text in missed)])


def _row(row: Comparison, molecule: Mol) -> str:
    atom = molecule.GetAtomWithIdx(row.atom)
    observed = "no line" if row.observed is None else f"{row.observed:.2f}"
    name = f"{atom.GetSymbol()}{row.atom + 1}"
    return f"{name} | {atom.GetTotalNumHs()} | {row.nucleus} | {row.predicted:.2f} | {row.scale:.2f} | {observed}"


def _misfit(row: Comparison) -> float:
    return float("inf") if row.difference is None else abs(row.difference) / row.scale


def _short(hit: Hit) -> str:
    text = " ".join(as_text(hit.content).split())
    return text if len(text) <= MOST_OF_A_RECORD else f"{text[:MOST_OF_A_RECORD]}…"
