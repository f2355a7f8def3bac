"""A self-refining policy: each step is a whole answer, a small change of the one before."""

from collections.abc import Sequence
from typing import ClassVar

from treewright_puzzle import expressions
from treewright_puzzle.expressions import Binary, Expression
from treewright_puzzle.law import Setting, law_of
from treewright_puzzle.proposer import PLAYER
from treewright_puzzle.puzzle import Puzzle, puzzle_of
from treewright_puzzle.state import answer_in, count_tokens, opening
from treewright_registry import Capability, Key, Proposals, ProposeRequest, Step, Trajectory, Usage, as_text


class Reviser:
    """Writes an answer, then revises the last one: another symbol, or two parts changing places.

    Steps are whole answers, ``answer: (8 - 5) * 8 = 24``, and the last one counts. Every step could
    be the final one, so each finishes its trajectory; asked again, the policy revises it. It has no
    log-probabilities: several changes can lead to the same text. A token is a run of characters
    without white space.

    Args:
        blunder: share of blind operations in first answers, in [0, 1].

    Raises:
        ValueError: an option is out of range.
    """

    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.REVISES})

    def __init__(self, *, blunder: float = 0.05) -> None:
        if not 0.0 <= blunder <= 1.0:
            raise ValueError(f"blunder must be in [0, 1], not {blunder!r}")
        self.blunder = blunder

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        """Up to ``n`` revised answers each, drawn independently.

        Temperature 0 is not meant for drawing changes: the request's temperature is used for
        first answers only.
        """
        return [self._propose(request) for request in requests]

    def _propose(self, request: ProposeRequest) -> Proposals:
        trajectory = request.trajectory
        puzzle, before = puzzle_of(trajectory), _last_answer(trajectory)
        steps = []
        for index in range(request.n):
            key = request.key(index)
            if before is None:
                answer = self._first(puzzle, key, request.sampling.temperature)
            else:
                answer = revise(before, key)
            line = f"answer: {expressions.show(answer)}\n"
            steps.append(Step(line, None, count_tokens(line), "stop"))
        read = count_tokens(as_text(trajectory.problem.prompt)) + count_tokens(trajectory.text)
        return Proposals(steps, Usage(prompt_tokens=read))

    def _first(self, puzzle: Puzzle, key: Key, temperature: float | None) -> Expression:
        setting = Setting(self.blunder, 1.0 if temperature is None else temperature)
        state, move = opening(puzzle), 0
        while not state.over:
            operation, _ = law_of(state, PLAYER, setting).draw(key.child(move))
            state, move = state.do(operation), move + 1
        assert state.last is not None  # a puzzle has at least two numbers
        return state.built[state.values.index(state.last)]


def _last_answer(trajectory: Trajectory) -> Expression | None:
    answer = answer_in(trajectory.text)
    try:
        return None if answer is None else expressions.parse(answer)
    except expressions.ExpressionError:
        return None


def revise(expression: Expression, key: Key) -> Expression:
    """The expression with one random change; its numbers stay the same.

    An expression of a single number has nothing to change and is returned as it is.
    """
    generator = key.generator()
    paths = _paths(expression)
    inner = [path for path in paths if isinstance(_at(expression, path), Binary)]
    if not inner:
        return expression
    if generator.random() < 0.5:
        return _with_symbol(expression, generator.choice(inner), generator.choice("+-*/"))
    one, two = generator.choice(paths[1:]), generator.choice(paths[1:])
    if one[: len(two)] == two or two[: len(one)] == one:
        # a part cannot change places with itself or with its own part
        return _with_symbol(expression, generator.choice(inner), generator.choice("+-*/"))
    swapped = _replace(expression, one, _at(expression, two))
    return _replace(swapped, two, _at(expression, one))


def _with_symbol(expression: Expression, path: str, symbol: str) -> Expression:
    part = _at(expression, path)
    assert isinstance(part, Binary)
    return _replace(expression, path, part._replace(symbol=symbol))


def _paths(expression: Expression, path: str = "") -> list[str]:
    """Where the parts are: a string of ``l`` and ``r`` for each, the whole first."""
    if isinstance(expression, int):
        return [path]
    return [path, *_paths(expression.left, path + "l"), *_paths(expression.right, path + "r")]


def _at(expression: Expression, path: str) -> Expression:
    for side in path:
        assert isinstance(expression, Binary)
        expression = expression.left if side == "l" else expression.right
    return expression


def _replace(expression: Expression, path: str, part: Expression) -> Expression:
    if not path:
        return part
    assert isinstance(expression, Binary)
    if path[0] == "l":
        return expression._replace(left=_replace(expression.left, path[1:], part))
    return expression._replace(right=_replace(expression.right, path[1:], part))
