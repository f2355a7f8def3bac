"""Folders of trained models that users give, looked over before anything is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from treewright_chemistry.commonness import FILE as COMMONNESS
from treewright_chemistry.errors import TableError
from treewright_chemistry.shift_network import FILE as NETWORK
from treewright_chemistry.shifts import FILE as SHIFTS

__all__ = ["tables_folder"]


def tables_folder(folder: str, *, network: bool) -> Path | None:
    """The folder of shift tables, variables expanded; None for the shipped ones if none is given.

    Args:
        folder: as ``treewright train chemistry/shifts --out`` leaves it.
        network: whether the graph network is needed too.

    Raises:
        TableError: there is no such folder, or files are missing; names all of them.
    """
    if not folder:
        return None
    place = Path(os.path.expandvars(os.path.expanduser(folder)))
    if not place.is_dir():
        raise _error(place, "there is no such folder")
    missing = _missing(place, [SHIFTS, COMMONNESS, *([NETWORK] if network else [])])
    if missing:
        raise _error(place, f"incomplete: it has no {', '.join(missing)}")
    return place


def _missing(place: Path, names: Sequence[str]) -> list[str]:
    wanted = [file for name in names for file in (name, f"{name}.sha256")]
    return [name for name in wanted if not (place / name).is_file()]


def _error(place: Path, what: str) -> TableError:
    repair = "Give the folder of a finished `treewright train chemistry/shifts --out FOLDER`"
    return TableError(what, field=f"tables: {place}", repair=repair)
