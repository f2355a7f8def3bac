"""Batches of about equally long examples, padded on the right; batch number i is always the same."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from treewright_math.embedded_world.examples import Encode, Mixture, draw_spans, encode_spans
from treewright_registry import Key

LONGEST = 1536
POOL_TOKENS = 16  # batches' worth of examples that are sorted by length together


class Batch(NamedTuple):
    """Examples side by side.

    Attributes:
        ids: token ids, (examples, length).
        targets: the next token where it is learnt, −100 elsewhere; same shape.
    """

    ids: NDArray[np.int64]
    targets: NDArray[np.int64]


def padded(rows: list[tuple[list[int], list[bool]]], pad: int) -> Batch:
    """Rows of ids and learnt marks as one batch."""
    longest = max(len(ids) for ids, _ in rows)
    ids = np.full((len(rows), longest), pad, np.int64)
    targets = np.full((len(rows), longest), -100, np.int64)
    for row, (tokens, learnt) in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        targets[row, : len(tokens) - 1] = np.where(learnt[1:], tokens[1:], -100)
    return Batch(ids, targets)


class Pools:
    """Draws pools of examples and cuts them into batches of at most ``tokens`` tokens.

    Args:
        seed: of the examples.
        encode: text to token ids.
        pad: the padding token's id.
        tokens: of a batch, padding included.
    """

    def __init__(self, seed: int, encode: Encode, pad: int, tokens: int) -> None:
        self._key = Key.root(seed, "math/embedded", "examples")
        self._encode, self._pad, self._tokens = encode, pad, tokens

    def pool(self, number: int, mixture: Mixture) -> list[Batch]:
        """The batches of pool ``number``, in an order of its own."""
        key, rows, total = self._key.child(number), list[tuple[list[int], list[bool]]](), 0
        while total < POOL_TOKENS * self._tokens:
            ids, learnt = encode_spans(draw_spans(key.child(len(rows)), mixture), self._encode)
            rows.append((ids[:LONGEST], learnt[:LONGEST]))
            total += len(rows[-1][0])
        batches = list(self._cut(sorted(rows, key=lambda row: len(row[0]))))
        key.child("order").generator().shuffle(batches)
        return batches

    def _cut(self, rows: list[Any]) -> list[Batch]:
        batches, start = list[Batch](), 0
        for end in range(1, len(rows) + 1):
            full = end < len(rows) and (end + 1 - start) * len(rows[end][0]) > self._tokens
            if full or end == len(rows):
                batches.append(padded(rows[start:end], self._pad))
                start = end
        return batches
