"""The scorer ``puzzle/outcome``: exact, but only for finished answers."""

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

from treewright_puzzle.judging import is_right
from treewright_puzzle.puzzle import puzzle_of
from treewright_puzzle.state import answer_in
from treewright_registry import DataError, Score, ScoreRequest, Usage


class Outcome:
    """1 if a finished answer obeys the rules and makes the target, else 0.

    An unfinished trajectory has no outcome: its score is NaN, with that reason.
    """

    level: ClassVar[Literal["step", "outcome"]] = "outcome"
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    link: ClassVar[Literal["probability", "logit", "real"]] = "probability"

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """One verdict for each request."""
        return [_score(request) for request in requests]


def _score(request: ScoreRequest) -> Score:
    trajectory = request.trajectory
    if not trajectory.finished:
        return Score(math.nan, reason="the answer is not finished")
    try:
        puzzle = puzzle_of(trajectory)
    except DataError as error:
        return Score(math.nan, reason=str(error))
    tokens = sum(step.tokens for step in trajectory.steps)
    value = float(is_right(puzzle, answer_in(trajectory.text)))
    return Score(value, usage=Usage(scored_tokens=tokens))
