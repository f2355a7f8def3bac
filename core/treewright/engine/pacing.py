"""When a role's next request may go out: its rate, pauses a server asked for, adaptive concurrency.

One pacer stands before each asynchronous component, shared by all problems of the process.
"""

import asyncio
import random
import time


class Pacer:
    """Spaces requests, holds them back while a server wants rest, and adapts how many run at once.

    A server that asks for rest gets half as many requests at once from then on; each success adds
    a fraction, so that about as many successes as are allowed at once add one more (additive
    increase, multiplicative decrease, as in TCP's congestion control).

    Args:
        concurrency: most requests at once.
        rate: most requests a minute, evenly spaced; ``None`` for no limit.

    Attributes:
        allowed: how many requests may be under way now, in [1, concurrency].
        shrunk: whether that is less than ``concurrency``; ``grow`` is for then.
        waits: whether ``turn`` has anything to wait for; to skip it where time matters.
    """

    def __init__(self, concurrency: int, rate: float | None = None) -> None:
        self.allowed: float = concurrency
        self.shrunk = False
        self.waits = rate is not None
        self._most = concurrency
        self._interval = 0.0 if rate is None else 60.0 / rate
        self._next = 0.0  # when the next slot of the rate is free
        self._held_until = 0.0

    async def turn(self) -> None:
        """Return when a request may go out; its slot is taken."""
        while True:
            now = time.monotonic()
            at = max(now, self._next, self._held_until)
            self._next = at + self._interval
            if at > now:
                # a rate spaces requests; without one, jitter keeps them from going on in the same instant
                spread = 1.0 if self._interval else 1 + 0.1 * random.random()
                await asyncio.sleep((at - now) * spread)
            if time.monotonic() >= self._held_until:  # else a rest began meanwhile
                return

    def rest(self, seconds: float) -> bool:
        """Hold everything back for ``seconds``, and go on with half as many at once; whether a new rest begins."""
        now = time.monotonic()
        begins = now >= self._held_until
        if begins:  # those under way complain too; one round of complaints is one lesson
            self.allowed = max(1.0, self.allowed / 2)
            self.shrunk = self.allowed < self._most
        self._held_until = max(self._held_until, now + seconds)
        self.waits = True
        return begins

    def grow(self) -> None:
        """A request was answered: the server can take a little more."""
        self.allowed = min(float(self._most), self.allowed + 1 / self.allowed)
        self.shrunk = self.allowed < self._most
