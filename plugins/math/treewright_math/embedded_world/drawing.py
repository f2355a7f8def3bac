"""Draws a graph of quantities with a given number of steps, from the answer down to given numbers."""

from random import Random

from treewright_math.embedded_world.facts import Fact, draw_operation, draw_unit
from treewright_math.embedded_world.quantities import Definition, Quantity, evaluate, forms
from treewright_math.embedded_world.recipe import Recipe
from treewright_math.embedded_world.words import COINS, CONTAINERS, HOLDERS, THINGS

_COMPARISONS = {"more": 2.0, "fewer": 2.0, "times": 2.0, "part": 1.5, "sum": 2.5, "difference": 1.5}
_EVENTS = {"gain": 1.0, "loss": 1.0}


class Infeasible(Exception):
    """The numbers drawn so far fit no relation; draw again."""


class Graph:
    """A graph under construction.

    Args:
        recipe: settings.
        draw: source of randomness.
        evaluation: take facts from the evaluation world.
    """

    def __init__(self, recipe: Recipe, draw: Random, evaluation: bool) -> None:
        self.recipe, self.draw = recipe, draw
        self.quantities: list[Quantity] = []
        self.facts: list[Fact] = []
        self._holders = draw.sample(HOLDERS, len(HOLDERS))
        self._evaluation = evaluation
        self._depth = 0

    def answer(self, depth: int) -> int:
        """Build the quantity that is asked for; it needs ``depth`` steps. Returns its index."""
        self._depth = depth
        if self.draw.random() >= self.recipe.facts:
            return self._build(depth, self._thing(depth), None)
        if self.draw.random() < 0.5:
            self.facts.append(draw_operation(self.draw, self._evaluation))
            return self._build(depth, self.draw.choice(THINGS), self.facts[0])
        self.facts.append(draw_unit(self.draw, self._evaluation))
        return self._build(depth, self.facts[0].other, self.facts[0])

    def distractor(self) -> int | None:
        """Add a quantity that nobody asks for; ``None`` if there is no room."""
        if not self._holders:
            return None
        base = self.draw.choice(self._current())
        if self.draw.random() < 0.5:
            return self._given(self.draw.choice([*THINGS, self.quantities[base].thing]))
        relation = self.draw.choice(("more", "fewer", "times"))
        try:
            return self._unary(relation, base, self.quantities[base].thing)
        except Infeasible:
            return None

    def _thing(self, depth: int) -> str:
        chance = self.draw.random()
        if depth and chance < 0.12:
            return COINS
        if depth and chance < 0.2:
            return self.draw.choice(tuple(CONTAINERS))
        return self.draw.choice(THINGS)

    def _build(self, depth: int, thing: str, fact: Fact | None) -> int:
        """A quantity of things that needs ``depth`` steps, one of them by the fact."""
        if depth == 0:
            return self._given(thing)
        if fact is not None and self.draw.random() < 1.0 / depth:
            return self._by_fact(depth, thing, fact)
        relation = self._relation(thing, fact)
        if relation in ("sum", "difference"):
            return self._binary(relation, depth, thing, fact)
        child = self._build(depth - 1, self._source(relation, thing), fact)
        return self._unary(relation, child, thing)

    def _relation(self, thing: str, fact: Fact | None) -> str:
        weights = _COMPARISONS | _EVENTS
        if fact is None and thing == COINS:
            weights = weights | {"price": 6.0}
        elif fact is None and thing in CONTAINERS:
            weights = weights | {"pack": 6.0}
        elif fact is None and thing in THINGS:
            weights = weights | {"convert": 1.5}
        return self.draw.choices(list(weights), list(weights.values()))[0]

    def _source(self, relation: str, thing: str) -> str:
        """The thing from which the relation makes another."""
        if relation == "convert":
            return self.draw.choice(tuple(CONTAINERS))
        return self.draw.choice(THINGS) if relation in ("price", "pack") else thing

    def _given(self, thing: str, value: int = 0) -> int:
        value = value or self.draw.randint(2, self.recipe.largest_given)
        return self._add(Quantity(self._new_holder(), thing, value))

    def _unary(self, relation: str, child: int, thing: str) -> int:
        base = self.quantities[child]
        n = self._number(relation, base.value)
        same = relation in ("gain", "loss", "convert", "price", "pack")
        return self._define(base.holder if same else self._new_holder(), thing, Definition(relation, (child,), n))

    def _number(self, relation: str, value: int) -> int:
        """The number of the sentence, such that the result is a whole number from 2 to the largest value."""
        recipe = self.recipe
        if relation in ("more", "gain"):
            numbers = range(2, 1 + min(recipe.largest_given, recipe.largest_value - value))
        elif relation in ("fewer", "loss"):
            numbers = range(2, 1 + min(recipe.largest_given, value - 2))
        elif relation in ("part", "pack"):
            return self._pick([k for k in range(2, 1 + recipe.largest_factor) if value % k == 0 and value // k >= 2])
        else:
            numbers = range(2, 1 + min(recipe.largest_factor, recipe.largest_value // value))
        return self._pick(numbers)

    def _pick(self, numbers: list[int] | range) -> int:
        if not numbers:
            raise Infeasible
        return self.draw.choice(numbers)

    def _binary(self, relation: str, depth: int, thing: str, fact: Fact | None) -> int:
        first, second = self._children(depth, thing, fact)
        if relation == "difference" and self.quantities[first].value < self.quantities[second].value + 2:
            first, second = second, first
        return self._define(self._new_holder(), thing, Definition(relation, (first, second)))

    def _children(self, depth: int, thing: str, fact: Fact | None) -> tuple[int, int]:
        """Two operands that need ``depth - 1`` steps between them; the second may be one met before."""
        smaller = self.draw.randint(0, min(2, (depth - 1) // 2))
        first = self._build(depth - 1 - smaller, thing, fact)
        met = [i for i in self._current() if i != first and self.quantities[i].thing == thing]
        if smaller == 0 and met and self.draw.random() < 0.3:
            return first, self.draw.choice(met)
        second = self._build(smaller, thing, None)
        return (first, second) if self.draw.random() < 0.5 else (second, first)

    def _by_fact(self, depth: int, thing: str, fact: Fact) -> int:
        if fact.form >= 0:
            operands = self._children(depth, thing, None)
            return self._define(self._new_holder(), thing, Definition("operation", operands, 0, fact))
        if self._depth == 1 and self.draw.random() < 0.25:
            return self._unit_back(fact)
        child = self._build(depth - 1, fact.name, None)
        return self._define(self.quantities[child].holder, thing, Definition("unit", (child,), fact.k, fact))

    def _unit_back(self, fact: Fact) -> int:
        # only where it is the one step: there the number can be chosen so that the division is exact
        child = self._given(fact.other, fact.k * self.draw.randint(2, max(2, self.recipe.largest_given // fact.k)))
        holder = self.quantities[child].holder
        return self._define(holder, fact.name, Definition("unit", (child,), -fact.k, fact))

    def _define(self, holder: str, thing: str, definition: Definition) -> int:
        values = [self.quantities[i].value for i in definition.operands]
        value = evaluate(forms(definition, values)[0])
        if value is None or not 2 <= value <= self.recipe.largest_value:
            raise Infeasible
        return self._add(Quantity(holder, thing, value, definition))

    def _add(self, quantity: Quantity) -> int:
        self.quantities.append(quantity)
        return len(self.quantities) - 1

    def _new_holder(self) -> str:
        if not self._holders:
            raise Infeasible
        return self._holders.pop()

    def _current(self) -> list[int]:
        """The newest quantity of every holder and thing."""
        newest = {(q.holder, q.thing): i for i, q in enumerate(self.quantities)}
        return list(newest.values())
