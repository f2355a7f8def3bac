"""What a search waits for: calls of components, and several of them together.

A search is a coroutine that the scheduler drives by hand (a trampoline): awaiting a call yields it
to the scheduler, which sends the result back when it is there. No asyncio future is made on this
path, which is what keeps a cheap call cheap.
"""

from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

from treewright_registry import ContractError

if TYPE_CHECKING:
    from treewright.engine.ports import Port
    from treewright.engine.scheduler import Scheduler

T = TypeVar("T")
Resume = Callable[[Any, BaseException | None], None]  # gets a result, or the error instead


# what a plugin may raise: a component that calls sys.exit must not end the run, least of all with code 0
PLUGIN_ERRORS = (Exception, SystemExit)


class Failure(NamedTuple):
    """A request without a usable result, and why."""

    reason: str


class Call(Generic[T]):
    """Requests of one search to one component, sent together.

    Attributes:
        port: where the requests go.
        method: ``propose``, ``score``, ``log_likelihood`` or ``retrieve``.
        requests: what is asked.
        outcomes: result or ``Failure`` for each request, filled in any order.
        missing: how many outcomes are still to come.
        failed: requests without a usable result, as far as they are booked.
        replayed: requests that were answered from the journal.
        seconds: time spent inside the component for these requests.
    """

    __slots__ = ("_finish", "failed", "method", "missing", "outcomes", "port", "requests", "resume", "seconds")
    replayed = 0

    def __init__(self, port: "Port", method: str, requests: Sequence[Any], finish: "Callable[[Call[T]], T]") -> None:
        self.port = port
        self.method = method
        self.requests = requests
        self.outcomes: list[Any] = [None] * len(requests)
        self.missing = len(requests)
        self.failed = 0
        self.seconds = 0.0
        self.resume: Resume = _nobody
        self._finish = finish

    def __await__(self) -> Generator[Any, T, T]:
        return (yield self)

    def start(self, scheduler: "Scheduler", resume: Resume) -> None:
        """Queue the requests; ``resume`` gets the result."""
        self.resume = resume
        if self.missing:
            scheduler.enqueue(self)
        else:
            self._end()

    def fill(self, start: int, outcomes: Sequence[Any], seconds: float) -> None:
        """Take outcomes for the requests from ``start`` on; resume the search after the last."""
        count = len(outcomes)
        self.outcomes[start : start + count] = outcomes
        self.seconds += seconds
        self.missing -= count
        if not self.missing:
            self._end()

    def _end(self) -> None:
        try:
            result = self._finish(self)
        except PLUGIN_ERRORS as error:  # results too odd to be booked are this search's error, not the run's
            what = f"{self.port.role}.{self.method}: the results cannot be booked"
            self.resume(None, ContractError(f"{what}: {type(error).__name__}: {error}"))
        else:
            self.resume(result, None)


class Composed(Generic[T]):
    """A call of a composite component: a coroutine of its own on the trampoline.

    What it is to do is fixed when the call is made, its child environment included, so that calls
    running together have the same draws in whatever order they run.
    """

    __slots__ = ("_coroutine",)

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, T]:
        return self._coroutine.__await__()

    def start(self, scheduler: "Scheduler", resume: Resume) -> None:
        """Run it beside the search; ``resume`` gets the result."""
        scheduler.spawn(self._coroutine, resume)


class Together:
    """Several calls of one search, running at the same time."""

    __slots__ = ("_awaitables", "_error", "_left", "_results", "_resume")

    def __init__(self, awaitables: "Sequence[Awaited]") -> None:
        self._awaitables = awaitables
        self._results: list[Any] = [None] * len(awaitables)
        self._left = len(awaitables)
        self._error: BaseException | None = None
        self._resume: Resume = _nobody

    def __await__(self) -> Generator[Any, list[Any], list[Any]]:
        return (yield self)

    def start(self, scheduler: "Scheduler", resume: Resume) -> None:
        """Start all; ``resume`` gets the results in the given order."""
        self._resume = resume
        if not self._awaitables:
            resume([], None)
        for index, awaitable in enumerate(self._awaitables):
            self._start_one(scheduler, index, awaitable)

    def _start_one(self, scheduler: "Scheduler", index: int, awaitable: "Awaited") -> None:
        def done(result: Any, error: BaseException | None) -> None:
            self._results[index] = result
            self._error = self._error or error
            self._left -= 1
            if not self._left:
                self._resume(self._results, self._error)

        awaitable.start(scheduler, done)


class Once(Generic[T]):
    """A coroutine that runs once, on the trampoline, for all who await it.

    Args:
        make: the coroutine; called when somebody awaits it for the first time.
    """

    __slots__ = ("_ended", "_make", "_waiting")

    def __init__(self, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._make: Callable[[], Coroutine[Any, Any, T]] | None = make
        self._waiting: list[Resume] = []
        self._ended: tuple[Any, BaseException | None] | None = None

    def __await__(self) -> Generator[Any, T, T]:
        return (yield self)

    def start(self, scheduler: "Scheduler", resume: Resume) -> None:
        """Run it, wait for it, or take what it gave; ``resume`` gets the result."""
        if self._ended is not None:
            resume(*self._ended)
            return
        self._waiting.append(resume)
        if self._make is not None:
            make, self._make = self._make, None
            scheduler.spawn(make(), self._end)

    def _end(self, result: Any, error: BaseException | None) -> None:
        self._ended = (result, error)
        for resume in self._waiting:
            resume(result, error)


Awaited: TypeAlias = "Call[Any] | Composed[Any] | Once[Any] | Together"


def _nobody(result: Any, error: BaseException | None) -> None:
    raise AssertionError("a call was answered before it was started")
