"""What a comparison of two answers says."""

from typing import Literal, NamedTuple, TypeAlias

By: TypeAlias = Literal["text", "number", "math-verify", "refused"]


class Outcome(NamedTuple):
    """Whether an answer equals the reference, and who says so.

    Attributes:
        equal: the answer is right.
        by: ``text`` and ``number`` compare here, ``math-verify`` in the worker, ``refused`` did not compare.
        reason: why there was no proper comparison: too long, too late, the worker died.
    """

    equal: bool
    by: By
    reason: str | None = None
