"""How far a build is: one line that moves on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable
from typing import TextIO

from treewright.cli.summary import count, duration

_PAUSE = 2.0  # seconds between lines
_CLEAR = "\r\x1b[K"


class StageLines:
    """Prints ``encode: 12,000 of 493,000 records, 3.2 s, 2 min 08 s left``: as a stage begins, ends, and between."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.out = out
        self.clock = clock
        self.moving = out.isatty()
        self.stage = ""
        self.began = self.shown = clock()
        self.start = (self.began, 0)  # when this stage first spoke, and how far it was
        self._unfinished = False  # a moving line that is not ended yet

    def __call__(self, stage: str, done: int, total: int | None = None) -> None:
        """Say it, unless something was said just before."""
        now = self.clock()
        pause = _PAUSE / 10 if self.moving else _PAUSE
        if stage == self.stage and done != total and now - self.shown < pause:
            return
        if stage != self.stage:
            self.start = (now, done)
        of = f" of {count(total)}" if total is not None else ""
        left = self._left(now, done, total)
        self._say(f"{stage}: {count(done)}{of} records, {duration(now - self.began)}{left}", stage, done == total)
        self.stage, self.shown = stage, now

    def _left(self, now: float, done: int, total: int | None) -> str:
        """Time left in this stage, at the pace since it first spoke."""
        began, first = self.start
        if total is None or done >= total or done <= first or now - began < _PAUSE:
            return ""
        return f", {duration((now - began) * (total - done) / (done - first))} left"

    def _say(self, line: str, stage: str, last: bool) -> None:
        if not self.moving:
            print(line, file=self.out, flush=True)
            return
        before = "\n" if self._unfinished and stage != self.stage else _CLEAR
        self._unfinished = not last
        print(f"{before}{line}", end="\n" if last else "", file=self.out, flush=True)
