"""How requests reach a component: inline, on a thread, in a killable worker, or as asyncio tasks.

| component                          | port     | calls                                           |
|------------------------------------|----------|-------------------------------------------------|
| synchronous                        | Inline   | on the scheduler's own thread, full batches     |
| synchronous, ``expensive = True``  | Threaded | on a thread of its own, while others compute    |
| synchronous with a deadline        | Threaded | the same, in a process that is killed when late |
| ``async def``                      | Endpoint | one request a call, bounded concurrency         |
"""

import asyncio
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from treewright.engine.calls import Call, Failure
from treewright.engine.invoke import checked, invoke
from treewright.pipeline import CallSettings

if TYPE_CHECKING:
    from treewright.engine.scheduler import Scheduler

Segment = tuple[Call[Any], int, int]  # requests start:stop of a call
Runner = Callable[[str, Sequence[Any]], list[Any]]


class Port:
    """The queue in front of one component.

    Attributes:
        role: the component's role in the pipeline.
        component: the component, or what stands for it here (declared range, capabilities).
        settings: limits of its calls.
        waiting: requests queued and not yet sent.
    """

    def __init__(self, role: str, component: Any, settings: CallSettings) -> None:
        self.role = role
        self.component = component
        self.settings = settings
        self.waiting = 0
        self._queues: dict[str, deque[tuple[Call[Any], int]]] = {}

    def enqueue(self, call: Call[Any]) -> None:
        """Queue a call's requests."""
        queued = self._queues.get(call.method)
        if queued is None:
            queued = self._queues[call.method] = deque()
        queued.append((call, 0))
        self.waiting += len(call.requests)

    def flush(self, scheduler: "Scheduler") -> bool:
        """Send what is queued, as far as the port takes it; whether anything was sent."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of threads and processes."""

    def _take(self, most: int) -> tuple[str, list[Segment]]:
        """The next requests, at most ``most``, all of one method, oldest call first."""
        method, queued = next(item for item in self._queues.items() if item[1])
        segments: list[Segment] = []
        while queued and most > 0:
            call, start = queued.popleft()
            stop = min(len(call.requests), start + most)
            segments.append((call, start, stop))
            most -= stop - start
            self.waiting -= stop - start
            if stop < len(call.requests):
                queued.appendleft((call, stop))
        return method, segments


class InlinePort(Port):
    """Calls the component right here: for what is cheaper than a hop to another thread."""

    def flush(self, scheduler: "Scheduler") -> bool:
        """Send all that is queued, in batches."""
        sent = False
        while self.waiting:
            method, segments = self._take(self.settings.batch)
            requests = _requests(segments)
            begin = time.perf_counter()
            outcomes = invoke(self.component, method, requests)
            _deliver(segments, outcomes, time.perf_counter() - begin)
            sent = True
        return sent


class ThreadedPort(Port):
    """Calls the component on one thread, so that policy and scorer work at the same time."""

    def __init__(
        self,
        role: str,
        component: Any,
        settings: CallSettings,
        run: Runner,
        stop: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(role, component, settings)
        self._run = run
        self._stop = stop
        self._busy = False
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # a daemon: a hung component must not keep the process alive after Ctrl-C
        threading.Thread(target=self._work, name=f"treewright-{role}", daemon=True).start()

    def flush(self, scheduler: "Scheduler") -> bool:
        """Send one batch if the thread is free."""
        if self._busy or not self.waiting:
            return False
        method, segments = self._take(self.settings.batch)
        requests = _requests(segments)
        self._busy = True
        scheduler.in_flight += 1
        self._inbox.put(lambda: self._call(scheduler, method, requests, segments))
        return True

    def close(self) -> None:
        """End the thread after its current call, and its worker process at once."""
        self._inbox.put(None)
        if self._stop is not None:
            self._stop()

    def _work(self) -> None:
        while (job := self._inbox.get()) is not None:
            job()

    def _call(
        self, scheduler: "Scheduler", method: str, requests: list[Any], segments: list[Segment]
    ) -> None:
        begin = time.perf_counter()
        outcomes = self._run(method, requests)
        seconds = time.perf_counter() - begin

        def arrived() -> None:
            self._busy = False
            scheduler.in_flight -= 1
            _deliver(segments, outcomes, seconds)

        scheduler.post(arrived)


class EndpointPort(Port):
    """Calls an ``async`` component, one request a call, at most ``concurrency`` at a time.

    The limiter is a count that goes down when a task ends, however it ends; no permit can be lost
    to a cancellation or an error.
    """

    def __init__(self, role: str, component: Any, settings: CallSettings) -> None:
        super().__init__(role, component, settings)
        self._active = 0

    def flush(self, scheduler: "Scheduler") -> bool:
        """Start as many queued requests as the limit allows."""
        sent = False
        while self.waiting and self._active < self.settings.concurrency:
            method, segments = self._take(1)
            task = asyncio.ensure_future(self._call(method, _requests(segments)))
            self._active += 1
            scheduler.in_flight += 1
            task.add_done_callback(partial(self._arrived, scheduler, segments))
            sent = True
        return sent

    def _arrived(
        self, scheduler: "Scheduler", segments: list[Segment], task: "asyncio.Future[tuple[Any, float]]"
    ) -> None:
        self._active -= 1
        scheduler.in_flight -= 1
        if task.cancelled():
            return  # the run is being torn down; nobody waits for the result
        outcome, seconds = task.result()
        _deliver(segments, [outcome], seconds)
        scheduler.wake()

    async def _call(self, method: str, requests: list[Any]) -> tuple[Any, float]:
        begin = time.perf_counter()
        outcome: Any = Failure("no attempt was made")
        for attempt in range(self.settings.retries + 1):
            if attempt:
                await asyncio.sleep(_pause(attempt))
            outcome = await self._attempt(method, requests)
            if not isinstance(outcome, Failure):
                break
        return outcome, time.perf_counter() - begin

    async def _attempt(self, method: str, requests: list[Any]) -> Any:
        try:
            async with asyncio.timeout(self.settings.deadline):
                results = await getattr(self.component, method)(requests)
            return checked(self.component, method, requests, results)[0]
        except TimeoutError:
            return Failure(f"no answer within the deadline of {self.settings.deadline} s")
        except Exception as error:  # an endpoint may fail in any way; it becomes this request's failure
            return Failure(f"{type(error).__name__}: {error}")


def _pause(attempt: int) -> float:
    """Seconds before a further attempt: 0.25, 0.5, 1 … up to 30, each times 0.5–1.5."""
    # jitter only spreads load; it touches no result, so it need not be keyed
    return float(min(30.0, 0.25 * 2 ** (attempt - 1)) * (0.5 + random.random()))


def _requests(segments: list[Segment]) -> list[Any]:
    if len(segments) == 1:
        call, start, stop = segments[0]
        whole = stop - start == len(call.requests)
        return list(call.requests) if whole else list(call.requests[start:stop])
    return [request for call, start, stop in segments for request in call.requests[start:stop]]


def _deliver(segments: list[Segment], outcomes: list[Any], seconds: float) -> None:
    if len(segments) == 1:
        call, start, _ = segments[0]
        call.fill(start, outcomes, seconds)
        return
    share = seconds / len(outcomes)
    done = 0
    for call, start, stop in segments:
        count = stop - start
        call.fill(start, outcomes[done : done + count], share * count)
        done += count
