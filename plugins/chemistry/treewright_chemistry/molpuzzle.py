"""MolPuzzle: a structure from its formula and calculator-made 13C and 1H peak lists.

One record: ``{"id": "…", "smiles": "CCO", "formula": "C2H6O", "c13": ["58.0 (1C, s), …"], "h1": ["…"]}``.
Source: KehanGuo2/MolPuzzle (NeurIPS 2024, MIT), stages 1 and 3 joined by molecule. Where a record
has several texts of a nucleus the first is used: it agrees with the formula in all records, later
ones often belong to other molecules.

The spectra are calculated, so their counts are exact; that is a property of this data set, stated by
the option ``evidence``, and ``soft`` gives it up for comparison.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from treewright_chemistry.reference_task import Case, ReferenceTask, Unread
from treewright_registry import DataError


class MolPuzzle(ReferenceTask):
    """Calculated spectra with known structures.

    Args:
        path: JSON file with a list of records; ``$TREEWRIGHT_DATA/…`` is expanded.
        evidence: ``exact`` trusts counts and labile hydrogens, ``soft`` does not.
        nuclei: which spectra the solver gets.
    """

    def __init__(
        self,
        *,
        path: str = "$TREEWRIGHT_DATA/chemistry/molpuzzle_dev.json",
        evidence: Literal["exact", "soft"] = "exact",
        nuclei: Literal["both", "13C", "1H"] = "both",
    ) -> None:
        super().__init__()
        self._path = path
        self._evidence = evidence
        self._nuclei = nuclei

    def cases(self) -> Iterator[Case | Unread]:
        """All records, in the file's order."""
        from treewright_chemistry.data_paths import existing_file
        from treewright_chemistry.errors import ChemistryError

        path = existing_file(self._path, "task.path")
        for number, row in enumerate(_rows(path), start=1):
            try:
                yield self._case_of(row)
            except (ChemistryError, KeyError, IndexError, TypeError) as error:
                what = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
                yield Unread(_name(row, number), f"{path}: record {number}: {what}")

    def _case_of(self, row: Mapping[str, Any]) -> Case:
        from treewright_chemistry.spectrum_codec import SpectrumCodec
        from treewright_chemistry.structures import parse_structure

        fields = {"formula": row["formula"], "evidence": self._evidence, "provenance": "calculated"}
        if self._nuclei != "1H":
            fields["c13"] = row["c13"][0]
        if self._nuclei != "13C":
            fields["h1"] = row["h1"][0]
        smiles = str(row["smiles"])
        parse_structure(smiles, field="smiles")  # what cannot be graded is not worth a search
        return Case(str(row["id"]), SpectrumCodec().decode(fields), smiles)


def _name(row: Any, number: int) -> str:
    """What an unusable record is called; its number keeps the name its own."""
    named = f"{row['id']} " if isinstance(row, Mapping) and "id" in row else ""
    return f"{named[:60]}(record {number})"


def _rows(path: Path) -> list[Mapping[str, Any]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{path}: not a JSON file: {error}") from error
    if not isinstance(rows, list):
        raise DataError(f"{path}: holds {type(rows).__name__}, not a list of records")
    return rows
