"""Call a component with a batch, and hold its answers against the contract.

A component's failure costs the requests that caused it, nothing else: a batch that raises is
repeated one request at a time, and only those that raise alone have failed.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from treewright.engine.calls import PLUGIN_ERRORS, Failure
from treewright_registry import Likelihood, Proposals, Score, Step

_FINISHES = ("step", "stop", "length")
METHODS = {"policy": ("propose", "log_likelihood"), "scorer": ("score",), "retriever": ("retrieve",)}


def invoke(component: Any, method: str, requests: Sequence[Any]) -> list[Any]:
    """Results in order, a ``Failure`` in the place of each request that failed."""
    function = getattr(component, method)
    try:
        return checked(component, method, requests, function(requests))
    except PLUGIN_ERRORS as error:  # a plugin may raise anything; it becomes this request's failure
        if len(requests) == 1:
            return [Failure(_reason(error))]
    return [invoke(component, method, [request])[0] for request in requests]


def invoke_in_batches(component: Any, method: str, requests: Sequence[Any], batch: int) -> list[Any]:
    """As ``invoke``, in batches of ``batch``; requests must fill the last one."""
    if batch > 1:
        starts = range(0, len(requests), batch)
        return [each for at in starts for each in invoke(component, method, requests[at : at + batch])]
    function, check = getattr(component, method), _CHECKS[method]
    outcomes = []
    for request in requests:  # unrolled: a tree search spends much of its time here
        single = [request]
        try:
            results = function(single)
            if type(results) is list and len(results) == 1:
                outcomes.append(check(component, request, results[0]))
            else:
                outcomes += checked(component, method, single, results)
        except PLUGIN_ERRORS as error:  # as in ``invoke``
            outcomes.append(Failure(_reason(error)))
    return outcomes


def checked_one(component: Any, method: str, requests: list[Any], results: Any) -> Any:
    """As ``checked``, for a single request: the result, or why it breaks the contract."""
    if type(results) is list and len(results) == 1:
        return _CHECKS[method](component, requests[0], results[0])
    return checked(component, method, requests, results)[0]


def checked(component: Any, method: str, requests: Sequence[Any], results: Any) -> list[Any]:
    """The results of a call, those that break the contract replaced by failures."""
    if not isinstance(results, list | tuple):
        problem = f"{method} returned {type(results).__name__}, not a list"
        return [Failure(problem)] * len(requests)
    if len(results) != len(requests):
        if len(requests) > 1:
            raise ValueError(f"{method} returned {len(results)} results for {len(requests)} requests")
        return [Failure(f"{method} returned {len(results)} results for 1 request")]
    check = _CHECKS[method]
    return [check(component, request, result) for request, result in zip(requests, results, strict=True)]


def _check_proposals(component: Any, request: Any, result: Any) -> Any:
    if not isinstance(result, Proposals):
        return Failure(f"propose returned {type(result).__name__} instead of Proposals")
    if len(result.steps) > request.n:
        return Failure(f"propose returned {len(result.steps)} steps where {request.n} were asked for")
    for step in result.steps:
        complaint = _step_complaint(step)
        if complaint:
            return Failure(f"propose returned {complaint}")
    return result


def _step_complaint(step: Any) -> str:
    if type(step) is not Step:
        return f"a {type(step).__name__} where a Step is wanted"
    if step.finish not in _FINISHES:
        return f"a step with finish {step.finish!r}; known: {', '.join(_FINISHES)}"
    if type(step.tokens) is not int or step.tokens < 0:
        return f"a step with {step.tokens!r} tokens"
    likely = step.log_probability
    if likely is not None and not -inf <= likely < inf:  # NaN fails every comparison
        return f"a step whose log-probability is {likely}"
    return ""


def _check_score(component: Any, request: Any, result: Any) -> Any:
    if not isinstance(result, Score):
        return Failure(f"score returned {type(result).__name__} instead of Score")
    value = result.value
    if value != value:
        return result if result.reason else Failure("score returned NaN without a reason")
    low, high = component.range
    if low <= value <= high and -inf < value < inf:
        return result
    if value in (inf, -inf):
        return Failure(f"score returned {value}")
    return Failure(f"score returned {value:g}, outside the declared range [{low:g}, {high:g}]")


def _check_likelihood(component: Any, request: Any, result: Any) -> Any:
    if not isinstance(result, Likelihood):
        return Failure(f"log_likelihood returned {type(result).__name__} instead of Likelihood")
    if result.log_probability != result.log_probability and not result.reason:
        return Failure("log_likelihood returned NaN without a reason")
    return result


def _check_hits(component: Any, request: Any, result: Any) -> Any:
    if not isinstance(result, list | tuple):
        return Failure(f"retrieve returned {type(result).__name__} instead of a list of hits")
    if len(result) > request.k:
        return Failure(f"retrieve returned {len(result)} hits where {request.k} were asked for")
    return result


_CHECKS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "propose": _check_proposals,
    "score": _check_score,
    "log_likelihood": _check_likelihood,
    "retrieve": _check_hits,
}


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".strip().rstrip(":")
