"""Strict mode: results that are the same to the last bit, whatever else is in the batch and in the cache.

The last bits of a matrix product depend on its shape. So here every product has a shape that depends on
the sequence alone: a prompt is read in one pass, every token behind it in a pass of its own, always in a
batch of one. Keys and values taken from the cache were computed in just these passes, so reusing them
changes nothing. It holds on one machine, with one release of the libraries and one number of threads.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from treewright_language.decoding import Drawn, Row
from treewright_language.key_value_batch import KeyValueBatch, Workspace
from treewright_language.keyed_uniforms import uniforms
from treewright_language.network import Network
from treewright_language.prefix_cache import PrefixCache, digest
from treewright_language.reading import Counters
from treewright_language.token_law import RowLaws, draw
from treewright_language.token_text import TokenText
from treewright_registry.trajectory import Finish


class Opened(NamedTuple):
    """A sequence that has been read.

    Attributes:
        batch: its keys and values.
        logits: after each of the last tokens, as many as were asked for, [keep, vocabulary].
    """

    batch: KeyValueBatch
    logits: torch.Tensor


class StrictDecoder:
    """Reads and draws one token at a time.

    Args:
        network: computes.
        text: knows where a step may end.
        space: memory for its batches.
        counters: are told what was done.
    """

    def __init__(self, network: Network, text: TokenText, space: Workspace, counters: Counters) -> None:
        self._network = network
        self._text = text
        self._space = space
        self._counters = counters

    def read(self, prompt: tuple[int, ...], ids: tuple[int, ...], keep: int, room: int, cache: PrefixCache) -> Opened:
        """Read a sequence.

        Args:
            prompt: its beginning that is read in one pass.
            ids: the whole sequence.
            keep: after how many of its last tokens logits are wanted; all of these lie behind the prompt, or
                the first is the prompt's last.
            room: tokens that may follow.
            cache: where keys and values are found and left.
        """
        space = digest(prompt)
        first = len(ids) - keep + 1  # length of the beginning after which the first logits are wanted
        found = cache.find(ids, first, space)
        start = first if found.logits is not None else min(len(found.slots), first - 1)
        start = start if start >= len(prompt) else 0
        self._counters.reused += start
        batch = self._space.batch(1, len(ids) + room, start)
        cache.gather([found.slots[:start]], start, batch.buffers)
        wanted = [found.logits] if start == first and found.logits is not None else []
        if not start:
            wanted += self._opening(prompt, first, batch, cache, space)
        wanted += self._following(ids, first, batch, cache, space)
        return Opened(batch, torch.stack(wanted))

    def draw(self, row: Row, opened: Opened, prompt: tuple[int, ...], cache: PrefixCache) -> Drawn:
        """A step behind a sequence that has just been read."""
        batch, logits = opened.batch, opened.logits[-1]
        laws = RowLaws([row.law], self._network.device)
        seed = np.array([row.seed], dtype=np.uint64)
        ids: list[int] = []
        total = 0.0
        while True:
            token, likely = draw(laws.probabilities(logits[None]), uniforms(seed, len(ids)))
            ids.append(int(token))
            total += float(likely)
            finish = self._finish(row, ids)
            if finish is not None:
                break
            logits = self._next(batch, ids[-1])
        self._counters.drawn += len(ids)
        self._counters.decoded += len(ids) - 1
        computed = row.ids + tuple(ids[:-1])
        if len(ids) > 1:
            cache.store(
                computed, len(row.ids), batch.buffers, 0, len(row.ids), space=digest(prompt), passing=finish != "step"
            )
        return Drawn(tuple(ids), total, finish)

    def _finish(self, row: Row, ids: Sequence[int]) -> Finish | None:
        if ids[-1] in self._text.ends:
            return "stop"
        if row.ending.at_delimiter and self._text.may_complete[ids[-1]] and self._text.completes(ids, row.ids):
            return "step"
        return row.ending.at_limit if len(ids) >= row.ending.limit else None

    def _opening(
        self, prompt: tuple[int, ...], first: int, batch: KeyValueBatch, cache: PrefixCache, space: bytes
    ) -> list[torch.Tensor]:
        tokens = torch.tensor([prompt], device=self._network.device)
        positions = torch.arange(len(prompt), device=self._network.device)[None]
        logits = self._network.forward(tokens, positions, batch, None)[0, -1]
        self._counters.prefilled += len(prompt)
        cache.store(prompt, 0, batch.buffers, 0, 0, space=space, logits=logits)
        return [logits] if first == len(prompt) else []

    def _following(
        self, ids: tuple[int, ...], first: int, batch: KeyValueBatch, cache: PrefixCache, space: bytes
    ) -> list[torch.Tensor]:
        wanted = []
        start = batch.length
        before = cache.tokens_stored
        for place in range(start, len(ids)):
            logits = self._next(batch, ids[place])
            if place + 1 >= first:
                wanted.append(logits)
            if place + 1 == first:
                cache.store(ids[:first], start, batch.buffers, 0, start, space=space, logits=logits)
        if len(ids) > start:
            cache.store(ids, start, batch.buffers, 0, start, space=space)
            fresh = cache.tokens_stored - before
            self._counters.prefilled += fresh
            self._counters.reread += len(ids) - start - fresh
        return wanted

    def _next(self, batch: KeyValueBatch, token: int) -> torch.Tensor:
        """Feed one token; the logits of the next."""
        device = self._network.device
        tokens, positions = torch.tensor([[token]], device=device), torch.tensor([[batch.length]], device=device)
        return self._network.forward(tokens, positions, batch, None)[0, -1]
