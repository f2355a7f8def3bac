"""Which molecules a knowledge base must leave out, and by what sign it tells that it did."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from treewright_chemistry.data_paths import existing_file
from treewright_chemistry.errors import TableError
from treewright_chemistry.held_out import benchmark_blocks, held_out, reserved_blocks
from treewright_registry import DataError


class Reserved(NamedTuple):
    """First InChIKey blocks of the molecules to leave out, and the lists they come from in words."""

    blocks: frozenset[str]
    text: str


def reserved_molecules(excluded: str = "") -> Reserved:
    """The benchmark and held-out molecules of the package, and those of a list.

    Args:
        excluded: path of a further list: one block of 14 letters a line; variables are expanded. Empty for none.

    Raises:
        DataError: the list is not there, or it is none; names file and line. Or a list of the package is damaged.
    """
    try:
        text = f"the {len(held_out())} held-out and {len(benchmark_blocks())} benchmark molecules"
    except TableError as error:
        raise DataError(str(error)) from error
    if not excluded:
        return Reserved(reserved_blocks(), text)
    path = existing_file(excluded, "excluded")
    listed = set()
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        block = line.strip()
        if block and not block.startswith("#"):
            if len(block) != 14 or not block.isalpha() or not block.isupper():
                repair = "write one first InChIKey block a line, like LFQSCWFLJHTTHZ"
                raise DataError(f"{path}:{number}: {block[:40]!r} is no first block of an InChIKey\n    {repair}")
            listed.add(block)
    return Reserved(reserved_blocks() | listed, f"{text} and the {len(listed)} of {path.name}")


def closed_book_sign() -> str:
    """Checksum of the blocks that the package reserves: what left these out says so by this sign."""
    return hashlib.sha256("\n".join(sorted(reserved_blocks())).encode("ascii")).hexdigest()
