"""Measured spectra of nmrshiftdb2 that no table, pool or knowledge base here has seen.

``part: demo`` is a handful of well-known compounds quoted with the package (id and licence in the
file). ``part: evaluation`` reads the held-out records from the nmrshiftdb2 export in the data folder;
``data/held_out.txt`` says how they were chosen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Literal

from treewright_chemistry.reference_task import Case, ReferenceTask

EXPORT = "chemistry/nmrshiftdb2.jsonl.gz"
SOURCE = (
    "nmrshiftdb2 (https://nmrshiftdb.nmr.uni-koeln.de), the records with the numbers shown; "
    "nmrshiftdb2 Database License (derived from the Open Database License: share-alike)"
)


class Measured(ReferenceTask):
    """Held-out measured spectra.

    Args:
        part: ``demo`` or ``evaluation``.
        data: the data folder, for ``evaluation``.
        counts: tell how many carbons share a 13C line; measured intensities alone would not.
    """

    source = SOURCE

    def __init__(
        self,
        *,
        part: Literal["demo", "evaluation"] = "demo",
        data: str = "$TREEWRIGHT_DATA",
        counts: bool = True,
    ) -> None:
        super().__init__()
        self._part = part
        self._data = data
        self._counts = counts

    def cases(self) -> Iterator[Case]:
        """The demonstration's records, or the held-out ones in the order of their numbers."""
        return demo_cases() if self._part == "demo" else self._evaluation()

    def _evaluation(self) -> Iterator[Case]:
        from treewright_chemistry.data_paths import existing_file

        existing_file(f"{self._data}/{EXPORT}", "task.data")
        import os

        return held_out_cases(Path(os.path.expandvars(self._data)), "evaluation", counts=self._counts)


def demo_cases() -> Iterator[Case]:
    """The compounds quoted with the package.

    Raises:
        DataError: the file with them is missing or damaged.
    """
    from treewright_chemistry.checksums import verified_bytes
    from treewright_chemistry.errors import TableError
    from treewright_chemistry.spectrum_codec import SpectrumCodec
    from treewright_registry import DataError

    path = Path(str(resources.files(__package__).joinpath("data/demo_spectra.json")))
    codec = SpectrumCodec()
    try:
        content = verified_bytes(path, repair="Reinstall treewright-chemistry")
    except TableError as error:
        raise DataError(str(error)) from error
    for row in json.loads(content)["records"]:
        yield Case(row["id"], codec.decode(row["spectrum"]), row["smiles"], row["name"])


def held_out_cases(data: Path, part: str, *, counts: bool = True) -> Iterator[Case]:
    """Held-out records of one part, read from the nmrshiftdb2 export."""
    from treewright_chemistry.formula import formula_of
    from treewright_chemistry.held_out import held_out
    from treewright_chemistry.measured import measured_spectrum
    from treewright_chemistry.nmrshiftdb import read_records
    from treewright_chemistry.structures import parse_structure

    wanted = {molecule.identifier: molecule for molecule in held_out() if molecule.part == part}
    for record in read_records(data):
        molecule = wanted.get(record.identifier)
        if molecule is not None:
            formula = formula_of(parse_structure(record.smiles))
            spectrum = measured_spectrum(record, formula, counts=counts)
            yield Case(f"nmrshiftdb2-{record.identifier}", spectrum, record.smiles, molecule.name)
