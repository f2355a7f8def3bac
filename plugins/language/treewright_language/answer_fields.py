"""The fields of a server's answer, and errors that say which one is missing or odd."""

import json
import math
from typing import Any, NamedTuple

from treewright_registry import CallFailed

_LOWEST = -9999.0  # servers send this for −∞, which JSON cannot say


class TokenUsage(NamedTuple):
    """What an answer says of its own cost.

    Attributes:
        read: tokens of the prompt, counted once however many samples there are.
        written: tokens of all samples together.
    """

    read: int
    written: int


def decoded(body: str) -> Any:
    """The JSON value of a response body.

    Raises:
        CallFailed: it is none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise CallFailed(f"the answer is no JSON ({error}): {shown(body)}") from None


def field(data: Any, name: str, kind: type[Any]) -> Any:
    """A field of that type.

    Raises:
        CallFailed: it is missing, or of another type.
    """
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, kind):
        raise CallFailed(f"the answer lacks '{name}' (it is {shown(value)}); is this an OpenAI-compatible API?")
    return value


def usage_of(data: Any) -> TokenUsage:
    """The tokens that an answer cost.

    Raises:
        CallFailed: it does not say.
    """
    usage = field(data, "usage", dict)
    return TokenUsage(_count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))


def number(value: Any) -> float:
    """A token's log-probability, −∞ where the server says that it has none.

    Raises:
        CallFailed: it is no number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CallFailed(f"the server returned {shown(value)} as the log-probability of a token")
    return -math.inf if value <= _LOWEST else float(value)


def shown(value: Any, most: int = 80) -> str:
    """A value as JSON, cut to a length that fits into a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= most else f"{text[:most]}…"


def _count(usage: dict[str, Any], name: str) -> int:
    value = usage.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise CallFailed(f"the answer's usage lacks '{name}' (it is {shown(value)}): its cost is unknown")
    return value
