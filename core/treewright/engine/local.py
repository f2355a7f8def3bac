"""Run problems in this process, many at once."""

import asyncio
import gc
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from treewright.engine.component_building import build
from treewright.engine.components import build_roles, journalled_roles
from treewright.engine.journal import Journal
from treewright.engine.ports import Port
from treewright.engine.scheduler import Scheduler
from treewright.engine.solving import Solution, Solver, TraceWriter
from treewright.pipeline import PipelineSpec
from treewright_registry import Problem

_YOUNG_OBJECTS = 20_000
Solved = Callable[[Solution], None]


class Feed(Protocol):
    """Where problems come from."""

    def take(self) -> Problem | None:
        """The next problem if there is one right now."""
        ...

    def more(self) -> bool:
        """Whether problems may still come."""
        ...

    def attach(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` whenever a problem has come."""
        ...


class ListFeed:
    """Problems that are all there from the start."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._problems = iter(problems)
        self._next: Problem | None = next(self._problems, None)

    def take(self) -> Problem | None:
        """The next problem."""
        taken, self._next = self._next, next(self._problems, None)
        return taken

    def more(self) -> bool:
        """Whether any is left."""
        return self._next is not None

    def attach(self, wake: Callable[[], None]) -> None:
        """Nothing will come later."""


def run_local(
    pipeline: PipelineSpec,
    feed: Feed,
    solved: Solved,
    *,
    blobs: Path | None = None,
    write_trace: TraceWriter | None = None,
    journal: Path | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Solve all problems of ``feed``, at most ``pipeline.live`` at a time.

    ``ready`` is called once all components are built, ``solved`` with each solution as it comes.
    ``journal`` keeps and replays the answers of expensive components; it is made by ``prepare_journal``.

    Raises:
        ConfigurationError: a component cannot be built, or answers of another configuration are in the journal.
        DataError: the journal is damaged.
        StorageError: journal or traces cannot be written.
        KeyboardInterrupt: Ctrl-C; solutions handed over until then stand.
    """
    roles = build_roles(pipeline, blobs)
    parts = (build(pipeline.search, blobs), build(pipeline.aggregator, blobs), build(pipeline.task, blobs))
    ports = [role for role in roles.values() if isinstance(role, Port)]
    with _opened(journal, pipeline) as kept:
        solver = Solver(pipeline, roles, *parts, write_trace, kept)
        ready()
        admission = _Admission(pipeline.live, feed, solver, solved)
        with interruptible(), rare_collections(), asyncio.Runner() as runner:
            runner.run(_run(ports, kept, admission, feed))


@contextmanager
def _opened(path: Path | None, pipeline: PipelineSpec) -> Iterator[Journal | None]:
    """The journal, if there is one."""
    if path is None:
        yield None
        return
    journal = Journal(path, journalled_roles(pipeline))
    try:
        yield journal
    finally:
        journal.close()


async def _run(ports: list[Port], journal: Journal | None, admission: "_Admission", feed: Feed) -> None:
    scheduler = Scheduler(ports, None if journal is None else journal.commit)
    feed.attach(scheduler.wake)
    await scheduler.run(admission)


class _Admission:
    """Keeps up to ``live`` problems in the scheduler."""

    def __init__(self, live: int, feed: Feed, solver: Solver, solved: Solved) -> None:
        self._room = live
        self._feed = feed
        self._solver = solver
        self._solved = solved

    def __call__(self, scheduler: Scheduler) -> bool:
        while self._room > 0 and (problem := self._feed.take()) is not None:
            self._room -= 1
            scheduler.spawn(self._solver.solve(problem), self._done)
        return self._feed.more()

    def _done(self, solution: Any, error: BaseException | None) -> None:
        if error is not None:  # Solver.solve records what plugins raise; this is a fault of ours
            raise error
        self._room += 1
        self._solved(solution)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cyclic garbage less often while searches run.

    They make long-lived trees and hardly any cycles; with Python's threshold of 700 new objects
    the collector walks young nodes over and over for nothing (about a tenth of a search's time).
    """
    young, middle, old = gc.get_threshold()
    gc.set_threshold(max(young, _YOUNG_OBJECTS), middle, old)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt at once, also inside a component that does not return.

    asyncio's own handler would only cancel the main task, which a busy component never notices.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shard: its parent decides
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
