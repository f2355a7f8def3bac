"""Exact arithmetic on non-negative numbers, and the operations open to a player.

Whole numbers stay ``int`` (fast to add and to hash), everything else is a ``Fraction``. Negative
results are left out: whatever reaches a target with them also reaches it without, by
swapping the sides of a subtraction.
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, TypeAlias

Number: TypeAlias = int | Fraction


class Operation(NamedTuple):
    """One arithmetic operation on two numbers at hand.

    Attributes:
        left, right: the operands; for ``+``, ``-`` and ``*`` the larger one stands on the left.
        symbol: one of ``+ - * /``.
        result: the exact result, not negative.
    """

    left: Number
    symbol: str
    right: Number
    result: Number

    def __str__(self) -> str:
        return f"{self.left} {self.symbol} {self.right} = {self.result}"


def simplify(value: Number) -> Number:
    """The same number, as ``int`` where it is whole."""
    return value.numerator if value.denominator == 1 else value


def combine(left: Number, symbol: str, right: Number) -> Number:
    """The exact result of ``left symbol right``; it may be negative.

    Raises:
        ZeroDivisionError: division by zero.
        ValueError: an unknown symbol.
    """
    if symbol == "+":
        return simplify(left + right)
    if symbol == "-":
        return simplify(left - right)
    if symbol == "*":
        return simplify(left * right)
    if symbol == "/":
        return simplify(Fraction(left) / right)
    raise ValueError(f"unknown operation {symbol!r}; known: + - * /")


def read_number(text: str) -> Number:
    """The number written as ``8`` or ``8/3``.

    Raises:
        ValueError: anything else.
    """
    return int(text) if text.isdecimal() else simplify(Fraction(text))


@lru_cache(maxsize=1 << 14)
def operations(values: tuple[Number, ...]) -> tuple[Operation, ...]:
    """All different operations on two of ``values`` (sorted, largest first), in a fixed order."""
    found: dict[Operation, None] = {}
    for index, large in enumerate(values):
        for small in values[index + 1 :]:
            found.update(dict.fromkeys(_pair(large, small)))
    return tuple(found)


def _pair(large: Number, small: Number) -> Iterator[Operation]:
    for symbol in "+-*":
        yield Operation(large, symbol, small, combine(large, symbol, small))
    if small:
        yield Operation(large, "/", small, combine(large, "/", small))
    if large != small and large:
        yield Operation(small, "/", large, combine(small, "/", large))


def after(values: tuple[Number, ...], operation: Operation) -> tuple[Number, ...]:
    """What is left once ``operation`` was done, largest first.

    Raises:
        ValueError: an operand is not among ``values``.
    """
    rest = list(values)
    rest.remove(operation.left)
    rest.remove(operation.right)
    rest.append(operation.result)
    rest.sort(reverse=True)
    return tuple(rest)
