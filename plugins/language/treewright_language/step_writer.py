"""Draws and judges steps given as tokens: reading, decoding and the cache put together."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from treewright_language.decoding import Decoder, Drawn, Row
from treewright_language.judging import judged, log_probability
from treewright_language.key_value_batch import Workspace
from treewright_language.network import Network
from treewright_language.prefix_cache import PrefixCache
from treewright_language.reading import Counters, NoRoom, Passage, Reader
from treewright_language.request_tokens import Ready
from treewright_language.strict_decoding import StrictDecoder
from treewright_language.token_text import TokenText

T = TypeVar("T")


class StepWriter:
    """The model at work.

    Args:
        network: computes.
        text: knows where a step may end.
        rows: most sequences side by side.
        room: bytes for kept keys, values and logits; 0 keeps nothing from call to call.
        strict: whether everything is computed one sequence and one token at a time.

    Attributes:
        counters: what has been computed and saved.
    """

    def __init__(self, network: Network, text: TokenText, *, rows: int, room: int, strict: bool) -> None:
        self.counters = Counters()
        space = Workspace(network.shape)
        self._shape = network.shape
        self._text = text
        self._rows = rows
        self._strictly = strict
        self._reader = Reader(network, space, self.counters)
        self._decoder = Decoder(network, text, space, self.counters)
        self._strict = StrictDecoder(network, text, space, self.counters)
        self._room = room
        self._kept: PrefixCache | None = None
        self._passing: PrefixCache | None = None

    @property
    def cache_peak_bytes(self) -> int:
        """Most that the kept keys, values and logits took at any time."""
        return 0 if self._kept is None else self._kept.peak_bytes

    @torch.inference_mode()
    def draw(self, samples: Sequence[tuple[Ready, int]]) -> list[Drawn]:
        """A step for each (request, seed)."""
        if self._strictly:
            return [self._drawn_strictly(ready, seed) for ready, seed in samples]
        return [drawn for chunk in _chunks(samples, self._rows) for drawn in self._drawn(chunk)]

    @torch.inference_mode()
    def judge(self, requests: Sequence[Ready]) -> list[float]:
        """The log-probability of each given step, summed over its tokens; NaN if the logits are no numbers."""
        if self._strictly:
            return [self._judged_strictly(ready) for ready in requests]
        return [value for chunk in _chunks(requests, self._rows) for value in self._judged(chunk)]

    def _drawn(self, samples: Sequence[tuple[Ready, int]]) -> list[Drawn]:
        def work(cache: PrefixCache) -> list[Drawn]:
            logits = self._reader.read([Passage(ready.ids) for ready, _ in samples], cache, _last)
            rows = [
                Row(ready.ids, after, seed, ready.law, ready.ending)
                for (ready, seed), after in zip(samples, logits, strict=True)
            ]
            return self._decoder.draw(rows, cache, keep=cache is self._kept)

        return self._with_cache(work, [len(ready.ids) for ready, _ in samples])

    def _judged(self, requests: Sequence[Ready]) -> list[float]:
        def work(cache: PrefixCache) -> list[float]:
            return judged(requests, self._reader, cache, self._text.size)

        return self._with_cache(work, [len(ready.ids) + len(ready.given) for ready in requests])

    def _drawn_strictly(self, ready: Ready, seed: int) -> Drawn:
        cache = self._cache([len(ready.ids)])
        opened = self._strict.read(ready.prompt, ready.ids, 1, ready.ending.limit, cache)
        row = Row(ready.ids, opened.logits[-1], seed, ready.law, ready.ending)
        return self._strict.draw(row, opened, ready.prompt, cache)

    def _judged_strictly(self, ready: Ready) -> float:
        if not ready.given:
            return 0.0
        whole = (ready.ids + ready.given)[:-1]
        opened = self._strict.read(ready.prompt, whole, len(ready.given), 0, self._cache([len(whole)]))
        # token by token, as when they were drawn
        rows = zip(opened.logits, ready.given, strict=True)
        return sum(log_probability(logits[None], (token,), ready.law) for logits, token in rows)

    # -- caches -------------------------------------------------------------------------------

    def _with_cache(self, work: Callable[[PrefixCache], T], lengths: Sequence[int]) -> T:
        """Do it with the kept cache if it has room for these sequences, else with one for this call."""
        if self._room:
            try:
                return work(self._cache(lengths))
            except NoRoom:
                self.counters.crowded += 1
        return work(self._passing_cache(lengths))

    def _cache(self, lengths: Sequence[int]) -> PrefixCache:
        if not self._room:
            return self._passing_cache(lengths)
        if self._kept is None:
            self._kept = PrefixCache(self._shape, self._room)
        self._kept.begin()
        return self._kept

    def _passing_cache(self, lengths: Sequence[int]) -> PrefixCache:
        if self._passing is None or self._passing.capacity < sum(lengths):
            self._passing = PrefixCache.for_sequences(self._shape, lengths)
        self._passing.clear()
        self._passing.begin()
        return self._passing


def _last(passage: Passage, logits: torch.Tensor) -> torch.Tensor:
    return logits[-1]


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
