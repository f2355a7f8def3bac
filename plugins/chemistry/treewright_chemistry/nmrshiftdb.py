"""Reading nmrshiftdb2 records: one JSON object a line, with the signals of every spectrum as text.

A signal is ``shift;intensity and multiplicity;atom``; signals are joined by ``|``. The multiplicity of a 13C
signal, where given, is S, D, T or Q: 0, 1, 2 or 3 attached hydrogens. The atom numbers belong to the original
file and do not fit the SMILES, but signals with the same number belong to the same atom.
Data: nmrshiftdb2, under the nmrshiftdb2 Database License (derived from ODbL).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from treewright_chemistry.errors import SpectrumError

FILE: Final = "chemistry/nmrshiftdb2.jsonl.gz"
ATTACHED: Final = {"S": 0, "D": 1, "T": 2, "Q": 3}
"""Hydrogens on a carbon by the multiplicity letter of its signal."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal: shift in ppm, attached hydrogens where the letter tells them, number of its atom."""

    shift: float
    attached: int | None
    atom: str


@dataclass(frozen=True, slots=True)
class Record:
    """One molecule of nmrshiftdb2.

    Attributes:
        identifier: number in nmrshiftdb2.
        block: first InChIKey block.
        smiles: structure.
        carbon, proton: signals of every spectrum of the nucleus, in the order of the source.
    """

    identifier: int
    block: str
    smiles: str
    carbon: tuple[tuple[Signal, ...], ...]
    proton: tuple[tuple[Signal, ...], ...]


def read_records(data_dir: Path) -> Iterator[Record]:
    """Yield all records of ``chemistry/nmrshiftdb2.jsonl.gz`` below ``data_dir``, in file order."""
    with gzip.open(data_dir / FILE, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield _record(json.loads(line))


def parse_signals(text: str, *, field: str = "signals") -> tuple[Signal, ...]:
    """Return the signals of one nmrshiftdb2 signal text.

    Raises:
        SpectrumError: an entry has no number where the shift stands.
    """
    return tuple(_signal(entry, field) for entry in text.strip().split("|") if entry)


def _signal(entry: str, field: str) -> Signal:
    parts = [*entry.split(";"), "", ""]
    try:
        shift = float(parts[0])
    except ValueError:
        repair = "Write signals as shift;intensity and multiplicity;atom, joined by |"
        raise SpectrumError(f"{entry!r} does not begin with a shift", field=field, repair=repair) from None
    return Signal(shift, ATTACHED.get(parts[1][-1:].upper()), parts[2])


def _record(row: dict[str, object]) -> Record:
    return Record(
        identifier=int(str(row["id"])),
        block=str(row["ik"])[:14],
        smiles=str(row["smi"]),
        carbon=_spectra(row["c"]),
        proton=_spectra(row["h"]),
    )


def _spectra(value: object) -> tuple[tuple[Signal, ...], ...]:
    assert isinstance(value, list)
    return tuple(parse_signals(str(text)) for _, text in value)
