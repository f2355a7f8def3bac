"""A call whose answers the journal keeps: replayed as far as it holds them, the rest sent to the port."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from treewright.engine.calls import Call, Resume
from treewright.engine.journal import ProblemJournal
from treewright.engine.journal_encoding import decode
from treewright.engine.ports import Port
from treewright.engine.samples import merged, split
from treewright.engine.scheduler import Scheduler

T = TypeVar("T")


class JournalledCall(Call[T]):
    """A call whose answers are kept.

    Attributes:
        env: path of the environment that makes it.
        number: of the call among those of its environment that are kept.
        replayed: requests answered from the journal.

    A port that sends samples one by one gets them one by one from here, so that each is kept.
    """

    __slots__ = ("_asked", "_journal", "_places", "_whole", "env", "number", "replayed")

    def __init__(
        self,
        port: Port,
        method: str,
        requests: Sequence[Any],
        finish: "Callable[[Call[T]], T]",
        journal: ProblemJournal,
        env: str,
        number: int,
    ) -> None:
        self._asked = requests
        if port.single_samples and method == "propose" and any(request.n > 1 for request in requests):
            requests = [sample for request in requests for sample in split(request)]
        super().__init__(port, method, requests, finish)
        self._journal = journal
        self.env = env
        self.number = number
        self.replayed = 0
        #: where the requests that are sent stand among all; ``None``: all are sent
        self._places: list[int] | None = None
        self._whole: tuple[Sequence[Any], list[Any]] = (self.requests, self.outcomes)

    def start(self, scheduler: Scheduler, resume: Resume) -> None:
        """Answer from the journal what it holds, and send the rest."""
        if not self._journal.empty:
            self._replay()
        super().start(scheduler, resume)

    def fill(self, start: int, outcomes: Sequence[Any], seconds: float) -> None:
        """Keep the outcomes before they are taken."""
        share = seconds / len(outcomes)
        kept = []
        for index, outcome in enumerate(outcomes, start):
            place = index if self._places is None else self._places[index]
            kept.append(self._journal.keep(self, place, self.requests[index], outcome, share))
        super().fill(start, kept, seconds)

    def _replay(self) -> None:
        missing = []
        outcomes = self._whole[1]
        for place in range(len(self.requests)):
            row = self._journal.known(self, place)
            if row is None:
                missing.append(place)
            else:
                outcomes[place] = decode(self.method, row.result)
                self.seconds += row.seconds
                self.replayed += 1
        if self.replayed:
            self._places = missing
            self.requests = [self.requests[place] for place in missing]
            self.outcomes = [None] * len(missing)
            self.missing = len(missing)

    def _end(self) -> None:
        if self._places is not None:
            requests, outcomes = self._whole
            for place, outcome in zip(self._places, self.outcomes, strict=True):
                outcomes[place] = outcome
            self.requests, self.outcomes = requests, outcomes
        if self.requests is not self._asked:
            self._put_samples_together()
        super()._end()

    def _put_samples_together(self) -> None:
        fresh = set(range(len(self.requests))) if self._places is None else set(self._places)
        outcomes = []
        first = self.replayed = 0
        for request in self._asked:
            samples = range(first, first + request.n)
            outcomes.append(merged([self.outcomes[sample] for sample in samples]))
            self.replayed += fresh.isdisjoint(samples)
            first += request.n
        self.requests, self.outcomes = self._asked, outcomes
