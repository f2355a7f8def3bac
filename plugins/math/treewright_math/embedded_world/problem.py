"""A word problem: its text, the graph under it, its identity, and the part of the world it belongs to."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Literal

from treewright_math.embedded_world.drawing import Graph, Infeasible
from treewright_math.embedded_world.facts import Fact
from treewright_math.embedded_world.phrases import draw_pattern, patterns
from treewright_math.embedded_world.quantities import Quantity
from treewright_math.embedded_world.recipe import Recipe
from treewright_math.embedded_world.words import CONTAINERS, capitalised

Split = Literal["train", "validation", "test"]
_EVENTS = ("gain", "loss", "price", "pack", "unit")


@dataclass(frozen=True)
class Problem:
    """A word problem with its graph.

    Attributes:
        text: sentences and question.
        quantities: the graph; operands stand before what is made from them.
        target: index of the quantity that is asked for.
        facts: invented units and operations that the text uses without saying what they are.
        told: indices of the quantities in the order of their sentences; empty stands for the order of the graph.
    """

    text: str
    quantities: tuple[Quantity, ...]
    target: int
    facts: tuple[Fact, ...]
    told: tuple[int, ...] = ()

    @property
    def answer(self) -> int:
        """The right answer."""
        return self.quantities[self.target].value

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the text, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def split(self) -> Split:
        """The part it belongs to, by its identity: 90 % training, 4 % validation, 6 % test."""
        bucket = int(self.identity[:8], 16) / 2**32
        return "train" if bucket < 0.9 else "validation" if bucket < 0.94 else "test"

    @cached_property
    def needed(self) -> tuple[int, ...]:
        """Indices of the defined quantities that the answer needs, in the order of the usual solution.

        Of those that can be found next, the one whose sentence stands first: so that a reader can go on from what
        is known, and need not look from the question backwards.
        """
        left, order = self._needed_at_all(), list[int]()
        while left:
            ready = (i for i in self.told or range(len(self.quantities)) if i in left)
            order.append(next(i for i in ready if left.isdisjoint(self._operands(i))))
            left.remove(order[-1])
        return tuple(order)

    def _needed_at_all(self) -> set[int]:
        wanted, found = [self.target], set[int]()
        while wanted:
            index = wanted.pop()
            if self.quantities[index].definition is not None and index not in found:
                found.add(index)
                wanted.extend(self._operands(index))
        return found

    def _operands(self, index: int) -> tuple[int, ...]:
        definition = self.quantities[index].definition
        return definition.operands if definition else ()


def draw_problem(recipe: Recipe, draw: Random, split: Split, *, held_out: bool = False) -> Problem:
    """A problem of one part of the world.

    Args:
        recipe: settings.
        draw: source of randomness.
        split: the part; training uses training facts, the others the evaluation world's.
        held_out: tell it in held-out patterns only.
    """
    while True:
        try:
            problem = _draw(recipe, draw, split != "train", held_out)
        except Infeasible:
            continue
        if problem.split == split:
            return problem


def _draw(recipe: Recipe, draw: Random, evaluation: bool, held_out: bool) -> Problem:
    graph = Graph(recipe, draw, evaluation)
    depth = draw.randint(*recipe.depth)
    target = graph.answer(depth)
    for _ in range(draw.randint(0, recipe.distractors)):
        graph.distractor()
    order = _order(graph.quantities, recipe, draw)
    text = _told(graph.quantities, order, target, recipe, draw, held_out)
    problem = Problem(text, tuple(graph.quantities), target, tuple(graph.facts), tuple(order))
    if len(problem.needed) != depth:
        raise Infeasible
    return problem


def _order(quantities: list[Quantity], recipe: Recipe, draw: Random) -> list[int]:
    """The quantities in the order in which they are told."""
    order = list(range(len(quantities)))
    happens = any(q.definition is not None and q.definition.relation in _EVENTS for q in quantities)
    if not happens and draw.random() < recipe.shuffled:
        draw.shuffle(order)
    return order


def _told(
    quantities: list[Quantity], order: list[int], target: int, recipe: Recipe, draw: Random, held_out: bool
) -> str:
    """Sentences, some of them joined to one, and the question."""
    sentences = list[str]()
    for index in order:
        sentence = _sentence(quantities[index], quantities, recipe, draw, held_out)
        if sentences and " and " not in sentences[-1] and draw.random() < recipe.joined:
            sentences[-1] = f"{sentences[-1].removesuffix('.')}, and {sentence}"
        else:
            sentences.append(sentence)
    asked = quantities[target]
    question = draw.choice(patterns("question", held_out)).format(A=asked.holder, t=asked.thing)
    return " ".join(capitalised(sentence) for sentence in [*sentences, question])


def _sentence(quantity: Quantity, quantities: list[Quantity], recipe: Recipe, draw: Random, held_out: bool) -> str:
    definition = quantity.definition
    if definition is None:
        pattern = draw.choice(patterns("given", held_out))
        return pattern.format(A=quantity.holder, n=quantity.value, t=quantity.thing)
    operands = [quantities[i] for i in definition.operands]
    container = operands[0].thing if definition.relation == "convert" else quantity.thing
    return draw_pattern(definition.relation, held_out, recipe.crossed, draw).format(
        A=quantity.holder,
        B=operands[0].holder,
        C=operands[-1].holder,
        n=definition.n,
        t=quantity.thing,
        u=operands[0].thing,
        s=CONTAINERS.get(container, ""),
        o=definition.fact.name if definition.fact else "",
    )
