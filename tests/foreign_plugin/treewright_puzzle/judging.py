"""The rule of the game, applied to an answer; shared by grading and scoring."""

from collections import Counter
from fractions import Fraction

from treewright_puzzle import expressions
from treewright_puzzle.puzzle import Puzzle
from treewright_registry import JSON, Verdict

INVALID = Verdict(False, {"valid": 0.0})


def judge(puzzle: Puzzle, answer: JSON) -> Verdict:
    """The verdict on an expression; its text is parsed, never evaluated as code.

    Metrics: ``valid`` 1 if it is an expression of the given numbers (else 0, and nothing more);
    ``distance`` of its value from the target; ``numbers_used``.
    """
    if not isinstance(answer, str):
        return INVALID
    try:
        expression = expressions.parse(answer)
        distance = expressions.distance(expression, puzzle.target)
    except expressions.ExpressionError:
        return INVALID
    used = expressions.numbers_used(expression)
    if not _allowed(used, puzzle):
        return INVALID
    metrics = {"valid": 1.0, "distance": float(distance), "numbers_used": float(len(used))}
    return Verdict(distance == Fraction(0), metrics)


def is_right(puzzle: Puzzle, answer: JSON) -> bool:
    """Whether the answer wins."""
    return judge(puzzle, answer).correct is True


def _allowed(used: list[int], puzzle: Puzzle) -> bool:
    spent, given = Counter(used), Counter(puzzle.numbers)
    return spent == given if puzzle.use_all else spent <= given
