"""Batches of labelled solutions, laid out exactly as the reward model's recipe reads them (a test compares both)."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from treewright_math.embedded_world.prm_samples import Labelled
from treewright_math.embedded_world.prompts import PAD, chat
from treewright_math.reward_readers.recipe import LaidOut
from treewright_registry import Key


class LabelledBatch(NamedTuple):
    """Solutions side by side.

    Attributes:
        ids: token ids, (solutions, length), padded on the right.
        answers: how each is read.
        right: for each step of each, one after another, whether the solution is right up to and including it.
    """

    ids: NDArray[np.int64]
    answers: tuple[LaidOut, ...]
    right: NDArray[np.bool_]


def batches_of(samples: list[Labelled], tokenizer: Any, tokens: int, key: Key) -> list[LabelledBatch]:
    """All samples once, about equally long ones together, the batches in a random order."""
    rows = sorted(((laid_out(one, tokenizer), one.right) for one in samples), key=lambda row: len(row[0].ids))
    pad, made, start = tokenizer.token_to_id(PAD), list[LabelledBatch](), 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or (end + 1 - start) * len(rows[end][0].ids) > tokens:
            made.append(_padded(rows[start:end], pad))
            start = end
    key.generator().shuffle(made)
    return made


def laid_out(sample: Labelled, tokenizer: Any) -> LaidOut:
    """The tokens of a solution and the last one of each step."""
    ids = list(tokenizer.encode(chat(sample.problem), add_special_tokens=False).ids)
    start, reads = len(ids), []
    for number, line in enumerate(sample.lines):
        ids += tokenizer.encode(f"\n{line}" if number else line, add_special_tokens=False).ids
        reads.append(len(ids) - 1)
    return LaidOut(tuple(ids), tuple(reads), tuple(range(len(reads))), start)


def _padded(rows: list[tuple[LaidOut, tuple[bool, ...]]], pad: int) -> LabelledBatch:
    ids = np.full((len(rows), max(len(answer.ids) for answer, _ in rows)), pad, np.int64)
    for number, (answer, _) in enumerate(rows):
        ids[number, : len(answer.ids)] = answer.ids
    return LabelledBatch(
        ids, tuple(answer for answer, _ in rows), np.array([one for _, right in rows for one in right])
    )
