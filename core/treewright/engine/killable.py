"""A component in a process of its own that is killed and replaced when it misses its deadline.

Threads cannot be stopped, and alarm signals work only on the main thread; a process can always be
ended. Requests and results travel over a private pipe between the two processes.
"""

import multiprocessing
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from pickle import PicklingError
from typing import Any

from treewright.engine.calls import Failure
from treewright.engine.component_building import build
from treewright.engine.invoke import invoke
from treewright.engine.orphans import end_with_parent
from treewright.pipeline import ComponentSpec
from treewright_registry import ConfigurationError, TreewrightError

_SPAWN = multiprocessing.get_context("spawn")


class KillableWorker:
    """Runs a component's calls elsewhere, each within ``deadline`` seconds."""

    def __init__(self, spec: ComponentSpec, deadline: float, blobs: Path | None = None) -> None:
        self._spec = spec
        self._blobs = blobs
        self._deadline = deadline
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._stopped = False
        self._start()  # at once, so that a component that cannot be built stops the run early

    def run(self, method: str, requests: Sequence[Any]) -> list[Any]:
        """Outcomes in order. A late batch is repeated one request at a time to find who is late."""
        outcome = self._call(method, requests)
        if not isinstance(outcome, Failure):
            return outcome
        if len(requests) == 1:
            return [outcome]
        return [self.run(method, [request])[0] for request in requests]

    def stop(self) -> None:
        """End for good; callable while another thread waits for an answer, which then fails."""
        self._stopped = True
        process = self._process
        if process is not None:
            process.kill()  # the pipe stays: closing it under the other thread's read would break that

    def _replace_later(self) -> None:
        """End the process; the next call starts a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def _call(self, method: str, requests: Sequence[Any]) -> "list[Any] | Failure":
        if self._stopped:
            return Failure("the run was stopped")
        if self._process is None:
            try:
                self._start()
            except ConfigurationError as error:  # it could be built once; this request pays, the run goes on
                return Failure(f"the worker could not be replaced: {error}")
        assert self._pipe is not None
        try:
            self._pipe.send((method, list(requests)))
            if self._pipe.poll(self._deadline):
                outcomes: list[Any] = self._pipe.recv()
                return outcomes
        except (PicklingError, TypeError, AttributeError) as error:
            return Failure(f"the request cannot be sent to the worker process: {error}")
        except (EOFError, OSError):
            code = self._exit_code()
            self._replace_later()
            return Failure(f"its worker process died (exit code {code}); a new one was started")
        self._replace_later()
        return Failure(f"no answer within the deadline of {self._deadline:g} s; the worker was replaced")

    def _exit_code(self) -> int | None:
        assert self._process is not None
        self._process.join(timeout=1)
        return self._process.exitcode

    def _start(self) -> None:
        here, there = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_serve, args=(there, self._spec, self._blobs), daemon=True)
        process.start()
        there.close()
        self._process, self._pipe = process, here
        try:
            complaint = here.recv()
        except EOFError:
            code = self._exit_code()
            complaint = f"{self._spec.name} cannot be built: its worker process died (exit code {code})"
        if complaint is not None:
            self._replace_later()
            raise ConfigurationError(complaint)


def _serve(pipe: Connection, spec: ComponentSpec, blobs: Path | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    end_with_parent()
    try:
        component = build(spec, blobs)
    except TreewrightError as error:  # told to the parent, which stops the run
        pipe.send(str(error))
        return
    pipe.send(None)
    while True:
        try:
            method, requests = pipe.recv()
        except EOFError:
            return  # the parent is gone
        pipe.send(invoke(component, method, requests))
