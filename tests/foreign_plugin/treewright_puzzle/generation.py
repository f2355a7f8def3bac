"""Puzzles made from seeds: solvable by construction, and never one of the solved examples.

Puzzles are split by a hash of their content: one in eight may become a solved example of the
retriever, the rest may become a problem. So the two are disjoint for every seed.
"""

import hashlib
import random
from collections.abc import Callable
from typing import NamedTuple

from treewright_puzzle.arithmetic import Number, Operation, after, operations
from treewright_puzzle.puzzle import Puzzle
from treewright_puzzle.state import opening
from treewright_registry import Key


class Recipe(NamedTuple):
    """How to make a puzzle.

    Attributes:
        numbers: how many numbers are given.
        largest: the largest of them; the smallest is 1.
        targets: lowest and highest target.
        use_all: whether each number must be used.
    """

    numbers: int
    largest: int
    targets: tuple[int, int]
    use_all: bool


def make_puzzle(key: Key, recipe: Recipe, wanted: Callable[[Puzzle], bool]) -> tuple[Puzzle, str]:
    """A puzzle and the steps of a won game of it; the same for the same key and recipe."""
    generator = key.generator()
    while True:
        played = _play_blindly(generator, recipe)
        if played is None:
            continue
        puzzle, moves = played
        if wanted(puzzle):
            return puzzle, _text(puzzle, moves)


def _play_blindly(generator: random.Random, recipe: Recipe) -> tuple[Puzzle, list[Operation]] | None:
    """Some game, with its result as the target; ``None`` if that makes no puzzle."""
    drawn = sorted((generator.randint(1, recipe.largest) for _ in range(recipe.numbers)), reverse=True)
    values: tuple[Number, ...] = tuple(drawn)
    moves: list[Operation] = []
    while len(values) > 1:
        moves.append(generator.choice(operations(values)))
        values = after(values, moves[-1])
    result, (lowest, highest) = values[0], recipe.targets
    if not isinstance(result, int) or not lowest <= result <= highest or result in drawn:
        return None
    return Puzzle(tuple(drawn), result, recipe.use_all), moves


def _text(puzzle: Puzzle, moves: list[Operation]) -> str:
    state, text = opening(puzzle), ""
    for move in moves:
        state = state.do(move)
        text += state.line(move)
        if state.over:
            break
    return text


def is_example(puzzle: Puzzle) -> bool:
    """Whether the puzzle belongs to the part that solved examples are taken from."""
    text = f"{puzzle.numbers} {puzzle.target}"
    return hashlib.blake2b(text.encode(), digest_size=1).digest()[0] % 8 == 0


def is_problem(puzzle: Puzzle) -> bool:
    """Whether the puzzle belongs to the part that problems are taken from."""
    return not is_example(puzzle)
