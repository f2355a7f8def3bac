"""Errors of the chemistry plugin.

ChemistryError(ValueError)
├── FormulaError      a molecular formula that cannot be read or used
├── SpectrumError     a spectrum that cannot be read or contradicts itself
├── StructureError    a structure (SMILES) that cannot be read or is too large
├── LeakError         training data that contain a molecule they must not contain
└── TableError        a shift table file that is missing, truncated or corrupted
"""

from __future__ import annotations


class ChemistryError(ValueError):
    """Something is wrong with chemical input; the text says what, where and how to repair it.

    Attributes:
        what: the fault itself, one clause.
        field: the field or file the fault lies in, e.g. ``formula`` or ``13C group 3``.
        repair: what the user can do about it.
    """

    def __init__(self, what: str, *, field: str, repair: str) -> None:
        self.what = what
        self.field = field
        self.repair = repair
        super().__init__(f"{field}: {what}. {repair}.")

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way back from a worker process, which pickles errors."""
        return _rebuild, (type(self), self.what, self.field, self.repair)


class FormulaError(ChemistryError):
    """A molecular formula cannot be read or used."""


class SpectrumError(ChemistryError):
    """A spectrum cannot be read, or contradicts its formula."""


class StructureError(ChemistryError):
    """A structure cannot be read, or is larger than the limits allow."""


class LeakError(ChemistryError):
    """Training data contain a molecule that is reserved for evaluation."""


class TableError(ChemistryError):
    """A shift table file is missing, truncated, corrupted or made for another environment scheme."""


def _rebuild(kind: type[ChemistryError], what: str, field: str, repair: str) -> ChemistryError:
    return kind(what, field=field, repair=repair)
