"""One of several candidates, drawn by its weight."""

from collections.abc import Sequence
from math import exp, inf

from treewright_registry import Key


def soft_choice(log_weights: Sequence[float], draw: Key) -> int | None:
    """An index drawn in proportion to exp(log-weight).

    Args:
        log_weights: −inf is never drawn; nor is NaN, which stands for a candidate that could not be judged.
        draw: the random draw.

    Returns:
        The index, ``None`` if no candidate can be drawn.
    """
    top = max((weight for weight in log_weights if weight == weight), default=-inf)
    if top == -inf:
        return None
    return draw.choice([exp(weight - top) if weight == weight else 0.0 for weight in log_weights])
