"""Drive many searches at once, batch what they ask for, and wake each one as its results arrive.

There is no barrier across problems: a search goes on as soon as its own results are there. Local
components get full batches (sent when full, or when no search can move); endpoints get bounded
concurrency. Searches are trampolined: as long as only inline components are called, the event
loop is never entered.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any

from treewright.engine.calls import PLUGIN_ERRORS, Call, Once, Resume, Together
from treewright.engine.ports import InlinePort, Port
from treewright_registry import ContractError

_SLICE = 100  # fibers advanced before endpoints get their turn: a long replay must not make them late
_OURS = (Call, Together, Once)  # a tuple: making a union for each test costs more than the test
_FOREIGN = "a search awaited {}; it may await only what env returns (env.propose, env.together, …)"


class Fiber:
    """A coroutine on the trampoline."""

    __slots__ = ("coroutine", "done", "scheduler")

    def __init__(self, scheduler: "Scheduler", coroutine: Coroutine[Any, Any, Any], done: Resume) -> None:
        self.scheduler = scheduler
        self.coroutine = coroutine
        self.done = done

    def resume(self, value: Any, error: BaseException | None) -> None:
        """Make the coroutine ready to go on with a result or an error."""
        self.scheduler.ready.append((self, value, error))

    def advance(self, value: Any, error: BaseException | None) -> None:
        """Run the coroutine until it waits again or ends."""
        try:
            if error is None:
                waited_for = self.coroutine.send(value)
            else:
                waited_for = self.coroutine.throw(error)
        except StopIteration as stop:
            self.scheduler.fibers.discard(self)
            self.done(stop.value, None)
        except PLUGIN_ERRORS as raised:  # handed to whoever waits for this coroutine
            self.scheduler.fibers.discard(self)
            self.done(None, raised)
        else:
            if isinstance(waited_for, _OURS):
                waited_for.start(self.scheduler, self.resume)
            else:
                self.resume(None, ContractError(_FOREIGN.format(type(waited_for).__name__)))


class Scheduler:
    """The loop over searches and ports of one process.

    Args:
        ports: the components.
        commit: puts what ports have answered on disk; called before any search sees it.

    Attributes:
        ready: fibers that can go on, with what they waited for.
        fibers: all that are alive.
        in_flight: calls under way on threads and endpoints.
    """

    def __init__(self, ports: Iterable[Port], commit: Callable[[], None] | None = None) -> None:
        self.ready: deque[tuple[Fiber, Any, BaseException | None]] = deque()
        self.fibers: set[Fiber] = set()
        self.in_flight = 0
        self._commit = commit
        self._ports = list(ports)
        self._inline = [port for port in self._ports if isinstance(port, InlinePort)]
        self._background = [port for port in self._ports if not isinstance(port, InlinePort)]
        # full batches then need no queue: nothing else could run meanwhile, nothing is to be written first
        self._all_inline = commit is None and not self._background
        self._wakened = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, admit: Callable[["Scheduler"], bool]) -> None:
        """Run until ``admit`` has no more work and nothing is alive.

        ``admit`` is called whenever there may be room: it spawns searches and tells whether more
        work may still come from elsewhere (then an idle scheduler waits instead of ending).
        """
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                self._advance_ready()
                if self.ready:  # more than a slice
                    await asyncio.sleep(0)
                    continue
                moving = self._send()
                more = admit(self)  # ended searches made room
                if moving or self.ready:
                    if self.in_flight:
                        await asyncio.sleep(0)  # let endpoint tasks move while inline work goes on
                elif self.fibers or more:
                    await self._wait()
                else:
                    return
        finally:
            for fiber in self.fibers:
                fiber.coroutine.close()
            for port in self._ports:
                port.close()

    def spawn(self, coroutine: Coroutine[Any, Any, Any], done: Resume) -> None:
        """Start a coroutine; ``done`` gets its result or error."""
        fiber = Fiber(self, coroutine, done)
        self.fibers.add(fiber)
        self.ready.append((fiber, None, None))

    def enqueue(self, call: Call[Any]) -> None:
        """Queue a call; a port that has a full batch sends it at once."""
        port = call.port
        if self._all_inline and not port.waiting and not len(call.requests) % port.settings.batch:
            port.answer(call)
            return
        port.enqueue(call)
        if self._background and port.waiting >= port.settings.batch and port in self._background:
            port.flush(self)

    def post(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` on the scheduler's thread; callable from any thread."""
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is closed: the run was stopped, nobody waits any more
            self._loop.call_soon_threadsafe(self._posted, callback)

    def wake(self) -> None:
        """End a wait for something to happen."""
        self._wakened.set()

    def _posted(self, callback: Callable[[], None]) -> None:
        callback()
        self._wakened.set()

    def _advance_ready(self) -> None:
        if self._commit is not None:  # nothing is answered by a port while fibers advance
            self._commit()
        ready = self.ready
        left = _SLICE if self.in_flight else -1
        while ready and left:
            fiber, value, error = ready.popleft()
            fiber.advance(value, error)
            left -= 1

    def _send(self) -> bool:
        # background first: their work then overlaps with the inline calls
        sent = False
        for port in self._background:
            if port.waiting:
                port.flush(self)
        for port in self._inline:
            if port.waiting:
                sent |= port.flush(self)
        return sent or bool(self.ready)

    async def _wait(self) -> None:
        await self._wakened.wait()
        self._wakened.clear()
