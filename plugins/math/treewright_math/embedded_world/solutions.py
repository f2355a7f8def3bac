"""Solutions in the form the models learn: one step a line, then the answer."""

from random import Random

from treewright_math.embedded_world.problem import Problem
from treewright_math.embedded_world.quantities import Quantity, chain, forms
from treewright_math.embedded_world.words import capitalised

ANSWER = "The answer is"


def step_line(problem: Problem, index: int) -> str:
    """The step that finds a quantity: ``Tom has 23 + 48 = 71 apples.``."""
    quantity = problem.quantities[index]
    assert quantity.definition is not None
    values = [problem.quantities[i].value for i in quantity.definition.operands]
    return line_of(quantity, chain(forms(quantity.definition, values)[0]))


def line_of(quantity: Quantity, equation: str) -> str:
    """A step's line around its equation."""
    return f"{capitalised(quantity.holder)} has {equation} {quantity.thing}."


def answer_line(value: int) -> str:
    """The last line."""
    return f"{ANSWER} {value}."


def solution_lines(problem: Problem, draw: Random | None = None) -> list[str]:
    """All lines of a right solution, without line ends; with ``draw`` in a random valid order."""
    order = list(problem.needed) if draw is None else _random_order(problem, draw)
    return [*(step_line(problem, index) for index in order), answer_line(problem.answer)]


def solution(problem: Problem) -> str:
    """The usual right solution; a line end stands between lines, none after the last."""
    return "\n".join(solution_lines(problem))


def _random_order(problem: Problem, draw: Random) -> list[int]:
    left, order = set(problem.needed), list[int]()
    while left:
        ready = [i for i in sorted(left) if not left & set(_operands(problem, i))]
        order.append(draw.choice(ready))
        left.remove(order[-1])
    return order


def _operands(problem: Problem, index: int) -> tuple[int, ...]:
    definition = problem.quantities[index].definition
    return definition.operands if definition else ()
