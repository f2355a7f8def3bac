"""The law that operations are drawn from: a small log-linear model, exact at any temperature.

At temperature 1 an operation has the probability ``(1 - blunder) * softmax(weights) + blunder / K``
over all K operations possible. Another temperature T raises these to the power 1/T and
normalises again, 0 takes the first of the likeliest; then ``top_p`` keeps the likeliest operations
until their mass is reached. What is drawn and what is reported is the same list of numbers.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from treewright_puzzle.arithmetic import Number, Operation, after, operations
from treewright_puzzle.state import State
from treewright_registry import Key

IMPOSSIBLE = -math.inf


class Skill(NamedTuple):
    """Weights of the model, in units of log-probability.

    Attributes:
        hit: the operation wins the game.
        ahead: its result and another number can make the target; 0 does not look.
        near: times the logarithmic distance from result to target (at most 3).
        divisor: the result divides the target.
        dull: a result of zero, a fraction, or one equal to an operand.
    """

    hit: float
    ahead: float
    near: float
    divisor: float
    dull: float


class Law(NamedTuple):
    """A distribution over operations.

    Attributes:
        operations: what is possible, in a fixed order.
        log_probabilities: natural logarithms, one for each.
        looks: states that were looked at one move ahead to weigh them.
    """

    operations: tuple[Operation, ...]
    log_probabilities: tuple[float, ...]
    looks: int = 0

    def draw(self, key: Key) -> tuple[Operation, float]:
        """An operation drawn at ``key``, with its log-probability."""
        index = key.choice([math.exp(value) for value in self.log_probabilities])
        return self.operations[index], self.log_probabilities[index]

    def log_probability(self, operation: Operation) -> float:
        """The log-probability of an operation, minus infinity where it cannot be drawn."""
        if operation not in self.operations:
            return IMPOSSIBLE
        return self.log_probabilities[self.operations.index(operation)]


class Setting(NamedTuple):
    """How to draw.

    Attributes:
        blunder: share of operations made blindly, in [0, 1].
        temperature: 0 or more; 0 is greedy.
        top_p: mass kept, in (0, 1].
    """

    blunder: float
    temperature: float = 1.0
    top_p: float = 1.0


def law_of(state: State, skill: Skill, setting: Setting, hints: Mapping[Operation, float] | None = None) -> Law:
    """The law in a state; ``hints`` adds to the weights of operations."""
    target, use_all = state.puzzle.target, state.puzzle.use_all
    if not hints:
        return _plain_law(state.values, target, use_all, skill, setting)
    possible, weights, looks = _weigh(state.values, target, use_all, skill)
    hinted = [weight + hints.get(operation, 0.0) for operation, weight in zip(possible, weights, strict=True)]
    return Law(possible, _log_probabilities(hinted, setting), looks)


@lru_cache(maxsize=1 << 15)
def _plain_law(values: tuple[Number, ...], target: int, use_all: bool, skill: Skill, setting: Setting) -> Law:
    possible, weights, looks = _weigh(values, target, use_all, skill)
    return Law(possible, _log_probabilities(weights, setting), looks)


@lru_cache(maxsize=1 << 15)
def _weigh(
    values: tuple[Number, ...], target: int, use_all: bool, skill: Skill
) -> tuple[tuple[Operation, ...], tuple[float, ...], int]:
    possible = operations(values)
    weights = []
    for operation in possible:
        weight = _weight(operation, target, skill)
        if operation.result == target and (len(values) == 2 or not use_all):
            weight += skill.hit
        elif skill.ahead and _sees_win(after(values, operation), operation.result, target):
            weight += skill.ahead
        weights.append(weight)
    return possible, tuple(weights), len(possible) if skill.ahead else 0


def _weight(operation: Operation, target: int, skill: Skill) -> float:
    result = operation.result
    apart = abs(math.log((float(result) + 0.5) / (target + 0.5)))
    weight = -skill.near * min(apart, 3.0)
    if result and isinstance(result, int) and target % result == 0:
        weight += skill.divisor
    if result in (0, operation.left, operation.right) or not isinstance(result, int):
        weight -= skill.dull
    return weight


def _sees_win(left: tuple[Number, ...], result: Number, target: int) -> bool:
    """Whether ``result`` and one other number left make the target (use of all is not looked at)."""
    others = list(left)
    others.remove(result)
    return any(
        target in (result + other, abs(result - other), result * other)
        or (other and result == target * other)
        or (result and other == target * result)
        for other in others
    )


def _log_probabilities(weights: Sequence[float], setting: Setting) -> tuple[float, ...]:
    logs = _mixed(weights, setting.blunder)
    if setting.temperature == 0.0:
        best = logs.index(max(logs))
        return tuple(0.0 if index == best else IMPOSSIBLE for index in range(len(logs)))
    logs = _normalised([value / setting.temperature for value in logs])
    return tuple(logs if setting.top_p >= 1.0 else _normalised(_nucleus(logs, setting.top_p)))


def _mixed(weights: Sequence[float], blunder: float) -> list[float]:
    logs = _normalised(weights)
    if blunder == 0.0:
        return logs
    blind = blunder / len(logs)
    return [math.log((1.0 - blunder) * math.exp(value) + blind) for value in logs]


def _normalised(logs: Sequence[float]) -> list[float]:
    highest = max(logs)
    total = highest + math.log(math.fsum(math.exp(value - highest) for value in logs))
    return [value - total for value in logs]


def _nucleus(logs: Sequence[float], top_p: float) -> list[float]:
    kept, mass = list[float]([IMPOSSIBLE] * len(logs)), 0.0
    for index in sorted(range(len(logs)), key=lambda index: (-logs[index], index)):
        if mass >= top_p:
            break
        kept[index] = logs[index]
        mass += math.exp(logs[index])
    return kept
