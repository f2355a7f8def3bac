"""Steps and labels in a row's fields, checked."""

from collections.abc import Mapping
from typing import Any

from treewright_math.data_files.fields import RowFault


def steps_of(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The steps in a field: texts, at least one.

    Raises:
        RowFault: they are not.
    """
    steps = fields.get(name)
    if not isinstance(steps, list | tuple) or not steps or not all(isinstance(step, str) for step in steps):
        raise RowFault(f"the field {name} must be a list of texts, the steps")
    return tuple(steps)


def first_wrong_of(fields: Mapping[str, Any], name: str, steps: int) -> tuple[int, ...]:
    """The first wrong step in a field that counts from 0 and says −1 for none.

    Raises:
        RowFault: it is no number of a step.
    """
    label = fields.get(name)
    if isinstance(label, float) and label.is_integer():
        label = int(label)  # tables with gaps hold whole numbers as 1.0
    if isinstance(label, bool) or not isinstance(label, int) or not -1 <= label < steps:
        raise RowFault(f"the field {name} is {label!r:.40}; it must be the number of a step, 0 to {steps - 1}, or -1")
    return () if label == -1 else (label,)


def scores_of(fields: Mapping[str, Any], name: str, steps: int) -> tuple[float, ...]:
    """The step scores in a field: one number for each step; empty if the field is not there.

    Raises:
        RowFault: they are not.
    """
    scores = fields.get(name)
    if scores is None:
        return ()
    numbers = isinstance(scores, list | tuple) and all(
        isinstance(score, int | float) and not isinstance(score, bool) for score in scores
    )
    if not numbers or len(scores) != steps:
        raise RowFault(f"the field {name} must be a list of {steps} numbers, one for each step")
    return tuple(float(score) for score in scores)
