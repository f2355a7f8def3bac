"""Batches of labelled solutions: tokens, and at each step mark the class."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from treewright_math.embedded_world.prm_model import marked_text
from treewright_math.embedded_world.prm_samples import Labelled
from treewright_math.embedded_world.prompts import PAD, STEP_MARK
from treewright_registry import Key


class LabelledBatch(NamedTuple):
    """Solutions side by side.

    Attributes:
        ids: token ids, (solutions, length), padded on the right.
        labels: 1 or 0 at the marks of right and wrong steps, −1 elsewhere; same shape.
    """

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]


def batches_of(samples: list[Labelled], tokenizer: Any, tokens: int, key: Key) -> list[LabelledBatch]:
    """All samples once, about equally long ones together, the batches in a random order."""
    rows = sorted((_encoded(sample, tokenizer) for sample in samples), key=lambda row: len(row[0]))
    pad, batches, start = tokenizer.token_to_id(PAD), list[LabelledBatch](), 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or (end + 1 - start) * len(rows[end][0]) > tokens:
            batches.append(_padded(rows[start:end], pad))
            start = end
    key.generator().shuffle(batches)
    return batches


def _encoded(sample: Labelled, tokenizer: Any) -> tuple[list[int], list[int]]:
    ids = tokenizer.encode(marked_text(sample.problem, sample.lines), add_special_tokens=False).ids
    mark, right = tokenizer.token_to_id(STEP_MARK), iter(sample.right)
    return ids, [int(next(right)) if token == mark else -1 for token in ids]


def _padded(rows: list[tuple[list[int], list[int]]], pad: int) -> LabelledBatch:
    longest = max(len(ids) for ids, _ in rows)
    ids = np.full((len(rows), longest), pad, np.int64)
    labels = np.full((len(rows), longest), -1, np.int64)
    for row, (tokens, marks) in enumerate(rows):
        ids[row, : len(tokens)], labels[row, : len(tokens)] = tokens, marks
    return LabelledBatch(ids, labels)
