"""Damages right solutions in ways that the step check tells apart: examples of errors that a model seldom makes."""

from random import Random

from treewright_math.embedded_world.problem import Problem
from treewright_math.embedded_world.quantities import chain, evaluate
from treewright_math.embedded_world.solutions import ANSWER, line_of, solution_lines
from treewright_math.embedded_world.words import COINS, THINGS

KINDS = ("digit", "operator", "operand", "holder", "thing", "early", "skip", "repeat", "answer")


def corrupted(problem: Problem, draw: Random, kind: str = "") -> list[str]:
    """The lines of a solution with one fault in one line; later lines go on as if nothing were wrong.

    Args:
        problem: the problem; its usual solution is damaged.
        draw: source of randomness.
        kind: one of ``KINDS``; drawn if empty. A kind that fits nowhere falls back to ``digit``.
    """
    lines = solution_lines(problem)
    kind = kind or draw.choice(KINDS)
    place = draw.randrange(len(lines) - 1)
    if kind == "answer":
        return [*lines[:-1], _off(lines[-1], draw)]
    if kind == "early":
        return [*lines[:place], f"{ANSWER} {_last_number(lines[place])}."]
    if kind == "skip" and len(lines) > 2:
        place = draw.randrange(len(lines) - 2)
        return lines[:place] + lines[place + 1 :]
    if kind == "repeat":
        return lines[: place + 1] + lines[place:]
    return [*lines[:place], _damaged(problem, place, lines[place], draw, kind), *lines[place + 1 :]]


def _damaged(problem: Problem, place: int, line: str, draw: Random, kind: str) -> str:
    quantity = problem.quantities[problem.needed[place]]
    expression = line.split(" has ", 1)[1].split(" = ")[0]
    if kind in ("operator", "operand") and (other := _other_sum(expression, draw, kind)):
        return line_of(quantity, other)
    if kind == "thing":
        thing = draw.choice([thing for thing in (*THINGS, COINS) if thing != quantity.thing])
        return line_of(quantity._replace(thing=thing), chain(expression))
    if kind == "holder":
        others = [q.holder for q in problem.quantities if q.holder != quantity.holder]
        return line_of(quantity._replace(holder=draw.choice(others)), chain(expression)) if others else _off(line, draw)
    return _off(line, draw)


def _other_sum(expression: str, draw: Random, kind: str) -> str | None:
    """The equation of another sum: one sign or one number is not the right one; ``None`` if none was found soon."""
    for _ in range(30):
        tokens = expression.split(" ")
        if kind == "operator":
            tokens[1] = draw.choice([sign for sign in "+-*/" if sign != tokens[1]])
        else:
            place = draw.randrange(0, len(tokens), 2)
            tokens[place] = str(max(2, int(tokens[place]) + draw.choice((-10, -2, -1, 1, 2, 10))))
        other = " ".join(tokens)
        value = evaluate(other)
        if other != expression and value is not None and value >= 0:
            return chain(other)
    return None


def _off(line: str, draw: Random) -> str:
    """The line with its last number a little wrong."""
    number = _last_number(line)
    digits = list(number)
    place = draw.randrange(len(digits))
    digits[place] = draw.choice([d for d in "0123456789" if d != digits[place] and (place or d != "0")])
    head, _, tail = line.rpartition(number)
    return f"{head}{''.join(digits)}{tail}"


def _last_number(line: str) -> str:
    return [word for word in line.rstrip(".").split(" ") if word.isdigit()][-1]
