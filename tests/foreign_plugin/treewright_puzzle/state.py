"""What has been done and what is left: states, their text, and reading them from trajectories.

A step's text has a line for each operation, ``8 * 3 = 24 (left: 24 5)``; once the puzzle is
over, a last line gives the whole expression, ``answer: 8 * 3 = 24``.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from treewright_puzzle.arithmetic import Number, Operation, combine, read_number
from treewright_puzzle.expressions import Binary, Expression, show
from treewright_puzzle.puzzle import Puzzle, puzzle_of
from treewright_registry import Trajectory

_NUMBER = r"([0-9]{1,50}(?:/[0-9]{1,50})?)"
_LINE = re.compile(rf"{_NUMBER} ([-+*/]) {_NUMBER} = {_NUMBER} \(left: ([0-9/ ]*)\)")
_ANSWER = re.compile(r"^\s*answer:(.*)$", re.IGNORECASE | re.MULTILINE)


class Unreadable(ValueError):
    """A text that is no correct sequence of operations."""


class State(NamedTuple):
    """A position in the game.

    Attributes:
        puzzle: what is asked.
        values: the numbers left, largest first.
        built: how each of them was made, in the same order.
        last: the latest result, ``None`` at the beginning.
    """

    puzzle: Puzzle
    values: tuple[Number, ...]
    built: tuple[Expression, ...]
    last: Number | None = None

    @property
    def over(self) -> bool:
        """Whether no operation may follow: one number left, or (where some suffice) target made."""
        if len(self.values) == 1:
            return True
        return not self.puzzle.use_all and self.last == self.puzzle.target

    @property
    def solved(self) -> bool:
        """Whether the game is over and won."""
        return self.over and self.last == self.puzzle.target

    def do(self, operation: Operation) -> "State":
        """The state after an operation.

        Raises:
            ValueError: an operand is not at hand.
        """
        values, built = list(self.values), list(self.built)
        sides = []
        for operand in (operation.left, operation.right):
            index = values.index(operand)
            values.pop(index)
            sides.append(built.pop(index))
        # behind equal values, so that the order is the same however the state was reached
        place = sum(value >= operation.result for value in values)
        values.insert(place, operation.result)
        built.insert(place, Binary(operation.symbol, *sides))
        return State(self.puzzle, tuple(values), tuple(built), operation.result)

    def line(self, operation: Operation) -> str:
        """The text of the operation that led here, with the answer if the game is over."""
        text = f"{operation} (left: {' '.join(map(str, self.values))})\n"
        if not self.over:
            return text
        expression = self.built[self.values.index(operation.result)]
        return f"{text}answer: {show(expression)} = {operation.result}\n"


def opening(puzzle: Puzzle) -> State:
    """The state before the first operation."""
    return State(puzzle, puzzle.numbers, puzzle.numbers)


def operations_in(text: str) -> list[Operation]:
    """The operations written in a text, in order; lines of any other form are passed over."""
    return [_operation(match) for match in _LINE.finditer(text)]


def _operation(match: re.Match[str]) -> Operation:
    try:
        left, right, result = (read_number(match[group]) for group in (1, 3, 4))
        exact = combine(left, match[2], right)
    except ZeroDivisionError:
        raise Unreadable(f"division by zero in {match[0]!r}") from None
    if exact != result or result < 0:
        raise Unreadable(f"{match[0]!r} is wrong: the result is {exact}")
    if match[2] in "+*-" and left < right:
        left, right = right, left
    return Operation(left, match[2], right, result)


@lru_cache(maxsize=1 << 14)
def replay(state: State, text: str) -> tuple[tuple[Operation, State], ...]:
    """Each operation of a step's text with the state that it leads to, starting from ``state``.

    Raises:
        Unreadable: a line is wrong, impossible here, or no operation.
    """
    played: list[tuple[Operation, State]] = []
    for line in text.splitlines():
        if _ANSWER.match(line):
            continue
        match = _LINE.fullmatch(line)
        if match is None or state.over:
            raise Unreadable(f"no operation is possible in {line[:60]!r}")
        operation = _operation(match)
        try:
            state = state.do(operation)
        except ValueError:
            raise Unreadable(f"{line[:60]!r} uses a number that is not left") from None
        played.append((operation, state))
    return tuple(played)


def state_of(trajectory: Trajectory) -> State:
    """The state at the end of a trajectory.

    Raises:
        DataError: the problem is no puzzle.
        Unreadable: a step is no correct sequence of operations.
    """
    state = opening(puzzle_of(trajectory))
    played = replay(state, trajectory.text)
    return played[-1][1] if played else state


def answer_in(text: str) -> str | None:
    """The expression in the last line ``answer: …`` of a text, without a ``= result`` behind it."""
    lines: list[str] = _ANSWER.findall(text)
    return lines[-1].partition("=")[0].strip() if lines else None


def count_tokens(text: str) -> int:
    """The plugin's measure of length: a token is a run of characters without white space."""
    return len(text.split())
