"""A request for n samples as n requests for one each, and their answers put together again.

For policies that make a call of their own for each sample anyway (``single_samples``): so each
sample has its own place in the limiter, its own retries and deadline, and one that fails costs
itself only.
"""

from collections.abc import Sequence
from typing import Any

from treewright.engine.calls import Call, Failure
from treewright_registry import NO_USAGE, Proposals, ProposeRequest, Step, Usage


def split(request: ProposeRequest) -> list[ProposeRequest]:
    """A request for each sample, with a seed of its own."""
    return [request._replace(n=1, seed=request.key(sample).seed) for sample in range(request.n)]


class Samples:
    """Stands in a port's queue for one request of a call; to the port it looks like a call.

    Args:
        call: whose request it is.
        index: which of the call's requests.
    """

    __slots__ = ("_call", "_index", "_missing", "_outcomes", "_seconds", "method", "requests")

    def __init__(self, call: Call[Any], index: int) -> None:
        request: ProposeRequest = call.requests[index]
        self.method = call.method
        self.requests: Sequence[Any] = split(request)
        self._call = call
        self._index = index
        self._outcomes: list[Any] = [None] * request.n
        self._missing = request.n
        self._seconds = 0.0

    def fill(self, start: int, outcomes: Sequence[Any], seconds: float) -> None:
        """Take outcomes for the samples from ``start`` on; answer the request after the last."""
        self._outcomes[start : start + len(outcomes)] = outcomes
        self._seconds += seconds
        self._missing -= len(outcomes)
        if not self._missing:
            self._call.fill(self._index, [merged(self._outcomes)], self._seconds)


def merged(outcomes: Sequence[Any]) -> Proposals | Failure:
    """What arrived, in the order of the samples; a failure only if nothing did."""
    if all(isinstance(outcome, Failure) for outcome in outcomes):
        return Failure(outcomes[0].reason)
    steps: list[Step] = []
    failed: list[str] = []
    usage = NO_USAGE
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            failed.append(outcome.reason)
            continue
        steps += outcome.steps
        failed += outcome.failed  # it came, was paid for, and is of no use
        usage = Usage(*(left + right for left, right in zip(usage, outcome.usage, strict=True)))
    return Proposals(steps, usage, tuple(failed))
