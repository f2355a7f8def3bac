"""The task ``puzzle/countdown``: problems, answers and grading."""

from collections.abc import Hashable, Iterable
from typing import Literal

from treewright_puzzle import expressions
from treewright_puzzle.generation import Recipe, is_problem, make_puzzle
from treewright_puzzle.judging import judge
from treewright_puzzle.own_puzzles import read_file
from treewright_puzzle.puzzle import MOST_NUMBERS, Puzzle
from treewright_puzzle.state import answer_in
from treewright_registry import JSON, DataError, Key, Problem, Trajectory, Verdict

RECIPES = {
    "easy": Recipe(numbers=4, largest=10, targets=(24, 24), use_all=True),
    "medium": Recipe(numbers=5, largest=13, targets=(20, 100), use_all=True),
    "hard": Recipe(numbers=6, largest=50, targets=(100, 999), use_all=False),
}


class Countdown:
    """Make a target from numbers with ``+ - * /``, in exact arithmetic.

    Problems are generated (all are solvable, the i-th depends only on seed, difficulty and i), or
    read from a JSONL file whose lines hold ``numbers``, ``target`` and perhaps ``id`` and ``use_all``.

    Args:
        count: how many problems are generated, or read at most; 0 reads the whole file.
        difficulty: ``easy`` gives four numbers to 10 and target 24, ``medium`` five numbers to 13 and
            a target to 100, and all must be used; ``hard`` gives six numbers to 50 and a target from
            100 to 999, and numbers may be left out.
        numbers: how many numbers are given, 2 to 8; 0 leaves it to the difficulty.
        seed: names the generated problems; not the seed of the run.
        path: a JSONL file of own problems; ``""`` generates.

    Raises:
        ValueError: an option is out of range.
    """

    def __init__(
        self,
        *,
        count: int = 50,
        difficulty: Literal["easy", "medium", "hard"] = "medium",
        numbers: int = 0,
        seed: int = 0,
        path: str = "",
    ) -> None:
        if count < 0 or (count == 0 and not path):
            raise ValueError(f"count must be 1 or more, not {count}")
        if difficulty not in RECIPES:
            raise ValueError(f"difficulty must be easy, medium or hard, not {difficulty!r}")
        if numbers != 0 and not 2 <= numbers <= MOST_NUMBERS:
            raise ValueError(f"numbers must be 2 to {MOST_NUMBERS} (or 0), not {numbers}")
        self._count, self._path = count, path
        self._key = Key.root(seed, "puzzle/countdown", difficulty, numbers)
        self._name = f"{difficulty}-{numbers}-{seed}" if numbers else f"{difficulty}-{seed}"
        recipe = RECIPES[difficulty]
        self._recipe = recipe._replace(numbers=numbers) if numbers else recipe
        self._puzzles: dict[str, Puzzle] | None = None

    def problems(self) -> Iterable[Problem]:
        """All problems, in order.

        Raises:
            DataError: the file cannot be used; the text names file, line and field.
        """
        return [Problem(name, puzzle.prompt, puzzle.metadata) for name, puzzle in self._all().items()]

    def extract(self, trajectory: Trajectory) -> JSON:
        """The expression in the last line ``answer: …``; ``None`` if there is none."""
        return answer_in(trajectory.text)

    def canonical(self, answer: JSON) -> Hashable:
        """The expression without order and grouping; a text that is none stands for itself."""
        if answer is None:
            return None
        try:
            return expressions.canonical(expressions.parse(str(answer)))
        except expressions.ExpressionError:
            return str(answer)

    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        """Whether the expression makes the target and obeys the rule.

        Metrics: ``valid`` 1 if it is an expression of the given numbers; then also ``distance``
        from the target, and ``numbers_used``.

        Raises:
            DataError: no problem has this id.
        """
        puzzle = self._all().get(problem_id)
        if puzzle is None:
            raise DataError(f"there is no problem '{problem_id}' in this task")
        return judge(puzzle, answer)

    def _all(self) -> dict[str, Puzzle]:
        # only the instance that grades ever comes here: policies never share memory with it
        if self._puzzles is None:
            self._puzzles = read_file(self._path, self._count) if self._path else self._generate()
        return self._puzzles

    def _generate(self) -> dict[str, Puzzle]:
        return {
            f"{self._name}-{index}": make_puzzle(self._key.child(index), self._recipe, is_problem)[0]
            for index in range(self._count)
        }
