"""How likely given tokens are, computed so that few logits are there at any time.

The logits of a step take four bytes for each of its tokens and each token of the vocabulary: gigabytes for
a batch of long steps. So those of each pass become log-probabilities at once, and a long step is read
piece by piece, each continuing from the keys and values of the one before.
"""

from collections.abc import Sequence

import torch

from treewright_language.prefix_cache import PrefixCache
from treewright_language.reading import Passage, Reader, most_rows
from treewright_language.request_tokens import Ready
from treewright_language.token_law import Law, RowLaws, log_probabilities

_MOST_NUMBERS = 1 << 22  # probabilities that are computed at once


def judged(requests: Sequence[Ready], reader: Reader, cache: PrefixCache, vocabulary: int) -> list[float]:
    """The log-probability of each given step, summed over its tokens; NaN if the logits are no numbers.

    Args:
        requests: with the steps to be judged.
        reader: reads what is not in the cache.
        cache: keeps what is read.
        vocabulary: number of tokens.

    Raises:
        NoRoom: they do not fit into the cache together.
    """
    totals = [0.0] * len(requests)
    size = most_rows(vocabulary)
    for start in range(0, max((len(ready.given) for ready in requests), default=0), size):
        pieces = {place: _piece(ready, start, size) for place, ready in enumerate(requests) if start < len(ready.given)}
        for place, value in _judged_pieces(requests, pieces, start, reader, cache).items():
            totals[place] += value
    return totals


def log_probability(logits: torch.Tensor, ids: Sequence[int], law: Law) -> float:
    """The log-probability of tokens, each after its row of logits."""
    tokens = torch.tensor(ids, device=logits.device)
    laws = RowLaws([law], logits.device)
    size = max(1, _MOST_NUMBERS // logits.shape[-1])
    total = 0.0
    for start in range(0, len(ids), size):
        probabilities = laws.probabilities(logits[start : start + size])
        for value in log_probabilities(probabilities, tokens[start : start + size]).tolist():
            total += value
    return total


def _piece(ready: Ready, start: int, size: int) -> Passage:
    """What is read to judge up to ``size`` tokens of a step from the ``start``-th on."""
    stop = min(start + size, len(ready.given))
    return Passage((ready.ids + ready.given)[: len(ready.ids) + stop - 1], stop - start)


def _judged_pieces(
    requests: Sequence[Ready], pieces: dict[int, Passage], start: int, reader: Reader, cache: PrefixCache
) -> dict[int, float]:
    asking: dict[Passage, list[int]] = {}  # steps may differ in what no logits depend on: the last token, the law
    for place, passage in pieces.items():
        asking.setdefault(passage, []).append(place)

    def values(passage: Passage, logits: torch.Tensor) -> dict[int, float]:
        ready = {place: requests[place] for place in asking[passage]}
        return {
            place: log_probability(logits, each.given[start : start + passage.keep], each.law)
            for place, each in ready.items()
        }

    found = reader.read(list(asking), cache, values)
    return {place: value for part in found for place, value in part.items()}
