"""What a run tells while it goes on; the progress bar and the plain lines listen."""

from collections.abc import Mapping
from typing import Any, Protocol

from treewright.run.records import Record


class Observer(Protocol):
    """Listens to a run."""

    def started(self, total: int, already_done: int) -> None:
        """The run begins: so many problems in all, so many finished by an earlier attempt."""
        ...

    def finished(self, record: Record) -> None:
        """A problem ended, with an answer or an error."""
        ...

    def ended(self, summary: Mapping[str, Any]) -> None:
        """The run is over (also after an interruption); ``summary`` is ``summary.json``."""
        ...

    def presented(self, text: str) -> None:
        """What the task itself has to say of the results, after ``ended``."""
        ...


class Silent:
    """An observer that says nothing."""

    def started(self, total: int, already_done: int) -> None:
        """Say nothing."""

    def finished(self, record: Record) -> None:
        """Say nothing."""

    def ended(self, summary: Mapping[str, Any]) -> None:
        """Say nothing."""

    def presented(self, text: str) -> None:
        """Say nothing."""
