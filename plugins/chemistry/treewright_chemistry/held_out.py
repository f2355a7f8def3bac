"""Which molecules no training, pool or knowledge base may contain.

Two lists come with the package: the excluded blocks of the benchmarks (MolPuzzle and NMRArena; a data folder can
name more), and the held-out blocks, measured nmrshiftdb2 molecules kept for evaluation and for the demonstration. A
third, anonymous group, the validation share, is left out of the shift tables so that their error can be measured.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, Literal

from treewright_chemistry.checksums import verified_bytes
from treewright_chemistry.errors import LeakError

EXCLUDED_FILE: Final = "chemistry/excluded_inchikey14.txt"
VALIDATION_SHARE: Final = 20
"""One molecule in so many is left out of training to measure the error of the tables."""

Part = Literal["demo", "evaluation"]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One held-out molecule: first InChIKey block, nmrshiftdb2 number, part, name if well known."""

    block: str
    identifier: int
    part: Part
    name: str


@cache
def held_out() -> tuple[HeldOut, ...]:
    """Return the held-out molecules shipped with the package, demonstration first.

    Raises:
        TableError: the list is missing or damaged: what a shorter one left out would leak.
    """
    rows = [line.split() for line in _lines("held_out.txt")]
    return tuple(HeldOut(row[0], int(row[1]), _part(row[2]), " ".join(row[3:])) for row in rows)


@cache
def benchmark_blocks() -> frozenset[str]:
    """Return the first InChIKey blocks of the benchmarks (MolPuzzle, NMRArena), as shipped with the package.

    Raises:
        TableError: the list is missing or damaged.
    """
    return frozenset(line.strip() for line in _lines("excluded.txt"))


def excluded_blocks(data_dir: Path) -> frozenset[str]:
    """Return the blocks of the benchmarks, and those that the data folder adds."""
    return benchmark_blocks().union((data_dir / EXCLUDED_FILE).read_text(encoding="utf-8").split())


def reserved_blocks(data_dir: Path | None = None) -> frozenset[str]:
    """Return all blocks that training data, pools and knowledge bases must not contain.

    Args:
        data_dir: its list counts too; without, the lists of the package are all there is.
    """
    excluded = benchmark_blocks() if data_dir is None else excluded_blocks(data_dir)
    return excluded | {molecule.block for molecule in held_out()}


def assert_absent(blocks: Iterable[str], reserved: frozenset[str], *, field: str) -> None:
    """Refuse data that contain a reserved molecule.

    Raises:
        LeakError: names the data and the first blocks found.
    """
    found = sorted(set(blocks) & reserved)
    if found:
        raise LeakError(
            f"{len(found)} molecules are reserved for evaluation, e.g. {', '.join(found[:3])}",
            field=field,
            repair="Drop every molecule whose first InChIKey block is reserved before training",
        )


def hash_order(block: str) -> int:
    """Return a fixed pseudo-random number of a block, below 2**64: the order and share of all splits."""
    return int.from_bytes(hashlib.sha256(block.encode("ascii")).digest()[:8], "big")


def in_validation(block: str) -> bool:
    """Tell whether a molecule belongs to the share that measures the error of the tables."""
    return hash_order(block) % VALIDATION_SHARE == 0


def _lines(name: str) -> list[str]:
    """The lines of a shipped list that are no remarks."""
    path = Path(str(resources.files(__package__).joinpath("data"))) / name
    text = verified_bytes(path, repair="Reinstall treewright-chemistry").decode("utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _part(text: str) -> Part:
    if text not in ("demo", "evaluation"):
        raise ValueError(f"data/held_out.txt: {text!r} is not a part; write demo or evaluation")
    return "demo" if text == "demo" else "evaluation"
