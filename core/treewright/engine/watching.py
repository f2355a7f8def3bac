"""Find out whether a coroutine blocks the event loop, by stepping it: nothing else tells blocking from waiting."""

import time
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any


@coroutine
def watched(
    called: Coroutine[Any, Any, Any], blocked: Callable[[float], None], most: float
) -> Generator[Any, Any, Any]:
    """Run a coroutine and tell of every stretch that it ran for long without giving way.

    Args:
        called: the coroutine; its results and errors pass through.
        blocked: told the seconds of each long stretch.
        most: seconds that are still all right.
    """
    step: Callable[[Any], Any] = called.send
    value: Any = None
    while True:
        begin = time.perf_counter()
        try:
            waited_for = step(value)
        except StopIteration as stop:
            return stop.value
        finally:
            seconds = time.perf_counter() - begin
            if seconds > most:
                blocked(seconds)
        try:
            step, value = called.send, (yield waited_for)
        except BaseException as error:  # a cancellation or time-out: the coroutine's business
            step, value = called.throw, error
