"""Grading by math-verify: safe against any text, quick where no algebra is needed."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from treewright_math.grading.outcome import Outcome
from treewright_math.grading.quick_comparison import compare_quickly
from treewright_math.grading.worker_process import WorkerProcess

_REMEMBERED = 100_000
LONGEST = 2_000
"""Characters of an answer that is worth comparing by algebra."""


class Grader:
    """Compares answers with references.

    Equal spelling and plain numbers are compared here. All else goes to math-verify in a worker process that is
    started when it is first needed. An answer that is late, or that crashes the worker, is not equal to anything; the
    outcome says why. May be used from several threads; each process has a worker of its own.

    Args:
        deadline: seconds of computing that math-verify may take for one answer.
        longest: characters of reference or answer beyond which only the spelling is compared.
        memory: bytes of address space that the computation may take.
        quick: whether what is plain to see is decided without the worker.

    Raises:
        ValueError: the deadline is not positive.
    """

    def __init__(
        self, *, deadline: float = 5.0, longest: int = LONGEST, memory: int = 1 << 30, quick: bool = True
    ) -> None:
        if not deadline > 0:
            raise ValueError(f"deadline must be positive, not {deadline}")
        self._longest = longest
        self._quick = quick
        self._worker = WorkerProcess(deadline, memory)
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], Outcome] = OrderedDict()

    def compare(self, reference: str, answer: str) -> Outcome:
        """Whether ``answer`` equals ``reference``; the order matters to math-verify."""
        return self.compare_all([(reference, answer)])[0]

    def compare_all(self, pairs: Sequence[tuple[str, str]]) -> list[Outcome]:
        """An outcome for each (reference, answer), in order; many at once are cheaper than one by one.

        Raises:
            CallFailed: the worker cannot be started.
        """
        outcomes = [self._without_worker(*pair) for pair in pairs]
        open_pairs = list(dict.fromkeys(pair for pair, outcome in zip(pairs, outcomes, strict=True) if outcome is None))
        asked = self._by_worker(open_pairs) if open_pairs else {}
        return [asked[pair] if outcome is None else outcome for pair, outcome in zip(pairs, outcomes, strict=True)]

    def close(self) -> None:
        """End the worker process, at once."""
        with self._lock:
            self._worker.close()

    @property
    def worker(self) -> int | None:
        """Process id of the worker, ``None`` while there is none."""
        return self._worker.identity

    def _without_worker(self, reference: str, answer: str) -> Outcome | None:
        if max(len(reference), len(answer)) > self._longest:
            reason = f"longer than {self._longest} characters: compared by spelling only"
            return Outcome(reference.strip() == answer.strip(), "refused", reason)
        return compare_quickly(reference, answer) if self._quick else None

    def _by_worker(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Outcome]:
        with self._lock:
            found = {pair: self._known[pair] for pair in pairs if pair in self._known}
            new = [pair for pair in pairs if pair not in found]
            found.update(zip(new, self._worker.compare(new), strict=True))
            for pair in new:
                self._known[pair] = found[pair]
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return found
