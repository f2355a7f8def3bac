"""Molecular formulas: parsing, Hill order, degrees of unsaturation."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Final

from treewright_chemistry.errors import FormulaError
from treewright_chemistry.structures import Mol, element_counts

VALENCE: Final = {
    "H": 1, "B": 3, "C": 4, "N": 3, "O": 2, "F": 1, "Si": 4,
    "P": 3, "S": 2, "Cl": 1, "Se": 2, "Br": 1, "I": 1,
}  # fmt: skip
"""Supported elements and the valence that counts for the degrees of unsaturation."""
MAX_HEAVY_ATOMS: Final = 100
"""Heavy atoms a formula may have; larger molecules cannot be elucidated here."""

_DIGITS: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_TOKEN: Final = re.compile(r"([A-Z][a-z]?)(\d*)")
_CHARGE: Final = re.compile(r"[+\-−⁺⁻]")
_REPAIR: Final = "Write a neutral formula like C10H14O"


@dataclass(frozen=True)
class Formula:
    """A neutral molecular formula.

    Attributes:
        counts: (element, number) in Hill order; numbers are positive.
    """

    counts: tuple[tuple[str, int], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", _hill_order(dict(self.counts)))

    def __str__(self) -> str:
        """The formula in Hill order: C, H, then the others by alphabet; without C all by alphabet."""
        return "".join(element + (str(number) if number > 1 else "") for element, number in self.counts)

    def __getitem__(self, element: str) -> int:
        """Number of atoms of an element, 0 if absent."""
        return self._lookup.get(element, 0)

    @cached_property
    def heavy_atoms(self) -> int:
        """Number of atoms other than hydrogen."""
        return sum(number for element, number in self.counts if element != "H")

    @cached_property
    def unsaturation(self) -> int:
        """Degrees of unsaturation (rings and double bonds) with each element in its lowest common valence."""
        return int(_unsaturation(self))

    @cached_property
    def _lookup(self) -> dict[str, int]:
        return dict(self.counts)


def parse_formula(text: str, *, field: str = "formula") -> Formula:
    """Return the formula that a text like ``C10H14O`` describes; repeated elements add up (``CH3CH2OH``).

    Raises:
        FormulaError: the text is empty, charged, not a formula, names an unknown element, is too large, or no
            neutral closed-shell molecule can have it.
    """
    compact = "".join(text.translate(_DIGITS).split())
    if not compact:
        raise FormulaError("the formula is empty", field=field, repair=_REPAIR)
    if _CHARGE.search(compact):
        raise FormulaError(f"{text!r} carries a charge", field=field, repair="Give the formula of the neutral molecule")
    counts = _count(compact, text, field)
    formula = Formula(tuple(counts.items()))
    _check_limits(formula, text, field)
    return formula


def formula_of(molecule: Mol) -> Formula:
    """Return the formula of a molecule, hydrogens included; charges inside the molecule do not show."""
    return Formula(tuple(element_counts(molecule).items()))


def _count(compact: str, text: str, field: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    position = 0
    while position < len(compact):
        match = _TOKEN.match(compact, position)
        if match is None:
            found = compact[position]
            raise FormulaError(f"{found!r} in {text!r} is no part of a formula", field=field, repair=_REPAIR)
        element, digits = match.groups()
        if element not in VALENCE:
            known = " ".join(VALENCE)
            raise FormulaError(f"element {element!r} in {text!r} is not supported", field=field, repair=f"Use {known}")
        if digits and (len(digits) > 4 or int(digits) == 0):
            raise FormulaError(f"{digits!r} in {text!r} is no number of atoms", field=field, repair=_REPAIR)
        counts[element] += int(digits or 1)
        position = match.end()
    return counts


def _check_limits(formula: Formula, text: str, field: str) -> None:
    if formula.heavy_atoms > MAX_HEAVY_ATOMS:
        what = f"{text!r} has {formula.heavy_atoms} heavy atoms, the limit is {MAX_HEAVY_ATOMS}"
        raise FormulaError(what, field=field, repair="Split the problem or give a smaller formula")
    degrees = _unsaturation(formula)
    if degrees < 0:
        what = f"{text!r} has more hydrogens or halogens than its valences can hold"
        raise FormulaError(what, field=field, repair="Check the number of hydrogens")
    if degrees.denominator != 1:
        what = f"{text!r} has an odd number of electrons, so no neutral molecule has this formula"
        raise FormulaError(what, field=field, repair="Check the numbers of hydrogens, nitrogens and halogens")


def _unsaturation(formula: Formula) -> Fraction:
    return 1 + sum((Fraction(number * (VALENCE[element] - 2), 2) for element, number in formula.counts), Fraction(0))


def _hill_order(counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    first = [element for element in ("C", "H") if element in counts] if "C" in counts else []
    rest = sorted(element for element in counts if element not in first)
    return tuple((element, counts[element]) for element in first + rest)
