"""Many answers, one forward pass for all their steps.

A causal network's output at a position depends on nothing that stands after it. So one pass over a whole answer gives,
at each step's mark, what a pass over the answer up to there would give; and of an answer that goes on from one that was
read before, only what is new is computed. Answers are sorted by length, so that little is padded, and packed into
batches of limited size; only the positions that are read go through the head.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

from treewright_language.hidden_states import HiddenStates
from treewright_math.reward_readers.recipe import LaidOut, LogRatio, Measure
from treewright_math.reward_readers.step_likelihoods import seen

_CHUNK = 1024  # positions at a time through a whole vocabulary's output layer


class HeadReader:
    """Reads a head, or the logits of a few tokens, at the read positions.

    Args:
        backbone: gives hidden states.
        head: from hidden states (reads, c) to numbers (reads, classes).
        measure: from those to scores (reads,).
        batch_tokens: at most so many tokens a batch, padding included (a longer answer is a batch by itself).
    """

    def __init__(self, backbone: HiddenStates, head: Any, measure: Measure, batch_tokens: int) -> None:
        self._backbone, self._head, self._measure = backbone, head, measure
        self._batch_tokens = batch_tokens

    def read(self, answers: Sequence[LaidOut]) -> list[list[float]]:
        """The scores of each answer's read positions."""
        scores: list[list[float]] = [[] for _ in answers]
        for batch in batches(answers, self._batch_tokens):
            hidden = hidden_states(self._backbone, [answers[index] for index in batch])
            for row, index in enumerate(batch):
                reads = list(answers[index].reads)
                scores[index] = self._measure(self._head(hidden[row, reads]).float()).tolist() if reads else []
        return scores


class LikelihoodHeadReader:
    """Reads a head that also sees how likely the backbone itself finds each step.

    Args:
        backbone, head, measure, batch_tokens: as in ``HeadReader``; its embedding is the output layer.
    """

    def __init__(self, backbone: HiddenStates, head: Any, measure: Measure, batch_tokens: int) -> None:
        self._backbone, self._head, self._measure = backbone, head, measure
        self._batch_tokens = batch_tokens

    def read(self, answers: Sequence[LaidOut]) -> list[list[float]]:
        """The scores of each answer's steps."""
        scores: list[list[float]] = [[] for _ in answers]
        output = self._backbone.model.get_input_embeddings().weight
        for batch in batches(answers, self._batch_tokens):
            group = [answers[index] for index in batch]
            inputs = seen(hidden_states(self._backbone, group), output, group).inputs
            found = iter(self._measure(self._head(inputs).float()).tolist())
            for index in batch:
                scores[index] = [next(found) for _ in answers[index].reads]
        return scores


class Scored(NamedTuple):
    """A causal language model.

    Attributes:
        backbone: its hidden states.
        output: from those to logits.
    """

    backbone: HiddenStates
    output: Any


class LogRatioReader:
    """Reads how much likelier answers are under one model than under another.

    Args:
        model, reference: causal language models with the same vocabulary, by their hidden states and output layers.
        output: factor, and whether steps are summed by themselves.
        measure, batch_tokens: as in ``HeadReader``.
    """

    def __init__(self, model: Scored, reference: Scored, output: LogRatio, measure: Measure, batch_tokens: int) -> None:
        self._model, self._reference, self._output, self._measure = model, reference, output, measure
        self._batch_tokens = batch_tokens

    def read(self, answers: Sequence[LaidOut]) -> list[list[float]]:
        """The scores of each answer's steps."""
        scores: list[list[float]] = [[] for _ in answers]
        for batch in batches(answers, self._batch_tokens):
            group = [answers[index] for index in batch]
            likely = [log_probabilities(network, group) for network in (self._model, self._reference)]
            for index, answer, mine, other in zip(batch, group, *likely, strict=True):
                sums = self._output.beta * (mine - other).cumsum(0)
                sums = sums[[read - answer.start for read in answer.reads]]
                if self._output.single:
                    sums = sums.diff(prepend=sums.new_zeros(1))
                scores[index] = self._measure(sums[:, None]).tolist()
        return scores


def batches(answers: Sequence[LaidOut], limit: int) -> Iterator[list[int]]:
    """Indices of answers, shortest first, in groups whose padded size stays within ``limit`` tokens."""
    batch: list[int] = []
    for index in sorted(range(len(answers)), key=lambda index: len(answers[index].ids)):
        if batch and (len(batch) + 1) * len(answers[index].ids) > limit:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def hidden_states(backbone: HiddenStates, answers: Sequence[LaidOut]) -> torch.Tensor:
    """What the backbone makes of a batch: (answers, longest, c), from the first state that is read on."""
    return backbone.of([answer.ids for answer in answers], [_first_read(answer) for answer in answers])


def _first_read(answer: LaidOut) -> int:
    """The first position whose output matters: a read, or the one before the answer where its tokens are judged."""
    return min((*answer.reads, answer.start - 1 if answer.start else len(answer.ids)))


@torch.inference_mode()
def log_probabilities(model: Scored, answers: Sequence[LaidOut]) -> list[torch.Tensor]:
    """For each answer the log-probability of each of its tokens from ``start`` on, in float64."""
    hidden, output = hidden_states(model.backbone, answers), model.output
    found = []
    for row, answer in enumerate(answers):
        before = hidden[row, answer.start - 1 : len(answer.ids) - 1]
        tokens = torch.tensor(answer.ids[answer.start :], device=before.device)
        places = range(0, len(tokens), _CHUNK)
        parts = [_picked(output(before[at : at + _CHUNK]), tokens[at : at + _CHUNK]) for at in places]
        found.append(torch.cat(parts))
    return found


def _picked(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    logits = logits.float()
    return (logits.gather(-1, tokens[:, None])[:, 0] - logits.logsumexp(-1)).double()


class TokenHead(torch.nn.Module):
    """A language model's output layer, cut down to a few tokens.

    Args:
        output: the whole layer.
        tokens: which rows to keep, in the order of the classes.
    """

    def __init__(self, output: Any, tokens: Sequence[int]) -> None:
        super().__init__()
        rows = torch.tensor(list(tokens), device=output.weight.device)
        self.register_buffer("weight", output.weight.detach()[rows].float())
        self.register_buffer("bias", None if output.bias is None else output.bias.detach()[rows].float())

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits (reads, tokens) of hidden states (reads, c)."""
        return torch.nn.functional.linear(hidden.float(), self.weight, self.bias)  # type: ignore[arg-type]
