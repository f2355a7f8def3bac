"""Tell plugins that observe runs (hook ``treewright_on_event``) what happens, beside the display."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from treewright.run.observer import Observer
from treewright.run.records import Record


class HookObserver:
    """Passes everything to another observer, and events to the plugins' hooks.

    An observer that raises is reported once and not called again; it never harms the run.

    Args:
        inner: the display.
        hooks: pluggy's relay of hooks, ``Registry.hooks``.
    """

    def __init__(self, inner: Observer, hooks: Any) -> None:
        self._inner = inner
        self._hooks = hooks

    def started(self, total: int, already_done: int) -> None:
        """``run_started`` with ``total`` and ``already_done``."""
        self._inner.started(total, already_done)
        self._tell("run_started", {"total": total, "already_done": already_done})

    def finished(self, record: Record) -> None:
        """``problem_finished`` with the fields of the record."""
        self._inner.finished(record)
        self._tell("problem_finished", asdict(record))

    def ended(self, summary: Mapping[str, Any]) -> None:
        """``run_finished`` with the content of ``summary.json``."""
        self._inner.ended(summary)
        self._tell("run_finished", dict(summary))

    def presented(self, text: str) -> None:
        """For the display only."""
        self._inner.presented(text)

    def _tell(self, event: str, details: dict[str, Any]) -> None:
        if self._hooks is None:
            return
        try:
            self._hooks.treewright_on_event(event=event, details=details)
        except Exception as error:  # a plugin's observer may raise anything
            print(f"an observing plugin failed and is ignored: {type(error).__name__}: {error}", file=sys.stderr)
            self._hooks = None
