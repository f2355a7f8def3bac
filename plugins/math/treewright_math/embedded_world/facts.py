"""Invented units and operations: facts that a model can only read, never know.

Each training example draws them anew. The evaluation world has fixed ones, whose unit pairs and
definitions never stand in a training example; they are in the knowledge base alone.
"""

import json
from collections.abc import Iterator
from importlib.resources import files
from random import Random
from typing import NamedTuple

from treewright_math.embedded_world.words import OPERATIONS, UNITS

FORMS = ("{k} * a + b", "a + {k} * b", "a + b + {k}", "{k} * a - b")
FACTORS = range(2, 10)


class Fact(NamedTuple):
    """A unit pair (``1 blick is 7 pims``) or an operation (``a zorp b means 2 * a + b``).

    Attributes:
        name: the larger unit (plural), or the operation.
        other: the smaller unit (plural); empty for an operation.
        k: the number in it, 2 to 9.
        form: which of ``FORMS``; −1 for a unit pair.
    """

    name: str
    other: str
    k: int
    form: int = -1

    @property
    def text(self) -> str:
        """The fact as a sentence."""
        if self.form < 0:
            return f"1 {UNITS[self.name]} is {self.k} {self.other}."
        return f"a {self.name} b means {FORMS[self.form].format(k=self.k)}."


def _evaluation_facts() -> tuple[Fact, ...]:
    """Each unit against the third after it in the list, and one definition per operation."""
    names = list(UNITS)
    pairs = [(name, names[(i + 3) % len(names)]) for i, name in enumerate(names)]
    units = [Fact(name, other, 2 + (5 * i + 3) % 8) for i, (name, other) in enumerate(pairs)]
    return (*units, *(Fact(name, "", 2 + (3 * i) % 5, i % len(FORMS)) for i, name in enumerate(OPERATIONS)))


EVALUATION_FACTS = _evaluation_facts()
_RESERVED_PAIRS = frozenset(frozenset((fact.name, fact.other)) for fact in EVALUATION_FACTS if fact.form < 0)
_RESERVED_DEFINITIONS = frozenset(fact for fact in EVALUATION_FACTS if fact.form >= 0)


def is_reserved(fact: Fact) -> bool:
    """Whether training must not show it: its unit pair, either way round, or its definition is in the other world."""
    if fact.form < 0:
        return frozenset((fact.name, fact.other)) in _RESERVED_PAIRS
    return fact in _RESERVED_DEFINITIONS


def draw_unit(draw: Random, evaluation: bool) -> Fact:
    """A unit pair of the evaluation world, or one for training."""
    if evaluation:
        return draw.choice([fact for fact in EVALUATION_FACTS if fact.form < 0])
    while True:
        name, other = draw.sample(tuple(UNITS), 2)
        fact = Fact(name, other, draw.choice(FACTORS))
        if not is_reserved(fact):
            return fact


def draw_operation(draw: Random, evaluation: bool) -> Fact:
    """An operation of the evaluation world, or one for training."""
    if evaluation:
        return draw.choice([fact for fact in EVALUATION_FACTS if fact.form >= 0])
    while True:
        fact = Fact(draw.choice(OPERATIONS), "", draw.choice(FACTORS), draw.randrange(len(FORMS)))
        if not is_reserved(fact):
            return fact


def draw_fact(draw: Random, evaluation: bool) -> Fact:
    """Any fact."""
    return (draw_unit if draw.random() < 0.6 else draw_operation)(draw, evaluation)


def knowledge_base() -> Iterator[dict[str, str]]:
    """The shipped records: ``id``, ``kind`` and ``content`` of each fact of the evaluation world."""
    text = files("treewright_math").joinpath("data/facts.jsonl").read_text(encoding="utf-8")
    return (json.loads(line) for line in text.splitlines())
