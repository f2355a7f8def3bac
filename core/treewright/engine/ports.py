"""How requests reach a component: inline, on a thread or in a killable worker; asyncio tasks see ``endpoint``.

| component                          | port     | calls                                           |
|------------------------------------|----------|-------------------------------------------------|
| synchronous                        | Inline   | on the scheduler's own thread, full batches     |
| synchronous, ``expensive = True``  | Threaded | on a thread of its own, while others compute    |
| synchronous with a deadline        | Threaded | the same, in a process that is killed when late |
| ``async def``                      | Endpoint | one request a call, bounded concurrency         |
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from treewright.engine.calls import Call, Failure
from treewright.engine.invoke import invoke, invoke_in_batches
from treewright.pipeline import CallSettings

if TYPE_CHECKING:
    from treewright.engine.scheduler import Scheduler

Segment = tuple[Call[Any], int, int]  # requests start:stop of a call
Runner = Callable[[str, Sequence[Any]], list[Any]]


class Port:
    """The queue in front of one component.

    Attributes:
        single_samples: whether a request for n steps is sent as n requests, see ``samples``.
        role: the component's role in the pipeline.
        component: the component, or what stands for it here (declared range, capabilities).
        settings: limits of its calls.
        waiting: requests queued and not yet sent.
    """

    single_samples = False

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

    def answer(self, call: Call[Any]) -> None:
        """Answer a call that fills whole batches here and now, past the queue."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of threads and processes."""

    def _oldest(self) -> tuple[str, deque[tuple[Call[Any], int]]]:
        """The first method that has something queued, and its queue."""
        for method, queued in self._queues.items():
            if queued:
                return method, queued
        raise AssertionError(f"{self.role}: nothing is queued")

    def _take(self, most: int) -> tuple[str, list[Segment]]:
        """The next requests, at most ``most``, all of one method, oldest call first."""
        method, queued = self._oldest()
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
            method, queued = self._oldest()
            call, start = queued[0]
            if len(call.requests) - start >= self.settings.batch:
                self._send_full_batches(method, queued)
            else:
                self._send_mixed_batch()
            sent = True
        return sent

    def answer(self, call: Call[Any]) -> None:
        """Answer a call that fills whole batches."""
        begin = time.perf_counter()
        outcomes = invoke_in_batches(self.component, call.method, call.requests, self.settings.batch)
        call.fill(0, outcomes, time.perf_counter() - begin)

    def _send_full_batches(self, method: str, queued: deque[tuple[Call[Any], int]]) -> None:
        """Send as many full batches as the oldest call holds by itself: the path of small batches."""
        call, start = queued.popleft()
        batch, requests = self.settings.batch, call.requests
        stop = len(requests) - (len(requests) - start) % batch
        self.waiting -= stop - start
        if stop < len(requests):
            queued.appendleft((call, stop))
        begin = time.perf_counter()
        outcomes = invoke_in_batches(self.component, method, requests[start:stop], batch)
        call.fill(start, outcomes, time.perf_counter() - begin)

    def _send_mixed_batch(self) -> None:
        """Fill a batch from several calls."""
        method, segments = self._take(self.settings.batch)
        requests = _requests(segments)
        begin = time.perf_counter()
        outcomes = invoke(self.component, method, requests)
        _deliver(segments, outcomes, time.perf_counter() - begin)


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

    def _call(self, scheduler: "Scheduler", method: str, requests: list[Any], segments: list[Segment]) -> None:
        begin = time.perf_counter()
        try:
            outcomes = self._run(method, requests)
        except BaseException as error:  # whatever it was, the search waits for an answer: never lose it
            outcomes = [Failure(f"{type(error).__name__}: {error}")] * len(requests)
        seconds = time.perf_counter() - begin

        def arrived() -> None:
            self._busy = False
            scheduler.in_flight -= 1
            _deliver(segments, outcomes, seconds)

        scheduler.post(arrived)


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
