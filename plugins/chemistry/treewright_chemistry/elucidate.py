"""Structures for spectra of your own.

The input is a YAML (or JSON) file with one spectrum, or a list of them:

    name: unknown 7
    formula: C8H8O3
    c13: 191.0, 151.8, 147.2, 129.8, 127.5, 114.5, 108.8, 56.1
    h1: 9.83 (1H, s), 7.43 (1H, d, J = 8.5 Hz), …
    evidence: soft            # measured; "exact" for spectra made by a calculator
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from treewright_chemistry.errors import ChemistryError
from treewright_registry import JSON, DataError, Problem, Trajectory, Verdict

if TYPE_CHECKING:
    from treewright_chemistry.spectrum import Spectrum

MOST_BYTES = 1_000_000


class Elucidate:
    """Spectra from a file; there is no reference, so nothing is graded.

    Args:
        input: the file (``--input FILE``, or ``--input -`` for standard input).
    """

    has_references: ClassVar[bool] = False

    def __init__(self, *, input: str) -> None:
        self._input = input
        self._spectra: dict[str, Spectrum] = {}

    def problems(self) -> list[Problem]:
        """One problem for each spectrum of the file.

        Raises:
            DataError: the file cannot be read, or a spectrum is wrong; names file, spectrum and field.
        """
        from treewright_chemistry.data_paths import existing_file
        from treewright_chemistry.spectrum_codec import SpectrumCodec

        path = existing_file(self._input, "task.input")
        codec = SpectrumCodec()
        self._spectra = {}
        for number, entry in enumerate(_entries(path), start=1):
            name = str(entry.get("name", entry.get("id", number))) if isinstance(entry, Mapping) else str(number)
            try:
                self._spectra[name] = codec.decode({k: v for k, v in entry.items() if k not in ("name", "id")})
            except (ChemistryError, AttributeError) as error:
                raise DataError(f"{path}: spectrum {name}: {error}") from error
        return [
            Problem(name, codec.encode(spectrum), {"formula": str(spectrum.formula)})
            for name, spectrum in self._spectra.items()
        ]

    def extract(self, trajectory: Trajectory) -> JSON:
        """The structure that a trajectory ends with."""
        from treewright_chemistry.grading import answer_of

        return answer_of(trajectory)

    def canonical(self, answer: JSON) -> Hashable:
        """Answers are canonical SMILES already."""
        return str(answer)

    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        """There is nothing to compare with."""
        return Verdict(None)

    def present(self, records: Sequence[Any], folder: Path) -> str:
        """The ranked structures and the shifts of the first, as text; a page with drawings beside it."""
        from treewright_chemistry.elucidation_text import ranking
        from treewright_chemistry.report_page import Shown, write_page

        shown = [Shown(record, self._spectra[record.id]) for record in records]
        page = write_page(folder / "report.html", "Structure elucidation", shown)
        return "\n\n".join([*(ranking(each) for each in shown), f"page with drawings: {page}"])


def _entries(path: Path) -> Iterator[Any]:
    import yaml

    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path}: larger than {MOST_BYTES:,} bytes; give picked peaks, not raw spectra")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: not a YAML or JSON file: {error}") from error
    if not isinstance(content, Mapping | list) or not content:
        raise DataError(f"{path}: holds no spectrum; write  formula: …, c13: …, h1: …, evidence: soft")
    yield from [content] if isinstance(content, Mapping) else content
