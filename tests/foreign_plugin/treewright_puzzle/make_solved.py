"""Makes the table of solved examples: ``python -m treewright_puzzle.make_solved > data/solved.jsonl``.

The examples come from seeds of their own, and from a part of all puzzles that no problem is
taken from (see ``generation``). All targets of the difficulties easy and medium occur.
"""

import json
import sys
from collections.abc import Iterator

from treewright_puzzle.generation import is_example, make_puzzle
from treewright_puzzle.task import RECIPES
from treewright_registry import Key

SEED = 7
SIZES = {"easy": 40, "medium": 400}


def records() -> Iterator[dict[str, object]]:
    """The lines of the table, without repeated puzzles."""
    seen = set()
    for difficulty, size in SIZES.items():
        kept, draw = 0, 0
        while kept < size:
            key = Key.root(SEED, "puzzle/solved", difficulty, draw)
            puzzle, text = make_puzzle(key, RECIPES[difficulty], is_example)
            draw += 1
            if puzzle in seen:
                continue
            seen.add(puzzle)
            kept += 1
            yield {"id": f"{difficulty}-{kept}", **puzzle.metadata, "solution": text}


def main() -> None:
    """Write the table to standard output."""
    for record in records():
        sys.stdout.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
