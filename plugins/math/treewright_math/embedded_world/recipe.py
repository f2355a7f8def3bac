"""What problems are drawn: depth, number size, distractors, facts; and the three difficulties."""

from collections.abc import Mapping
from typing import Literal, NamedTuple


class Recipe(NamedTuple):
    """Settings of the generator.

    Attributes:
        depth: least and most arithmetic steps that the answer needs, 1 to 8.
        largest_given: of the numbers in the text.
        largest_value: of all quantities.
        largest_factor: of "times as many", "in each", "equal parts".
        distractors: most sentences that the answer does not need.
        shuffled: probability that sentences stand in any order (only where nothing happens in time).
        facts: probability that an invented unit or operation is needed.
        joined: probability that a sentence is joined to the one before it by "and" (two at most).
        crossed: probability that a comparison's words suggest the opposite of what its step has to do.
    """

    depth: tuple[int, int] = (1, 6)
    largest_given: int = 60
    largest_value: int = 999
    largest_factor: int = 9
    distractors: int = 1
    shuffled: float = 0.5
    facts: float = 0.0
    joined: float = 0.15
    crossed: float = 0.15


Difficulty = Literal["easy", "medium", "hard"]
DIFFICULTIES: dict[Difficulty, Recipe] = {
    "easy": Recipe(depth=(1, 2), largest_given=20, distractors=1),
    "medium": Recipe(depth=(2, 3), largest_given=60, distractors=1),
    "hard": Recipe(depth=(3, 4), largest_given=60, distractors=2),
}


def with_own(recipe: Recipe, own: Mapping[str, float]) -> Recipe:
    """A recipe with one's own ``depth`` (exact), ``largest`` given number, ``distractors`` and ``crossed``."""
    depth = int(own.get("depth", 0))
    return recipe._replace(
        depth=(depth, depth) if depth else recipe.depth,
        largest_given=int(own.get("largest", recipe.largest_given)),
        distractors=int(own.get("distractors", recipe.distractors)),
        crossed=float(own.get("crossed", recipe.crossed)),
    )
