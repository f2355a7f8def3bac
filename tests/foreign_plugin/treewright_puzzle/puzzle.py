"""The puzzle itself: numbers, target and rule; as prompt, as JSON, and read back from either."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from treewright_registry import JSON, DataError, Payload, Trajectory

MOST_NUMBERS = 8
LARGEST_NUMBER = 1_000_000

_PROMPT = re.compile(
    r"Make ([0-9]{1,7}) from the numbers ([0-9 ]{1,80}) with \+ - \* /, using each (at most|exactly) once\."
)


class Puzzle(NamedTuple):
    """What is asked.

    Attributes:
        numbers: the given numbers, largest first, each from 1 to a million; 2 to 8 of them.
        target: the number to reach, from 1 to a million.
        use_all: whether every number must be used (24) or may be left out (Countdown).
    """

    numbers: tuple[int, ...]
    target: int
    use_all: bool = False

    @property
    def prompt(self) -> str:
        """The question as the policy sees it."""
        numbers = " ".join(map(str, self.numbers))
        rule = "exactly" if self.use_all else "at most"
        return f"Make {self.target} from the numbers {numbers} with + - * /, using each {rule} once."

    @property
    def metadata(self) -> dict[str, JSON]:
        """The puzzle as JSON."""
        return {"numbers": list(self.numbers), "target": self.target, "use_all": self.use_all}


def read_puzzle(record: Mapping[str, Any], where: str = "puzzle") -> Puzzle:
    """The puzzle in a JSON object with ``numbers``, ``target`` and perhaps ``use_all``.

    Raises:
        DataError: a field is missing or wrong; the text begins with ``where`` and the field.
    """
    numbers = record.get("numbers")
    if not isinstance(numbers, list | tuple) or not 2 <= len(numbers) <= MOST_NUMBERS:
        raise DataError(f"{where}: field 'numbers' must be a list of 2 to {MOST_NUMBERS} numbers")
    for number in numbers:
        _check_number(number, f"{where}: field 'numbers'")
    _check_number(record.get("target"), f"{where}: field 'target'")
    use_all = record.get("use_all", False)
    if not isinstance(use_all, bool):
        raise DataError(f"{where}: field 'use_all' must be true or false, not {use_all!r}")
    return Puzzle(tuple(sorted(numbers, reverse=True)), record["target"], use_all)


def _check_number(value: object, where: str) -> None:
    # bool is an int to Python, not to a player
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST_NUMBER:
        raise DataError(f"{where} must hold whole numbers from 1 to {LARGEST_NUMBER}, not {value!r}")


def puzzle_of(trajectory: Trajectory) -> Puzzle:
    """The puzzle that a trajectory is about.

    Raises:
        DataError: the problem is no puzzle.
    """
    problem = trajectory.problem
    return read_puzzle(problem.metadata, f"problem '{problem.id}'")


def find_puzzle(text: str) -> Puzzle | None:
    """The first puzzle prompt in a text, ``None`` if there is none."""
    match = _PROMPT.search(text)
    if match is None:
        return None
    target, numbers, rule = match.groups()
    record = {"numbers": [int(number) for number in numbers.split()], "target": int(target)}
    try:
        return read_puzzle(record | {"use_all": rule == "exactly"})
    except DataError:
        return None


class PuzzleCodec:
    """Turns a ``Puzzle`` into JSON and back."""

    def encode(self, value: Puzzle) -> Payload:
        """The puzzle as ``{numbers, target, use_all}``."""
        return value.metadata

    def decode(self, payload: Payload) -> Puzzle:
        """The puzzle of such an object.

        Raises:
            DataError: the payload is no puzzle.
        """
        if not isinstance(payload, Mapping):
            raise DataError(f"puzzle: must be an object with 'numbers' and 'target', not {payload!r}")
        return read_puzzle(payload)
