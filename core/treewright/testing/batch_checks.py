"""Checks of everything that takes a list of requests: policies, scorers, retrievers."""

from treewright.testing.calling import same
from treewright.testing.outcomes import Broken, Check, NotChecked
from treewright.testing.subjects import ComponentSubject


def _enough(subject: ComponentSubject) -> None:
    if len(subject.requests) < 2:
        raise NotChecked("no task of the plugin gives two requests to ask it with")


def check_one_result_per_request(subject: ComponentSubject) -> None:
    """Rule: the list of results is as long as the list of requests.

    Repair: return one result for each request, in order; for none, return an empty one.
    """
    _enough(subject)
    got = len(subject.ask(subject.requests))
    if got != len(subject.requests):
        raise Broken(f"{len(subject.requests)} requests gave {got} results")


def check_empty_batch(subject: ComponentSubject) -> None:
    """Rule: no requests, no results.

    Repair: return an empty list when the list of requests is empty.
    """
    got = subject.ask([])
    if got:
        raise Broken(f"an empty batch gave {len(got)} results")


def check_same_request_same_result(subject: ComponentSubject) -> None:
    """Rule: a result depends on its request alone; asked twice, the answer is the same.

    Repair: keep no state between calls, and draw at random only with request.key(…).
    """
    _enough(subject)
    first, second = subject.results(subject.requests), subject.results(subject.requests)
    for number, (one, other) in enumerate(zip(first, second, strict=False)):
        if not same(one, other):
            raise Broken(f"request {number} gave {one!r}, then {other!r}")


def check_order_of_the_batch(subject: ComponentSubject) -> None:
    """Rule: results stand in the order of their requests.

    Repair: if requests are sorted for speed, put the results back into the order of the requests.
    """
    _enough(subject)
    forwards = subject.results(subject.requests)
    backwards = subject.results(list(reversed(subject.requests)))
    if len(forwards) != len(subject.requests):
        return  # another check reports it
    if not same(forwards, backwards[::-1]):
        raise Broken("the reversed batch did not give the reversed results")


def check_batch_equals_one_by_one(subject: ComponentSubject) -> None:
    """Rule: a request gets the same result alone and in a batch.

    Repair: let no request see its neighbours: no running number, no padding that leaks, no ranking.
    """
    _enough(subject)
    together = subject.results(subject.requests)
    for number, request in enumerate(subject.requests):
        alone = subject.results([request])
        if len(alone) == 1 and number < len(together) and not same(alone[0], together[number]):
            raise Broken(f"request {number} gave {together[number]!r} in the batch, {alone[0]!r} alone")


CHECKS: tuple[Check, ...] = (
    check_one_result_per_request,
    check_empty_batch,
    check_same_request_same_result,
    check_order_of_the_batch,
    check_batch_equals_one_by_one,
)
