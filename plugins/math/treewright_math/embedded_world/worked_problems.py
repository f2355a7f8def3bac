"""Worked problems of the embedded world, as rows of a problem file.

    python -m treewright_math.embedded_world.worked_problems FILE

All belong to the training part of the world, so none can be a problem of the task ``math/embedded``; problems that need
a fact are left out, since only a fact's own record may tell it.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from treewright_math.embedded_world.problem import draw_problem
from treewright_math.embedded_world.recipe import Recipe
from treewright_math.embedded_world.solutions import solution
from treewright_registry import Key

COUNT = 2000
_DEPTHS = (1, 2, 3, 4)


def rows(count: int = COUNT) -> Iterator[dict[str, str]]:
    """Rows with ``problem`` and ``solution``; row i is always the same. Depths 1 to 4 take turns."""
    for number in range(count):
        depth = _DEPTHS[number % len(_DEPTHS)]
        draw = Key.root(0, "math/embedded knowledge", number).generator()
        problem = draw_problem(Recipe((depth, depth)), draw, "train")
        yield {"problem": problem.text, "solution": solution(problem)}


def main() -> None:
    """Write the rows to a file, one a line."""
    parser = argparse.ArgumentParser(description="Write worked problems of the embedded world.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--count", type=int, default=COUNT)
    chosen = parser.parse_args()
    chosen.file.write_text("".join(json.dumps(row) + "\n" for row in rows(chosen.count)), encoding="utf-8")


if __name__ == "__main__":
    main()
