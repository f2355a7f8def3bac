"""Run problems over several processes: the local executor in each, fed problem by problem.

RDKit and plain Python do not fill two cores by threads; processes do. Random draws are keyed by
problem, so the shards' number and speed change no result. Shards hold no reference answers: they
get problems, and grading is the parent's.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from pickle import PicklingError
from typing import Any

from treewright.engine.cores import share_cores
from treewright.engine.local import Solved, run_local
from treewright.engine.orphans import end_with_parent
from treewright.engine.solving import Solution, TraceWriter
from treewright.pipeline import PipelineSpec, share_of
from treewright_registry import ConfigurationError, DataError, Problem, StorageError, TreewrightError

_SPAWN = multiprocessing.get_context("spawn")
_AHEAD = 2  # problems waiting at a shard beyond those it works on, so that it never idles


class Shard:
    """One worker process, and the problems it has."""

    def __init__(self, *given: Any) -> None:
        self.pipe, there = _SPAWN.Pipe()
        self.process: BaseProcess = _SPAWN.Process(target=_serve, args=(there, *given))
        self.process.start()
        there.close()
        self.at_work: dict[str, Problem] = {}

    def send(self, problem: Problem) -> None:
        """Hand a problem over."""
        self.at_work[problem.id] = problem
        self.pipe.send(problem)

    def end(self) -> None:
        """End the process now."""
        self.pipe.close()
        self.process.kill()
        self.process.join()


def run_sharded(
    pipeline: PipelineSpec,
    problems: Sequence[Problem],
    solved: Solved,
    *,
    workers: int,
    blobs: Path | None = None,
    write_trace: TraceWriter | None = None,
    journal: Path | None = None,
) -> None:
    """Solve ``problems`` with ``workers`` processes; ``solved`` gets each solution as it comes.

    A process that dies loses nothing but time: its problems are solved again, each alone in a
    fresh process; one that kills its process again is recorded as failed. All processes write to
    one journal, in short transactions.

    Raises:
        ConfigurationError, DataError, StorageError: as ``run_local``, in a worker.
        KeyboardInterrupt: Ctrl-C; solutions handed over until then stand.
    """
    workers = min(workers, len(problems))
    parent = _Parent((share_of(pipeline, workers), blobs, write_trace, journal, workers), pipeline.live, solved)
    try:
        parent.run(deque(problems), workers)
    finally:
        parent.close()


class _Parent:
    def __init__(self, given: tuple[Any, ...], live: int, solved: Solved) -> None:
        self._given = given  # what a worker gets, see ``_serve``
        self._solved = solved
        self._live = live
        self._shards: list[Shard] = []
        self._suspects: deque[Problem] = deque()

    def run(self, waiting: deque[Problem], workers: int) -> None:
        self._shards = [self._start() for _ in range(workers)]
        # few problems are spread evenly rather than all given to the first shard
        most = max(1, min(self._live + _AHEAD, -(-len(waiting) // workers)))
        while waiting or any(shard.at_work for shard in self._shards):
            for shard in self._shards:
                while waiting and len(shard.at_work) < most:
                    self._send(shard, waiting.popleft())
            if any(shard.at_work for shard in self._shards):
                self._receive()
        while self._suspects:
            self._try_alone(self._suspects.popleft())

    def _send(self, shard: Shard, problem: Problem) -> None:
        try:
            shard.send(problem)
        except (PicklingError, TypeError, AttributeError) as error:
            del shard.at_work[problem.id]
            self._solved(Solution(problem.id, error=f"the problem cannot be sent to a worker process: {error}"))

    def _start(self) -> Shard:
        return Shard(*self._given)

    def close(self) -> None:
        for shard in self._shards:
            shard.end()

    def _receive(self) -> None:
        by_pipe = {shard.pipe: shard for shard in self._shards}
        for pipe in wait(list(by_pipe)):
            shard = by_pipe[pipe]  # type: ignore[index]
            if not self._take(shard):
                self._suspects.extend(shard.at_work.values())
                shard.end()
                self._shards[self._shards.index(shard)] = self._start()

    def _take(self, shard: Shard) -> bool:
        """Take one message; whether the shard is still alive."""
        try:
            message: Solution | TreewrightError = shard.pipe.recv()
        except (EOFError, OSError):
            return False
        if isinstance(message, TreewrightError):  # it concerns the whole run
            raise message
        del shard.at_work[message.problem_id]
        self._solved(message)
        return True

    def _try_alone(self, problem: Problem) -> None:
        shard = self._start()
        try:
            shard.send(problem)
            if not self._take(shard):
                shard.process.join(timeout=1)
                reason = f"the worker process died twice on this problem (exit code {shard.process.exitcode})"
                self._solved(Solution(problem.id, error=reason))
        finally:
            shard.end()


class _PipeFeed:
    """Problems that the parent sends through a pipe; its end is the end of work."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._open = True

    def take(self) -> Problem | None:
        """The next problem if one has come."""
        try:
            if self._open and self._pipe.poll():
                problem: Problem = self._pipe.recv()
                return problem
        except (EOFError, OSError):
            self._open = False
        return None

    def more(self) -> bool:
        """Whether the parent is still there."""
        return self._open

    def attach(self, wake: Callable[[], None]) -> None:
        """Wake the scheduler when the parent writes or goes."""
        import asyncio

        asyncio.get_running_loop().add_reader(self._pipe.fileno(), wake)


def _serve(
    pipe: Connection,
    pipeline: PipelineSpec,
    blobs: Path | None,
    write_trace: TraceWriter | None,
    journal: Path | None,
    workers: int,
) -> None:
    share_cores(workers)  # before a component loads numpy or torch
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    end_with_parent()
    try:
        run_local(pipeline, _PipeFeed(pipe), pipe.send, blobs=blobs, write_trace=write_trace, journal=journal)
    except TreewrightError as error:
        pipe.send(_plain(error))
    except BrokenPipeError:
        return  # the parent is gone: nobody waits for results


def _plain(error: TreewrightError) -> TreewrightError:
    """The error with its text alone: what else it holds may not travel between processes."""
    kinds = (StorageError, DataError)
    return next((kind(str(error)) for kind in kinds if isinstance(error, kind)), ConfigurationError(str(error)))
