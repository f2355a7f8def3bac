"""What a head of recipe ``likelihood-head`` sees of a batch; the formulas stand there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import torch

from treewright_math.reward_readers.recipe import LaidOut

LOWEST: Final = -12.0


class Seen(NamedTuple):
    """What the head gets, and what it was made of.

    Attributes:
        inputs: x_t of all steps of all answers, one after another: (steps, c + 6).
        likelihoods: ℓ_p of all tokens of all answers up to the last read, uncut: (tokens,).
        steps: the step, counted through all answers, that each of these tokens is of: (tokens,).
    """

    inputs: torch.Tensor
    likelihoods: torch.Tensor
    steps: torch.Tensor


def seen(hidden: torch.Tensor, output: torch.Tensor, answers: Sequence[LaidOut]) -> Seen:
    """What the head sees of a batch. Differentiable.

    Args:
        hidden: last hidden states, (answers, longest, c).
        output: the tied output layer, (vocabulary, c).
        answers: how each was laid out; every one has a read.
    """
    rows, places, tokens, steps, counts = _places(answers, hidden.device)
    logits = torch.nn.functional.linear(hidden[rows, places - 1], output).float()
    own = logits.gather(-1, tokens[:, None])[:, 0]
    likely, behind = own - logits.logsumexp(-1), own - logits.amax(-1)
    low, gap = likely.clamp(min=LOWEST) / 4, behind.clamp(min=LOWEST) / 4
    total = sum(counts)
    least, most_behind = _by_step(low, steps, total, "amin"), _by_step(gap, steps, total, "amin")
    mean, whole = _by_step(low, steps, total, "mean"), _by_step(low, steps, total, "sum") / 4
    so_far = [
        torch.cat([part.cummin(0).values for part in torch.split(values, counts)]) for values in (least, most_behind)
    ]
    reads = torch.tensor([(row, read) for row, answer in enumerate(answers) for read in answer.reads])
    state = hidden[reads[:, 0], reads[:, 1]].float()
    numbers = torch.stack([least, mean, most_behind, whole, *so_far], dim=-1)
    return Seen(torch.cat([state, numbers], dim=-1), likely, steps)


def _places(answers: Sequence[LaidOut], device: torch.device) -> tuple[Any, Any, Any, Any, list[int]]:
    """Row, place, id and step of every token that is judged, and how many steps each answer has."""
    found, step = list[tuple[int, int, int, int]](), 0
    for row, answer in enumerate(answers):
        for before, read in pairwise((answer.start - 1, *answer.reads)):
            found += [(row, place, answer.ids[place], step) for place in range(before + 1, read + 1)]
            step += 1
    columns = torch.tensor(found, device=device).T
    return columns[0], columns[1], columns[2], columns[3], [len(answer.reads) for answer in answers]


def _by_step(values: torch.Tensor, steps: torch.Tensor, count: int, how: str) -> torch.Tensor:
    return values.new_zeros(count).scatter_reduce(0, steps, values, how, include_self=False)
