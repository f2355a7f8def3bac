"""Draws and judges steps given as tokens: reading, decoding and the cache put together."""

from collections.abc import Sequence

import torch

from treewright_language.cache_room import CacheRoom
from treewright_language.decoding import Decoder, Drawn, Row
from treewright_language.judging import judged, log_probability
from treewright_language.key_value_batch import Workspace
from treewright_language.network import Network
from treewright_language.prefix_cache import PrefixCache
from treewright_language.reading import Counters, Passage, Reader
from treewright_language.request_tokens import Ready
from treewright_language.strict_decoding import StrictDecoder
from treewright_language.token_text import TokenText


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
        self._text = text
        self._strictly = strict
        self._reader = Reader(network, space, self.counters)
        self._decoder = Decoder(network, text, space, self.counters)
        self._strict = StrictDecoder(network, text, space, self.counters)
        self._caches = CacheRoom(network.shape, room, rows, self.counters)

    @property
    def cache_peak_bytes(self) -> int:
        """Most that the kept keys, values and logits took at any time."""
        kept = self._caches.kept
        return 0 if kept is None else kept.peak_bytes

    @property
    def passing_peak_bytes(self) -> int:
        """Most that keys, values and logits took which were kept for one call only."""
        return self._caches.passing_peak_bytes

    @torch.inference_mode()
    def draw(self, samples: Sequence[tuple[Ready, int]]) -> list[Drawn]:
        """A step for each (request, seed)."""
        if self._strictly:
            return [self._drawn_strictly(ready, seed) for ready, seed in samples]
        return self._caches.work(samples, _before, self._drawn)

    @torch.inference_mode()
    def judge(self, requests: Sequence[Ready]) -> list[float]:
        """The log-probability of each given step, summed over its tokens; NaN if the logits are no numbers."""
        if self._strictly:
            return [self._judged_strictly(ready) for ready in requests]
        return self._caches.work(requests, _read, self._judged)

    def _drawn(self, samples: Sequence[tuple[Ready, int]], cache: PrefixCache) -> list[Drawn]:
        logits = self._reader.read([Passage(ready.ids) for ready, _ in samples], cache, _last)
        rows = [
            Row(ready.ids, after, seed, ready.law, ready.ending)
            for (ready, seed), after in zip(samples, logits, strict=True)
        ]
        return self._decoder.draw(rows, cache, keep=cache is self._caches.kept)

    def _judged(self, requests: Sequence[Ready], cache: PrefixCache) -> list[float]:
        return judged(requests, self._reader, cache, self._text.size)

    def _drawn_strictly(self, ready: Ready, seed: int) -> Drawn:
        cache = self._caches.cache_for(ready.ids)
        opened = self._strict.read(ready.prompt, ready.ids, 1, ready.ending.limit, cache)
        row = Row(ready.ids, opened.logits[-1], seed, ready.law, ready.ending)
        return self._strict.draw(row, opened, ready.prompt, cache)

    def _judged_strictly(self, ready: Ready) -> float:
        if not ready.given:
            return 0.0
        whole = (ready.ids + ready.given)[:-1]
        opened = self._strict.read(ready.prompt, whole, len(ready.given), 0, self._caches.cache_for(whole))
        # token by token, as when they were drawn
        rows = zip(opened.logits, ready.given, strict=True)
        return sum(log_probability(logits[None], (token,), ready.law) for logits, token in rows)


def _before(sample: tuple[Ready, int]) -> tuple[int, ...]:
    return sample[0].ids


def _read(ready: Ready) -> tuple[int, ...]:
    """What is read to judge a step: all but its last token."""
    return (ready.ids + ready.given)[:-1] if ready.given else ()


def _last(passage: Passage, logits: torch.Tensor) -> torch.Tensor:
    return logits[-1]
