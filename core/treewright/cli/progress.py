"""What a run shows while it goes on: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from treewright.cli.summary import count, duration
from treewright.run.records import Record

if TYPE_CHECKING:
    from rich.progress import Progress

_STEPS = 20  # plain lines in a run, at most


class Tally:
    """Counts what finished; the base of both displays.

    Args:
        clock: seconds, for the time that is left.
        references: whether the task knows right answers, so that a failed problem is a wrong one.

    Attributes:
        failures: the problems that ended with an error.
        presentation: what the task itself has to say of the results.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, references: bool = True) -> None:
        self.clock, self.references = clock, references
        self.total = self.done = self.skipped = self.graded = self.correct = 0
        self.candidates = self.tokens = self.evaluations = 0.0
        self.failures: list[Record] = []
        self.presentation = ""
        self.began = clock()

    def started(self, total: int, already_done: int) -> None:
        """The run begins."""
        self.total, self.done, self.skipped = total, already_done, already_done
        self.began = self.clock()

    def finished(self, record: Record) -> None:
        """A problem ended."""
        self.done += 1
        if record.error is not None:
            self.failures.append(record)
        if record.correct is not None or (self.references and record.error is not None):
            self.graded += 1
            self.correct += bool(record.correct)
        self.candidates += record.total.get("candidates", 0)
        self.tokens += record.total.get("generated_tokens", 0)
        self.evaluations += record.total.get("inner_evaluations", 0)

    def ended(self, summary: Mapping[str, Any]) -> None:
        """The run is over."""

    def presented(self, text: str) -> None:
        """Keep the task's own words for the end."""
        self.presentation = text

    def close(self) -> None:
        """Leave the terminal in order, also after an error."""

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.clock() - self.began

    @property
    def left(self) -> float | None:
        """Seconds that the rest will probably take; ``None`` while nothing is known."""
        fresh = self.done - self.skipped
        return self.elapsed / fresh * (self.total - self.done) if fresh else None

    def status(self) -> str:
        """Accuracy and cost so far, in words."""
        parts = []
        if self.graded:
            parts.append(f"accuracy {self.correct / self.graded:.3f}")
        if self.failures:
            parts.append(f"{len(self.failures)} failed")
        parts.append(f"{count(self.candidates)} candidates")
        if self.tokens:
            parts.append(f"{count(self.tokens)} tokens")
        if self.evaluations:
            parts.append(f"{count(self.evaluations)} inner evaluations")
        return ", ".join(parts)


class PlainLines(Tally):
    """A line every few per cent, for pipes and log files."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic, *, references: bool = True) -> None:
        super().__init__(clock, references=references)
        self.out = out
        self.next = 0

    def started(self, total: int, already_done: int) -> None:
        """Say how much there is to do."""
        super().started(total, already_done)
        before = f", {already_done} of them done before" if already_done else ""
        self._say(f"{total} problems{before}")
        self._plan()

    def finished(self, record: Record) -> None:
        """Say how far the run is, from time to time."""
        super().finished(record)
        if self.done >= self.next or self.done == self.total:
            rest = f", {duration(self.left)} left" if self.left and self.done < self.total else ""
            self._say(f"{self.done}/{self.total}  {self.status()}  {duration(self.elapsed)}{rest}")
            self._plan()

    def _plan(self) -> None:
        self.next = self.done + max(1, -(-self.total // _STEPS))

    def _say(self, line: str) -> None:
        print(line, file=self.out, flush=True)


class Bar(Tally):
    """A progress bar with accuracy, cost and time left."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic, *, references: bool = True) -> None:
        super().__init__(clock, references=references)
        self.bar = _bar(out)
        self.task = self.bar.add_task("", total=None, status="", remaining="")

    def started(self, total: int, already_done: int) -> None:
        """Show the bar."""
        super().started(total, already_done)
        self.bar.update(self.task, total=total, completed=already_done)
        self.bar.start()

    def finished(self, record: Record) -> None:
        """Move the bar."""
        super().finished(record)
        remaining = f"{duration(self.left)} left" if self.left is not None else ""
        self.bar.update(self.task, advance=1, status=self.status(), remaining=remaining)

    def close(self) -> None:
        """Leave the bar on the screen, and the cursor visible."""
        self.bar.stop()


def _bar(out: TextIO) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[status]}"),
        TextColumn("{task.fields[remaining]}"),
        console=Console(file=out),
    )


def observer_for(out: TextIO, *, references: bool = True) -> PlainLines | Bar:
    """A bar if ``out`` is a terminal, plain lines otherwise."""
    return Bar(out, references=references) if out.isatty() else PlainLines(out, references=references)
