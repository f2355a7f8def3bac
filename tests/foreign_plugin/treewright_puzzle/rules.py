"""The scorer ``puzzle/rules``: how likely a state can still be won, informative but imperfect."""

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import ClassVar, Literal

from treewright_puzzle.arithmetic import Number, operations
from treewright_puzzle.exact import can_reach
from treewright_puzzle.judging import is_right
from treewright_puzzle.puzzle import puzzle_of
from treewright_puzzle.state import State, Unreadable, answer_in, opening, replay
from treewright_registry import Capability, DataError, Score, ScoreRequest, Usage

# (constant, ways, near): logistic regressions of "can be won" on 600 generated games a case, moves drawn
# with blunder 0.4; in order: 3 numbers left, 4 or more, each where all must be used and where not
USE_ALL = ((-3.2, 2.6, -0.55), (0.65, 0.65, -2.6))
USE_SOME = ((-4.9, 5.1, -1.45), (-0.9, 2.3, -0.8))


class Rules:
    """Judges how likely the target can still be reached; a finished answer gets 1 or 0.

    Up to ``exact`` numbers left the verdict is exact, above it is a logistic estimate from two
    facts: how many ways lead to the target if a number could be used twice, and how near
    one operation comes.

    Args:
        exact: up to how many numbers left the state is solved exactly, 2 to 5.
        noise: standard deviation of normal noise on the log-odds of unfinished states, drawn at
            the request's seed.

    Raises:
        ValueError: an option is out of range.
    """

    level: ClassVar[Literal["step", "outcome"]] = "step"
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    link: ClassVar[Literal["probability", "logit", "real"]] = "probability"
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.PARTIAL, Capability.STEP_SCORES})

    def __init__(self, *, exact: int = 2, noise: float = 0.0) -> None:
        if not 2 <= exact <= 5:
            raise ValueError(f"exact must be 2 to 5, not {exact}")
        if not 0.0 <= noise < math.inf:
            raise ValueError(f"noise must be 0 or more, not {noise!r}")
        self.exact, self.noise = exact, noise

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """One value for each step, the last of them the trajectory's; the root has no step."""
        return [self._score(request) for request in requests]

    def _score(self, request: ScoreRequest) -> Score:
        try:
            values = self._values(request)
        except (Unreadable, DataError) as error:
            return Score(math.nan, reason=f"no game to judge: {error}")
        tokens = sum(step.tokens for step in request.trajectory.steps)
        return Score(values[-1], tuple(values[1:]), usage=Usage(scored_tokens=tokens))

    def _values(self, request: ScoreRequest) -> list[float]:
        """The value at the root and after each step."""
        trajectory = request.trajectory
        state = opening(puzzle_of(trajectory))
        values = [self._unfinished(state, request, 0)]
        for depth, step in enumerate(trajectory.steps, start=1):
            text = str(step.content)
            answer = answer_in(text)
            if answer is not None:
                values.append(float(is_right(state.puzzle, answer)))
                continue
            played = replay(state, text)
            state = played[-1][1] if played else state
            cut_off = step.finish != "step"
            values.append(0.0 if cut_off else self._unfinished(state, request, depth))
        return values

    def _unfinished(self, state: State, request: ScoreRequest, depth: int) -> float:
        if state.over:
            return float(state.solved)
        chance = chance_of(state.values, state.puzzle.target, state.puzzle.use_all, self.exact)
        if self.noise == 0.0 or not 0.0 < chance < 1.0:
            return chance
        # the middle of the draw's cell: never exactly 0, where the normal quantile is infinite
        uniform = request.key("noise", depth).uniform() + 2.0**-54
        return _logistic(_log_odds(chance) + self.noise * NormalDist().inv_cdf(uniform))


@lru_cache(maxsize=1 << 15)
def chance_of(values: tuple[Number, ...], target: int, use_all: bool, exact: int) -> float:
    """The estimated chance that operations on ``values`` (largest first) can make the target."""
    if len(values) <= exact:
        return float(can_reach(values, target, use_all))
    results = {operation.result for operation in operations(values)}
    if target in results and not use_all:
        return 1.0
    constant, ways, near = (USE_ALL if use_all else USE_SOME)[len(values) > 3]
    return _logistic(constant + ways * math.log1p(_ways(values, results, target)) + near * _near(results, target))


def _ways(values: tuple[Number, ...], results: set[Number], target: int) -> int:
    """How many values and results together make the target, as if nothing were used up."""
    count = 0
    for value in values:
        count += (target - value in results) + (target + value in results) + (value - target in results)
        count += (target * value in results) + (value in {target * result for result in results})
        count += any(value * result == target for result in results)
    return count


def _near(results: set[Number], target: int) -> float:
    return min(abs(math.log((float(result) + 0.5) / (target + 0.5))) for result in results)


def _logistic(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds)) if log_odds > -700.0 else 0.0


def _log_odds(chance: float) -> float:
    return math.log(chance) - math.log1p(-chance)
