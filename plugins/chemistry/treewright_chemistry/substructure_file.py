"""Substructures as a text table: one line each, tab-separated, first line names the columns.

Columns: smiles, count, formula, unsaturation, heavy_atoms, kind, attachments (positions, comma-separated),
windows (`k:mean:spread`, ppm, comma-separated), text. Lines that start with `#` tell where it comes from;
the last one tells the number of rows. A checksum lies beside the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, cast, get_args

from treewright_chemistry.checksums import verified_bytes, write_sum
from treewright_chemistry.errors import TableError
from treewright_chemistry.substructure_text import describe
from treewright_chemistry.substructures import Kind, Substructure, Window

__all__ = ["read_substructures", "shipped_substructures", "write_substructures"]

_COLUMNS: Final = (
    "smiles", "count", "formula", "unsaturation", "heavy_atoms", "kind", "attachments", "windows", "text",
)  # fmt: skip
_END: Final = "# end, {} substructures"
SHIPPED: Final = "data/substructures.tsv"


def write_substructures(path: Path, substructures: Iterable[Substructure], *, origin: str) -> int:
    """Write a table with the given remark about its origin; returns the number of substructures."""
    rows = [_row(substructure) for substructure in substructures]
    remarks = [f"# {line}" for line in origin.splitlines()]
    text = "\n".join([*remarks, "\t".join(_COLUMNS), *rows, _END.format(len(rows))]) + "\n"
    path.write_text(text, encoding="utf-8")
    write_sum(path)
    return len(rows)


def read_substructures(path: Path) -> tuple[Substructure, ...]:
    """Read a table whose checksum lies beside it.

    Raises:
        TableError: it is missing, truncated or changed; names the file, and the line where one cannot be understood.
    """
    content = verified_bytes(path, repair="Reinstall treewright-chemistry, or build the table again")
    try:
        return _parse(content.decode("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise TableError(f"cannot be read ({error})", field=str(path), repair="Build it again") from error


@cache
def shipped_substructures() -> tuple[Substructure, ...]:
    """The substructures that come with the package, most common first.

    Raises:
        TableError: the table is missing, truncated or corrupted; names file and line.
    """
    return read_substructures(Path(str(resources.files(__package__).joinpath(SHIPPED))))


def _row(substructure: Substructure) -> str:
    used = ",".join(map(str, substructure.attachments))
    windows = ",".join(f"{w.atom}:{w.mean:.1f}:{w.spread:.1f}" for w in substructure.windows)
    fields = (
        substructure.smiles, substructure.count, substructure.formula, substructure.unsaturation,
        substructure.heavy_atoms, substructure.kind, used, windows, describe(substructure),
    )  # fmt: skip
    return "\t".join(str(value) for value in fields)


def _parse(text: str, name: str) -> tuple[Substructure, ...]:
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line and not line.startswith("#")]
    if not lines or tuple(lines[0][1].split("\t")) != _COLUMNS:
        raise TableError("the line of column names is missing", field=name, repair="Build the table again")
    if not text.endswith(f"\n{_END.format(len(lines) - 1)}\n"):
        what = f"truncated: the last line does not confirm its {len(lines) - 1} rows"
        raise TableError(what, field=name, repair="Build the table again")
    return tuple(_read_row(line, f"{name}, line {n}") for n, line in lines[1:])


def _read_row(line: str, where: str) -> Substructure:
    try:
        smiles, count, formula, unsaturation, heavy, kind, used, windows, _ = line.split("\t")
        return Substructure(
            smiles, int(count), formula, int(unsaturation), int(heavy), _kind(kind),
            tuple(int(k) for k in used.split(",") if k),
            tuple(_window(entry) for entry in windows.split(",") if entry),
        )  # fmt: skip
    except (ValueError, IndexError) as error:
        what = f"cannot be understood ({error})"
        raise TableError(what, field=where, repair="Build the table again") from error


def _kind(text: str) -> Kind:
    if text not in get_args(Kind):
        raise ValueError(f"{text!r} is not a kind of substructure")
    return cast(Kind, text)


def _window(text: str) -> Window:
    atom, mean, spread = text.split(":")
    return Window(int(atom), float(mean), float(spread))
