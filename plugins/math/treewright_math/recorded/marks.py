"""Which of the numbers beside stored samples are rewards, and which are labels.

``correct``, ``label``, … hold labels, ``reward``, ``pred_score``, … rewards. ``score`` is used for both; its values
decide: true and false are labels; 0 and 1 are labels where rewards stand beside them; all other numbers are rewards.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple

from treewright_math.data_files.fields import RowFault

REWARDS = ("pred_score", "pred_scores", "rewards", "reward", "rm_scores", "rm_score", "scores")
LABELS = ("correct", "labels", "label", "is_correct", "acc", "exact_match")
EITHER = ("score",)

Column = Sequence[Any] | None
_WORDS = {"true": True, "false": False, "1": True, "0": False}


class Marks(NamedTuple):
    """What stands beside the samples of a row, one entry a sample.

    Attributes:
        rewards: numbers, lists of them, or null.
        labels: true or false in any spelling, or null.
    """

    rewards: Column
    labels: Column


def told_apart(rewards: Column, labels: Column, either: Column) -> Marks:
    """The columns by what they hold."""
    if labels is None and _all_of(rewards, _is_boolean):
        rewards, labels = None, rewards
    if either is None:
        return Marks(rewards, labels)
    if _all_of(either, _is_boolean) or (rewards is not None and _all_of(either, _is_binary)):
        return Marks(rewards, either if labels is None else labels)
    return Marks(either if rewards is None else rewards, labels)


def label_of(value: Any, where: str) -> bool | None:
    """A label, written as true and false, or as 1 and 0.

    Raises:
        RowFault: it is anything else.
    """
    if isinstance(value, list) and len(value) == 1:
        return label_of(value[0], where)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in _WORDS:
        return _WORDS[value.strip().lower()]
    raise RowFault(f"{where} has the label {value!r:.40}, neither true nor false")


def reward_of(value: Any, where: str) -> float | None:
    """A reward; of a list (one for each step, however nested) its last number. What is not finite is none.

    Raises:
        RowFault: it is no number.
    """
    while isinstance(value, list):
        value = value[-1] if value else None
    if value is None or value == "":
        return None
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise RowFault(f"{where} has the score {value!r:.40}, no number") from None
    return number if isfinite(number) else None


def _all_of(column: Column, test: Any) -> bool:
    """Whether the column has values, and all of them pass."""
    values = [value for value in column or () if value is not None]
    return bool(values) and all(test(value) for value in values)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_binary(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, int | float) and value in (0, 1))
