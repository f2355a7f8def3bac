"""Policy ``math/recorded``: replays the solutions that a problem brings with it."""

from collections.abc import Sequence

from treewright_math.recorded.samples import encoding_of, samples_of
from treewright_registry import CallFailed, Proposals, ProposeRequest, Step


class RecordedPolicy:
    """Draws stored solutions without replacement.

    A request for n of N samples gets a random subset, in random order; one for N or more gets all, in the order in
    which they were stored. Each step is a whole solution. Two requests draw independently of each other, so a
    sampling search should ask once (``wave`` at least ``n``, as by default).
    """

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        """Up to ``n`` whole solutions for each request.

        Raises:
            CallFailed: the problem has no samples, or something has been written already.
        """
        return [Proposals([_step(request, index) for index in _drawn(request)]) for request in requests]


def _drawn(request: ProposeRequest) -> Sequence[int]:
    if request.trajectory.step is not None:
        raise CallFailed("recorded solutions begin at the problem; use a search that samples whole answers")
    numbers = range(len(samples_of(request.trajectory.problem)))
    return numbers if request.n >= len(numbers) else request.key("subset").generator().sample(numbers, request.n)


def _step(request: ProposeRequest, index: int) -> Step:
    text = samples_of(request.trajectory.problem)[index]["text"]
    return Step(text, finish="stop", encoding=encoding_of(index))
