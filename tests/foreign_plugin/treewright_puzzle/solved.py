"""The retriever ``puzzle/solved``: solved examples that resemble a puzzle."""

import importlib.resources
import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from treewright_puzzle.puzzle import Puzzle, find_puzzle, read_puzzle
from treewright_registry import Hit, RetrieveRequest, as_text

TABLE = "data/solved.jsonl"


class Example(NamedTuple):
    """A solved puzzle.

    Attributes:
        id: its name in the table.
        puzzle: what was asked.
        solution: the steps of a won game, as text.
    """

    id: str
    puzzle: Puzzle
    solution: str


class Solved:
    """The k examples of the shipped table with the highest ``similarity`` to a puzzle.

    The query is any text that holds a puzzle's prompt; without one, the puzzle of the request's
    trajectory is taken; without either nothing is found. Equal similarities stand in table order.
    """

    def retrieve(self, requests: Sequence[RetrieveRequest]) -> list[list[Hit]]:
        """At most ``k`` hits each; their content is the example's prompt and steps."""
        return [self._retrieve(request) for request in requests]

    def _retrieve(self, request: RetrieveRequest) -> list[Hit]:
        puzzle = find_puzzle(as_text(request.query))
        if puzzle is None and request.trajectory is not None:
            puzzle = find_puzzle(as_text(request.trajectory.problem.prompt))
        if puzzle is None or request.k < 1:
            return []
        return list(_nearest(puzzle, request.k))


@lru_cache(maxsize=1 << 10)
def _nearest(puzzle: Puzzle, k: int) -> tuple[Hit, ...]:
    ranked = sorted(
        ((similarity(puzzle, example.puzzle), example) for example in examples()),
        key=lambda pair: -pair[0],
    )
    return tuple(_hit(example, value) for value, example in ranked[:k])


def _hit(example: Example, value: float) -> Hit:
    content = f"{example.puzzle.prompt}\n{example.solution}"
    return Hit(example.id, content, value, f"treewright-puzzle {TABLE}#{example.id}, CC0-1.0")


def similarity(one: Puzzle, two: Puzzle) -> float:
    """From 0 to 1: half for the share of numbers in common, half for the same target.

    The share is that of multisets, ``|both| / |either|``. A different target earns the smaller
    target divided by the larger, times a quarter.
    """
    ours, theirs = Counter(one.numbers), Counter(two.numbers)
    share = (ours & theirs).total() / (ours | theirs).total()
    low, high = sorted((one.target, two.target))
    return 0.5 * share + (0.5 if low == high else 0.25 * low / high)


@lru_cache(maxsize=1)
def examples() -> tuple[Example, ...]:
    """The shipped table; ``make_solved.py`` says how it was made."""
    file = importlib.resources.files("treewright_puzzle").joinpath(TABLE)
    records = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return tuple(Example(record["id"], read_puzzle(record), record["solution"]) for record in records)
