"""Which molecules a knowledge base must leave out, as far as this machine knows them."""

from __future__ import annotations

from typing import NamedTuple

from treewright_chemistry.data_paths import existing_file
from treewright_chemistry.held_out import held_out
from treewright_registry import DataError


class Reserved(NamedTuple):
    """First InChIKey blocks of the molecules to leave out, and the lists they come from in words."""

    blocks: frozenset[str]
    text: str


def reserved_molecules(excluded: str, *, default: str) -> Reserved:
    """The held-out molecules of the package, and those of a list.

    Args:
        excluded: path of the list: one block of 14 letters a line; variables are expanded.
        default: the path that is only used if there is such a file.

    Raises:
        DataError: the list was asked for and is not there, or it is none; names file and line.
    """
    own = frozenset(molecule.block for molecule in held_out())
    try:
        path = existing_file(excluded, "excluded")
    except DataError:
        if excluded != default:
            raise
        return Reserved(own, f"the {len(own)} held-out molecules (no list of benchmark molecules found)")
    listed = set()
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        block = line.strip()
        if block and not block.startswith("#"):
            if len(block) != 14 or not block.isalpha() or not block.isupper():
                repair = "write one first InChIKey block a line, like LFQSCWFLJHTTHZ"
                raise DataError(f"{path}:{number}: {block[:40]!r} is no first block of an InChIKey\n    {repair}")
            listed.add(block)
    return Reserved(own | listed, f"the {len(own)} held-out molecules and the {len(listed)} of {path.name}")
