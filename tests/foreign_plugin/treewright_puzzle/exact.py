"""The exact solver: what can be reached, and by which expressions.

It visits everything, so it is meant for up to five numbers (six take seconds).
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from typing import TypeAlias

from treewright_puzzle.arithmetic import Number, after, operations
from treewright_puzzle.expressions import Binary, Expression, canonical
from treewright_puzzle.puzzle import Puzzle

Item: TypeAlias = tuple[Number, Expression]


def is_solvable(puzzle: Puzzle) -> bool:
    """Whether any expression obeys the rule."""
    if not puzzle.use_all and puzzle.target in puzzle.numbers:
        return True
    return can_reach(puzzle.numbers, puzzle.target, puzzle.use_all)


@lru_cache(maxsize=1 << 16)
def can_reach(values: tuple[Number, ...], target: int, use_all: bool) -> bool:
    """Whether one or more operations on ``values`` (largest first) can make the target."""
    for operation in operations(values):
        done = operation.result == target and (len(values) == 2 or not use_all)
        if done or (len(values) > 2 and can_reach(after(values, operation), target, use_all)):
            return True
    return False


def nearest(puzzle: Puzzle) -> Fraction:
    """The smallest possible distance between an allowed expression's value and the target."""
    found = set(_reachable(puzzle.numbers, puzzle.use_all))
    if not puzzle.use_all:
        found.update(puzzle.numbers)
    return min(abs(Fraction(value) - puzzle.target) for value in found)


@lru_cache(maxsize=1 << 16)
def _reachable(values: tuple[Number, ...], use_all: bool) -> frozenset[Number]:
    found: set[Number] = set()
    for operation in operations(values):
        if len(values) == 2 or not use_all:
            found.add(operation.result)
        if len(values) > 2:
            found |= _reachable(after(values, operation), use_all)
    return frozenset(found)


def solutions(puzzle: Puzzle) -> tuple[str, ...]:
    """All different solutions in canonical form, sorted.

    Intermediate results are not negative, and an expression ends where it makes the target: with
    ``use_all`` unset, ``24*1`` built from a finished 24 is not counted beside ``24``.
    """
    found = {canonical(expression) for expression in _winning(puzzle)}
    return tuple(sorted(found))


def _winning(puzzle: Puzzle) -> Iterator[Expression]:
    if not puzzle.use_all and puzzle.target in puzzle.numbers:
        yield puzzle.target
    start: tuple[Item, ...] = tuple((number, number) for number in puzzle.numbers)
    pending, seen = [start], {_identity(start)}
    while pending:
        for rest, made in _moves(pending.pop()):
            if made[0] == puzzle.target and not (rest and puzzle.use_all):
                yield made[1]
                continue
            child = (*rest, made)
            identity = _identity(child)
            if rest and identity not in seen:
                seen.add(identity)
                pending.append(child)


def _moves(items: tuple[Item, ...]) -> Iterator[tuple[tuple[Item, ...], Item]]:
    """Each operation on two items: the items left over, and the one made."""
    for one, two in combinations(range(len(items)), 2):
        rest = tuple(item for index, item in enumerate(items) if index not in (one, two))
        large, small = sorted((items[one], items[two]), key=lambda item: item[0], reverse=True)
        for operation in operations((large[0], small[0])):
            # of equal values either may stand left, but then only one order is an operation
            sides = (large, small) if operation.left == large[0] else (small, large)
            yield rest, (operation.result, Binary(operation.symbol, sides[0][1], sides[1][1]))
        if large[0] == small[0] and large[1] != small[1]:
            for symbol in "-/" if small[0] else "-":
                result = 0 if symbol == "-" else 1
                yield rest, (result, Binary(symbol, small[1], large[1]))


def _identity(items: tuple[Item, ...]) -> tuple[str, ...]:
    return tuple(sorted(canonical(expression) for _, expression in items))
