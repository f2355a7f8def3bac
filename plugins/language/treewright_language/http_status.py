"""What an HTTP error means for the next attempt: come back later, never again, or simply try again."""

import email.utils
import time
from collections.abc import Mapping

from treewright_registry import CallFailed, CallRefused, RetryLater

_BUSY = frozenset({429, 503, 529})  # too many requests; unavailable; overloaded (some vendors)
_PASSING = frozenset({408, 409, 425})  # time-out, conflict, too early: a server's own "try again"
_SPENT = ("insufficient_quota", "billing_hard_limit_reached")  # 429 that no waiting will mend


def judged(message: str, status: int, headers: Mapping[str, str], body: str) -> CallFailed:
    """The error to raise for a response with an error status.

    Args:
        message: what the user is told.
        status: the HTTP status, 400 to 599.
        headers: of the response; ``retry-after-ms`` and ``retry-after`` tell how long to wait.
        body: of the response; a used-up quota comes with status 429 too.
    """
    if status in _BUSY and not any(word in body for word in _SPENT):
        return RetryLater(message, _seconds(headers))
    if 400 <= status < 500 and status not in _PASSING:
        return CallRefused(message)
    return CallFailed(message)


def _seconds(headers: Mapping[str, str]) -> float | None:
    """How long the server asks to wait; ``None`` if it does not say, or not readably."""
    try:
        if "retry-after-ms" in headers:
            return float(headers["retry-after-ms"]) / 1000
        if "retry-after" in headers:
            return _number_or_date(headers["retry-after"])
    except (ValueError, TypeError, OverflowError):
        return None
    return None


def _number_or_date(text: str) -> float:
    if text.strip().replace(".", "", 1).isdigit():
        return float(text)
    return email.utils.parsedate_to_datetime(text).timestamp() - time.time()
