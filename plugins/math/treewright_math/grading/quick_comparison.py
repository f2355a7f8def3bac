"""Comparisons that need no computer algebra: equal spelling, and plain numbers."""

from fractions import Fraction

from treewright_math.answers.canonical import canonical_answer
from treewright_math.answers.plain_numbers import plain_number
from treewright_math.grading.outcome import Outcome

_NEAR = Fraction(1, 1000)  # math-verify rounds to six digits, so numbers this near are its business


def compare_quickly(reference: str, answer: str) -> Outcome | None:
    """Right or wrong, where that is plain to see; ``None`` where it takes algebra."""
    if reference == answer:
        return Outcome(True, "text")
    one, other = canonical_answer(reference), canonical_answer(answer)
    if one == other:
        return Outcome(bool(one), "text")
    first, second = plain_number(one), plain_number(other)
    if first is None or second is None:
        return None
    if first == second:
        return Outcome(True, "number")
    clearly_apart = abs(first - second) > _NEAR * max(Fraction(1), abs(first))
    return Outcome(False, "number") if clearly_apart else None
