"""Quantities and how one follows from others: the graph under a word problem.

A quantity is the number of things that somebody has, at one time of the story. It is given in the
text, or defined by one relation of one or two others. ``forms`` are the right ways to write the
sum that a solution must show for it.
"""

from typing import NamedTuple

from treewright_math.embedded_world.facts import FORMS, Fact


class Definition(NamedTuple):
    """How a quantity follows from others.

    Attributes:
        relation: a key of ``phrases.SEEN``, e.g. ``more``.
        operands: indices of the quantities it is made from.
        n: the number in the sentence or fact; 0 if there is none.
        fact: the invented unit or operation that is needed.
    """

    relation: str
    operands: tuple[int, ...]
    n: int = 0
    fact: Fact | None = None


class Quantity(NamedTuple):
    """So many things that somebody has.

    Attributes:
        holder: who, e.g. ``Tom`` or ``the shop``.
        thing: what, plural.
        value: how many, 2 to 999.
        definition: ``None`` if the text gives the number.
    """

    holder: str
    thing: str
    value: int
    definition: Definition | None = None


_SIGNS = {
    "more": "+", "gain": "+", "sum": "+", "fewer": "-", "loss": "-", "difference": "-",
    "times": "*", "convert": "*", "price": "*", "part": "/", "pack": "/",
}  # fmt: skip
BINARY = frozenset({"sum", "difference"})


def forms(definition: Definition, values: list[int]) -> tuple[str, ...]:
    """All right sums, the usual one first; ``values`` are the operands'."""
    if definition.relation == "operation":
        assert definition.fact is not None
        return (_written_out(definition.fact, *values),)
    if definition.relation == "unit":
        sign, left, right = _unit(definition, values[0])
    else:
        sign = _SIGNS[definition.relation]
        left, right = values if definition.relation in BINARY else (values[0], definition.n)
    usual = f"{left} {sign} {right}"
    return (usual,) if sign in "-/" else (usual, f"{right} {sign} {left}")


def _unit(definition: Definition, value: int) -> tuple[str, int, int]:
    """A negative ``n`` marks the way back, from the smaller to the larger unit."""
    return ("/", value, -definition.n) if definition.n < 0 else ("*", value, definition.n)


def _written_out(fact: Fact, a: int, b: int) -> str:
    return FORMS[fact.form].format(k=fact.k).replace("a", str(a)).replace("b", str(b))


def evaluate(expression: str) -> int | None:
    """The value of ``2 * 23 + 48``: whole numbers, ``*`` and ``/`` before ``+`` and ``-``, exact division only.

    Returns:
        ``None`` if it is not well-formed or a division is not exact.
    """
    tokens = expression.split(" ")
    if len(tokens) % 2 == 0 or not all(number.isascii() and number.isdigit() for number in tokens[::2]):
        return None
    total, product, sign = 0, int(tokens[0]), 1
    for operator, number in zip(tokens[1::2], map(int, tokens[2::2]), strict=True):
        if operator == "*":
            product *= number
        elif operator == "/":
            if number == 0 or product % number:
                return None
            product //= number
        elif operator in ("+", "-"):
            total += sign * product
            sign, product = (1 if operator == "+" else -1), number
        else:
            return None
    return total + sign * product


def chain(expression: str) -> str:
    """The sum with its way to the value: ``2 * 23 + 48 = 46 + 48 = 94``."""
    tokens = expression.split(" ")
    if len(tokens) == 3:
        return f"{expression} = {evaluate(expression)}"
    if tokens[3] == "*":
        shorter = f"{tokens[0]} {tokens[1]} {evaluate(' '.join(tokens[2:]))}"
    else:
        shorter = f"{evaluate(' '.join(tokens[:3]))} {tokens[3]} {tokens[4]}"
    return f"{expression} = {shorter} = {evaluate(expression)}"
