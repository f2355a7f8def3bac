"""A client for each event loop, closed when its loop shuts down.

Connections belong to the loop that opened them, and the engine has no hook that tells a component
of its end. An asynchronous generator that has started is closed by ``loop.shutdown_asyncgens``,
which ``asyncio.run`` and ``asyncio.Runner`` call: so one generator holds each client.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """Anything with ``await client.close()``."""

    def close(self) -> Awaitable[None]:
        """Let go of all connections."""
        ...


C = TypeVar("C", bound=Closable)


class LoopBound(Generic[C]):
    """Makes a client when a loop first asks for one, and the same one ever after.

    Args:
        make: makes a client; called on the loop that will use it.
    """

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._open: dict[asyncio.AbstractEventLoop, tuple[C, AsyncIterator[None]]] = {}

    async def get(self) -> C:
        """The running loop's client."""
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            client = self._make()
            keeper = self._keep(loop, client)
            self._open[loop] = client, keeper  # before the await: no other task makes a second one
            await anext(keeper)
        return self._open[loop][0]

    async def _keep(self, loop: asyncio.AbstractEventLoop, client: C) -> AsyncIterator[None]:
        try:
            yield
        finally:
            del self._open[loop]
            await client.close()
