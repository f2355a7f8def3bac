"""How requests reach an ``async`` component: as asyncio tasks, paced, repeated, within a deadline.

| what the component raises        | what happens                                                      |
|----------------------------------|-------------------------------------------------------------------|
| ``RetryLater(reason, seconds)``  | the whole role rests; the request is repeated, ``patience`` allowing |
| ``CallRefused``                  | the request has failed at once                                    |
| anything else, or a deadline     | up to ``retries`` further attempts, with growing, jittered pauses |
"""

import asyncio
import logging
import random
import time
from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from treewright.engine.calls import PLUGIN_ERRORS, Call, Failure
from treewright.engine.invoke import checked_one
from treewright.engine.pacing import Pacer
from treewright.engine.ports import Port
from treewright.engine.samples import Samples
from treewright.engine.watching import watched
from treewright.pipeline import CallSettings
from treewright_registry import CallRefused, ConfigurationError, ContractError, RetryLater

if TYPE_CHECKING:
    from treewright.engine.scheduler import Scheduler

_LOG = logging.getLogger(__name__)
_HOPELESS = (CallRefused, ConfigurationError, ContractError)  # the same again would fail again
_BLOCKING = 1.0  # seconds without giving way that are worth a warning
_NOTICED = 5.0  # seconds of rest that people notice


class _Miss(NamedTuple):
    """An attempt without a result.

    Attributes:
        failure: what went wrong.
        again: whether another attempt makes sense.
        asked: whether the component asked to be called again later.
        seconds: when, if it said.
    """

    failure: Failure
    again: bool = True
    asked: bool = False
    seconds: float | None = None


class _Late(Exception):
    """A call that did not end within its deadline."""


class EndpointPort(Port):
    """Calls an ``async`` component, one request a call, at most ``concurrency`` at a time.

    A task takes one request after the other until none is left: making a task for each would cost
    more than all the rest. The limiter is the number of tasks; it goes down when a task ends,
    however it ends, so no permit can be lost to a cancellation or an error.
    """

    def __init__(self, role: str, component: Any, settings: CallSettings) -> None:
        super().__init__(role, component, settings)
        self._active = 0
        self._pacer = Pacer(settings.concurrency, settings.rate)
        self.single_samples = bool(getattr(component, "single_samples", False))
        self._watching = self._warned = False
        self._plain = settings.deadline is None  # nothing to do around a call

    def enqueue(self, call: Call[Any]) -> None:
        """Queue a call's requests, sample by sample if the component wants them so."""
        if not self.single_samples or call.method != "propose" or all(request.n == 1 for request in call.requests):
            super().enqueue(call)
            return
        for index in range(len(call.requests)):
            super().enqueue(Samples(call, index))  # type: ignore[arg-type]  # all that a port needs of a call

    def flush(self, scheduler: "Scheduler") -> bool:
        """Start as many tasks as there are queued requests and the limit allows."""
        sent = False
        while self.waiting and self._active + 1 <= self._pacer.allowed:
            first = self._take_one()  # taken here, so that every task started has work
            task = asyncio.ensure_future(self._work(scheduler, *first))
            self._active += 1
            scheduler.in_flight += 1
            task.add_done_callback(partial(self._ended, scheduler))
            sent = True
        return sent

    def _take_one(self) -> tuple[str, Call[Any], int]:
        self.waiting -= 1
        for method, queued in self._queues.items():
            if queued:
                call, index = queued[0]
                if index + 1 < len(call.requests):
                    queued[0] = (call, index + 1)
                else:
                    queued.popleft()
                return method, call, index
        raise AssertionError(f"{self.role}: nothing is queued")

    async def _work(self, scheduler: "Scheduler", method: str, call: Call[Any], index: int) -> None:
        pacer, clock = self._pacer, time.perf_counter
        try:
            while True:
                requests = [call.requests[index]]
                if pacer.waits:
                    await pacer.turn()
                begin = clock()
                outcome = await self._attempt(method, requests)
                seconds = clock() - begin
                if seconds > _BLOCKING and not self._warned:
                    # slow is not blocking, but may be: from now on it is watched, which costs a little
                    self._watching, self._plain = True, False
                if type(outcome) is _Miss:
                    outcome, seconds = await self._try_again(method, requests, outcome, seconds)
                call.fill(index, (outcome,), seconds)
                if scheduler.ready:
                    scheduler.wake()
                if not self.waiting or self._active > pacer.allowed:
                    return
                method, call, index = self._take_one()
        except asyncio.CancelledError:
            # by the end of the run, where nobody waits any more, or by the component, where a search does
            call.fill(index, [Failure("CancelledError: its task was cancelled")], 0.0)
            raise

    def _ended(self, scheduler: "Scheduler", task: "asyncio.Future[None]") -> None:
        self._active -= 1
        scheduler.in_flight -= 1
        scheduler.wake()

    async def _try_again(self, method: str, requests: list[Any], miss: _Miss, seconds: float) -> tuple[Any, float]:
        """The outcome after as many further attempts as it takes and the settings allow.

        Also returns the seconds of all attempts together, without the pauses between them.
        """
        repeats = rests = 0
        patience = time.monotonic() + self.settings.patience
        while True:
            if miss.asked:
                rests += 1
                pause = _pause(rests) if miss.seconds is None else miss.seconds
                if time.monotonic() + pause > patience:
                    return self._impatient(miss, pause), seconds
                self._rest(pause, miss.failure)
            elif miss.again and repeats < self.settings.retries:
                repeats += 1
                await asyncio.sleep(_pause(repeats))
            else:
                return miss.failure, seconds
            await self._pacer.turn()
            begin = time.perf_counter()
            outcome = await self._attempt(method, requests)
            seconds += time.perf_counter() - begin
            if type(outcome) is not _Miss:
                return outcome, seconds
            miss = outcome

    def _rest(self, pause: float, failure: Failure) -> None:
        """Hold the role back; a pause that people notice is told to them."""
        if self._pacer.rest(pause) and pause >= _NOTICED:
            most = int(self._pacer.allowed)
            _LOG.warning(
                "%s: its server asks for rest; going on in %.0f s, with at most %d requests at once\n    %s",
                self.role,
                pause,
                most,
                failure.reason,
            )

    def _impatient(self, miss: _Miss, pause: float) -> Failure:
        most = self.settings.patience
        return Failure(f"{miss.failure.reason}; to be repeated in {pause:.3g} s, beyond call.patience ({most:g} s)")

    async def _attempt(self, method: str, requests: list[Any]) -> Any:
        component = self.component
        try:
            called = getattr(component, method)(requests)
            results = await (called if self._plain else self._limited(called))
            outcome = checked_one(component, method, requests, results)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the run is being torn down; nobody waits for the result
            return _Miss(Failure("CancelledError: the component cancelled its own request"))
        except PLUGIN_ERRORS as error:  # an endpoint may fail in any way; it becomes this request's failure
            return _missed(error)
        if type(outcome) is Failure:
            return _Miss(outcome)
        if self._pacer.shrunk:
            self._pacer.grow()
        return outcome

    async def _limited(self, called: Coroutine[Any, Any, Any]) -> Any:
        """The results of a call, within the deadline; calls that block the loop are found out."""
        if self._watching:
            called = watched(called, self._blocked, _BLOCKING)
        deadline = self.settings.deadline
        if deadline is None:
            return await called
        try:
            async with asyncio.timeout(deadline) as limit:
                return await called
        except TimeoutError:
            if limit.expired():
                raise _Late(f"no answer within the deadline of {deadline} s") from None
            raise

    def _blocked(self, seconds: float) -> None:
        """Say once that the component does not give way."""
        if not self._warned:
            self._warned, self._watching = True, False
            _LOG.warning(
                "%s: %s is async and kept everything else waiting for %.1f s: it computes, or calls its server with a"
                " blocking client\n    await an asynchronous client, or make the method synchronous and set"
                " expensive = True, which gives it a thread",
                self.role,
                type(self.component).__name__,
                seconds,
            )


def _missed(error: BaseException) -> _Miss:
    failure = Failure(str(error) if isinstance(error, _Late) else f"{type(error).__name__}: {error}")
    if isinstance(error, RetryLater):
        return _Miss(failure, asked=True, seconds=error.seconds)
    return _Miss(failure, again=not isinstance(error, _HOPELESS))


def _pause(attempt: int) -> float:
    """Seconds before a further attempt: 0.25, 0.5, 1 … up to 30, each times 0.5–1.5."""
    # jitter only spreads load; it touches no result, so it need not be keyed
    return float(min(30.0, 0.25 * 2 ** min(attempt - 1, 10)) * (0.5 + random.random()))
