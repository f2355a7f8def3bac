"""Checks any solution exactly, step by step, against the problem's graph.

A step is right if it finds a defined quantity from operands that are known by then (given in the
text or found by an earlier step), by one of the right sums, with right arithmetic. Steps may come
in any order that allows this, and may find quantities that the answer does not need.
"""

import re
from typing import Literal, NamedTuple

from treewright_math.embedded_world.problem import Problem
from treewright_math.embedded_world.quantities import evaluate, forms
from treewright_math.embedded_world.solutions import ANSWER
from treewright_math.embedded_world.words import capitalised

Fault = Literal[
    "unparsable",  # neither a step nor an answer
    "unknown-quantity",  # the text defines no such quantity
    "wrong-operands",  # the sum is none of the right ones
    "not-yet-known",  # a right sum, but an operand has not been found before
    "wrong-arithmetic",
    "repeated",  # found by an earlier step already
    "premature-answer",  # what is asked for has not been found
    "wrong-answer",
    "after-the-answer",
    "no-answer",  # the solution ends without one
]
_STEP = re.compile(r"(?P<holder>[A-Z][a-z]*(?: [a-z]+)?) has (?P<chain>[0-9+*/= -]+) (?P<thing>[a-z]+)\.")
_ANSWER = re.compile(rf"{ANSWER} (?P<value>[0-9]+)\.")
_LARGEST_DIGITS = 12  # longer numbers are wrong anyway, and costly


class Check(NamedTuple):
    """What was found in a solution.

    Attributes:
        faults: one entry a line, ``None`` for a right one; after the first fault all lines count as ``None``
            or not by themselves no longer: only lines up to the first fault are listed.
        missing: the solution ends without an answer although all its lines are right.
    """

    faults: tuple[Fault | None, ...]
    missing: bool

    @property
    def first_error(self) -> int:
        """Index of the first faulty line; −1 if there is none."""
        return len(self.faults) - 1 if self.faults and self.faults[-1] is not None else -1

    @property
    def right(self) -> bool:
        """Whether every step is right and the answer follows."""
        return self.first_error < 0 and not self.missing


class StepChecker:
    """Follows one solution of one problem, line by line."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._known = {i for i, q in enumerate(problem.quantities) if q.definition is None}
        self._by_label: dict[tuple[str, str], list[int]] = {}
        for index, quantity in enumerate(problem.quantities):
            self._by_label.setdefault((capitalised(quantity.holder), quantity.thing), []).append(index)
        self.answered = False

    def fault_of(self, line: str) -> Fault | None:
        """Judge the next line (without its line end); a right step becomes known."""
        if self.answered:
            return "after-the-answer"
        if max(map(len, re.findall("[0-9]+", line)), default=0) > _LARGEST_DIGITS:
            return "unparsable"
        if answer := _ANSWER.fullmatch(line):
            return self._answer(int(answer["value"]))
        step = _STEP.fullmatch(line)
        return self._step(step["holder"], step["thing"], step["chain"].split(" = ")) if step else "unparsable"

    def _answer(self, value: int) -> Fault | None:
        if self._problem.target not in self._known:
            return "premature-answer"
        self.answered = True
        return None if value == self._problem.answer else "wrong-answer"

    def _step(self, holder: str, thing: str, chain: list[str]) -> Fault | None:
        labelled = self._by_label.get((holder, thing), ())
        defined = [i for i in labelled if self._problem.quantities[i].definition is not None]
        if not defined:
            return "unknown-quantity"
        if len(chain) < 2 or " " in chain[-1]:
            return "unparsable"
        meant = [i for i in defined if chain[0] in self._forms(i)]
        if not meant:
            return "wrong-operands"
        fresh = [i for i in meant if i not in self._known]
        if not fresh:
            return "repeated"
        ready = [i for i in fresh if self._operands(i) <= self._known]
        if not ready:
            return "not-yet-known"
        if any(evaluate(part) != self._problem.quantities[ready[0]].value for part in chain):
            return "wrong-arithmetic"
        self._known.add(ready[0])
        return None

    def _forms(self, index: int) -> tuple[str, ...]:
        definition = self._problem.quantities[index].definition
        assert definition is not None
        return forms(definition, [self._problem.quantities[i].value for i in definition.operands])

    def _operands(self, index: int) -> set[int]:
        definition = self._problem.quantities[index].definition
        assert definition is not None
        return set(definition.operands)


def check(problem: Problem, solution: str) -> Check:
    """Judge a whole solution up to its first fault."""
    checker, faults = StepChecker(problem), list[Fault | None]()
    for line in split_lines(solution):
        faults.append(checker.fault_of(line))
        if faults[-1] is not None:
            break
    return Check(tuple(faults), not checker.answered)


def split_lines(solution: str) -> list[str]:
    """The lines of a solution; a line end after the last is no line."""
    return solution.removesuffix("\n").split("\n")
