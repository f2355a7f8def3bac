"""Call a component's method by hand, without an engine."""

import asyncio
import inspect
import math
from collections.abc import Sequence
from typing import Any


def ask(method: Any, requests: Sequence[Any]) -> Any:
    """What the method answers, awaited if it is asynchronous."""
    answer = method(requests)
    return asyncio.run(_awaited(answer)) if inspect.isawaitable(answer) else answer


async def _awaited(answer: Any) -> Any:
    return await answer


def same(one: Any, other: Any) -> bool:
    """Whether two results say the same; numbers may differ in their last digits.

    Neural arithmetic changes in its last bits with the shape of a batch, so exact equality would
    ask too much.
    """
    if isinstance(one, float) and isinstance(other, float):
        both_nan = one != one and other != other
        return both_nan or math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-6)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)
