"""Ctrl-C at safe places only, while other processes work for this one.

Python raises ``KeyboardInterrupt`` between any two instructions, also within a process pool's own code, where it can
leave a lock held that the pool then waits for without end. And a process that is just starting dies of it, which the
pool takes for a breakdown. Here it is noted, and raised where the caller asks.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any


class DeferredInterrupt:
    """A block in which Ctrl-C is noted; ``check`` raises it, and the block's end does.

    In another thread than the first, and where Ctrl-C means something else than ``KeyboardInterrupt``, nothing changes.
    """

    def __init__(self) -> None:
        self._noted = False
        self._before: Any = None

    def check(self) -> None:
        """Raise what was noted.

        Raises:
            KeyboardInterrupt: Ctrl-C came since the block began.
        """
        if self._noted:
            self._noted = False
            raise KeyboardInterrupt

    def __enter__(self) -> "DeferredInterrupt":
        first = threading.current_thread() is threading.main_thread()
        if first and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if kind is None:
            self.check()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = True


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes that are started within the block never hear Ctrl-C: they inherit that it is blocked."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
