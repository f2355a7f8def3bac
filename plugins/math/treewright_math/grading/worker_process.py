"""The worker seen from here: started when first needed, asked in batches, replaced when it dies.

It is an ordinary child process, not one of ``multiprocessing``: so it can be had from a daemon process, from any
thread and from a script without an ``if __name__ == "__main__"``. It has a session of its own, and ends when its
standard input does.
"""

import json
import os
import select
import signal
import subprocess
import sys
import weakref
from collections.abc import Sequence

from treewright_math.grading.outcome import Outcome
from treewright_math.grading.worker import PATIENCE
from treewright_registry import CallFailed

_BATCH = 64  # questions on their way; their answers fit into a pipe's buffer, so that neither side can block
_START_SECONDS = 120.0
_GRACE_SECONDS = 10.0  # the worker keeps the deadline itself; this is for the case that it cannot


class WorkerProcess:
    """Asks the grading worker. Not for several threads at once: ``Grader`` sees to that.

    Args:
        deadline: seconds of computing for one answer.
        memory: bytes of address space for the process that computes.
    """

    def __init__(self, deadline: float, memory: int) -> None:
        self._deadline = deadline
        self._memory = memory
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._unread = b""
        self._finalizer: weakref.finalize[[subprocess.Popen[bytes], int], WorkerProcess] | None = None

    def compare(self, pairs: Sequence[tuple[str, str]]) -> list[Outcome]:
        """An outcome for each (reference, answer), in order.

        Raises:
            CallFailed: the worker cannot be started.
        """
        outcomes: list[Outcome] = []
        suspect = -1
        while len(outcomes) < len(pairs):
            batch = pairs[len(outcomes) : len(outcomes) + _BATCH]
            answered, loss = self._compared(batch)
            outcomes += answered
            if loss is not None and suspect == len(outcomes):  # twice on the same question: it is to blame
                outcomes.append(Outcome(False, "math-verify", f"the grading worker was lost ({loss})"))
            suspect = len(outcomes) if loss is not None else -1
        return outcomes

    @property
    def identity(self) -> int | None:
        """Its process id, ``None`` while there is none."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the worker and what it started; it would be started anew if it were asked again."""
        if self._finalizer is not None:
            self._finalizer()
        self._process, self._finalizer, self._unread = None, None, b""

    def _compared(self, batch: Sequence[tuple[str, str]]) -> tuple[list[Outcome], str | None]:
        """Outcomes for the first questions of the batch; if they are not all, how the worker was lost."""
        process = self._started()
        outcomes: list[Outcome] = []
        try:
            assert process.stdin is not None
            process.stdin.write(b"".join(json.dumps(pair).encode() + b"\n" for pair in batch))
            process.stdin.flush()
            for _ in batch:
                equal, reason = json.loads(self._line(process, PATIENCE * self._deadline + _GRACE_SECONDS))
                outcomes.append(Outcome(bool(equal), "math-verify", reason))
        except (OSError, EOFError) as error:
            self.close()
            return outcomes, str(error)
        return outcomes, None

    def _line(self, process: subprocess.Popen[bytes], seconds: float) -> bytes:
        assert process.stdout is not None
        waiting = select.poll()  # not select.select, which knows the first 1,024 files only
        waiting.register(process.stdout, select.POLLIN)
        while b"\n" not in self._unread:
            if not waiting.poll(1000 * seconds):
                raise EOFError(f"silent for {seconds:g} s")
            more = os.read(process.stdout.fileno(), 65536)
            if not more:
                raise EOFError("its process ended")
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._owner == os.getpid():  # a fork has the handle, but not the worker
            return self._process
        command = [sys.executable, "-m", "treewright_math.grading.worker", str(self._deadline), str(self._memory)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,
        )
        self._owner, self._unread = os.getpid(), b""
        self._finalizer = weakref.finalize(self, _end, self._process, self._owner)
        try:
            self._line(self._process, _START_SECONDS)
        except EOFError as error:
            self.close()
            tried = f"{sys.executable} -m treewright_math.grading.worker"
            raise CallFailed(
                f"the grading worker does not start ({error}); is math-verify installed? see: {tried}"
            ) from None
        return self._process


def _environment() -> dict[str, str]:
    """This process's own, with its module path, and one thread for numerical libraries."""
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    """Kill the worker's whole session, and leave no zombie."""
    if os.getpid() != owner:
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it ended by itself
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                pass  # a question was still in the buffer
    process.wait()
