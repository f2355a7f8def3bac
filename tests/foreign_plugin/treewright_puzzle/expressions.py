"""Expressions: read from text without ever evaluating it, value, numbers used, order-free form.

The reader takes untrusted text: length, nesting and digits are limited, so no input can hang it.
"""

import re
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from treewright_puzzle.arithmetic import Number, combine

MOST_CHARACTERS = 300
DEEPEST_NESTING = 40

_TOKEN = re.compile(r"\s*(?:([0-9]{1,7})(?![0-9])|([-+*/()]))")
_TYPOGRAPHY = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-"})


class Binary(NamedTuple):
    """``left symbol right``."""

    symbol: str
    left: "Expression"
    right: "Expression"


Expression: TypeAlias = int | Binary


class ExpressionError(ValueError):
    """A text that is no expression, or one without a value."""


def parse(text: str) -> Expression:
    """The expression in ``text``: whole numbers, ``+ - * /`` and parentheses.

    Raises:
        ExpressionError: with what was wrong, in words.
    """
    if len(text) > MOST_CHARACTERS:
        raise ExpressionError(f"longer than {MOST_CHARACTERS} characters")
    reader = _Reader(_tokens(text.translate(_TYPOGRAPHY)))
    expression = reader.sum(0)
    if reader.peek():
        raise ExpressionError(f"unexpected {reader.peek()!r}")
    return expression


def _tokens(text: str) -> list[str]:
    text, tokens, position = text.rstrip(), [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(f"cannot read {text[position : position + 12].strip()!r}")
        tokens.append(match[1] or match[2])
        position = match.end()
    return tokens


class _Reader:
    """Recursive descent; only parentheses recurse, and their depth is limited."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._next = tokens, 0

    def peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self._next += 1
        return token

    def sum(self, depth: int) -> Expression:
        expression = self.product(depth)
        while self.peek() and self.peek() in "+-":
            expression = Binary(self.take(), expression, self.product(depth))
        return expression

    def product(self, depth: int) -> Expression:
        expression = self.atom(depth)
        while self.peek() and self.peek() in "*/":
            expression = Binary(self.take(), expression, self.atom(depth))
        return expression

    def atom(self, depth: int) -> Expression:
        token = self.take()
        if token.isdecimal():
            return int(token)
        if token != "(":
            raise ExpressionError(f"a number or '(' was expected, not {token or 'the end'!r}")
        if depth >= DEEPEST_NESTING:
            raise ExpressionError(f"more than {DEEPEST_NESTING} nested parentheses")
        expression = self.sum(depth + 1)
        if self.take() != ")":
            raise ExpressionError("a ')' is missing")
        return expression


def value(expression: Expression) -> Number:
    """The exact value.

    Raises:
        ExpressionError: division by zero.
    """
    if isinstance(expression, int):
        return expression
    left, right = value(expression.left), value(expression.right)
    if expression.symbol == "/" and right == 0:
        raise ExpressionError("division by zero")
    return combine(left, expression.symbol, right)


def numbers_used(expression: Expression) -> list[int]:
    """The numbers in the expression, from left to right."""
    if isinstance(expression, int):
        return [expression]
    return numbers_used(expression.left) + numbers_used(expression.right)


def canonical(expression: Expression) -> str:
    """A form that forgets order and grouping: ``a*b`` is ``b*a``, ``a-(b-c)`` is ``(a+c)-b``.

    Numerical coincidences stay different: ``2+2`` is not ``2*2``, ``3*1`` is not ``3/1``.
    """
    if isinstance(expression, int):
        return str(expression)
    straight, inverse = ("+", "-") if expression.symbol in "+-" else ("*", "/")
    plain, inverted = _parts(expression, straight, inverse)
    tail = "".join(inverse + part for part in sorted(inverted, key=_by_size))
    return f"({straight.join(sorted(plain, key=_by_size))}{tail})"


def _parts(expression: Expression, straight: str, inverse: str) -> tuple[list[str], list[str]]:
    if isinstance(expression, int) or expression.symbol not in (straight, inverse):
        return [canonical(expression)], []
    plain, inverted = _parts(expression.left, straight, inverse)
    more, less = _parts(expression.right, straight, inverse)
    if expression.symbol == inverse:
        more, less = less, more
    return plain + more, inverted + less


def _by_size(text: str) -> tuple[int, str]:
    return len(text), text


def show(expression: Expression) -> str:
    """The expression as text, with parentheses around every inner operation."""
    if isinstance(expression, int):
        return str(expression)
    left, right = (
        f"({show(side)})" if isinstance(side, Binary) else str(side) for side in (expression.left, expression.right)
    )
    return f"{left} {expression.symbol} {right}"


def distance(expression: Expression, target: int) -> Fraction:
    """How far the value is from the target, exactly.

    Raises:
        ExpressionError: division by zero.
    """
    return abs(Fraction(value(expression)) - target)
