"""The law from which a next token is drawn, and by which a given one is judged: one law for both.

For logits z over the tokenizer's vocabulary, in double precision::

    p_i  = exp(z_i / T) / Σ_j exp(z_j / T)
    top-k: p_i = 0 unless p_i is at least the k-th largest; then p is normalised again
    top-p: p_i = 0 unless the tokens more probable than i hold less than the mass ``top_p``; normalised again

Tokens of equal probability stay or go together. At T = 0 the law is a point mass on the largest logit
(the first of several): log p is 0 there and −∞ elsewhere. A token is drawn where a uniform number falls
in the distribution function (inverse transform), so one number a token decides it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from treewright_language.keyed_uniforms import Uniforms


class Law(NamedTuple):
    """How the model's own law is changed before a token is drawn.

    Attributes:
        temperature: 0.0 is greedy.
        top_k: how many tokens at least stay possible; ``None`` for all.
        top_p: nucleus mass in (0, 1].
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0


class RowLaws:
    """The laws of the rows of a batch, ready to be used for one token after the other.

    Args:
        laws: one for each row.
        device: where the logits are.
    """

    def __init__(self, laws: Sequence[Law], device: torch.device) -> None:
        self._laws = list(laws)
        self._device = device
        self._pack()

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Probabilities [rows, vocabulary], double precision, of logits of that shape."""
        exact = logits.double()
        # the largest becomes 0 before it is divided: so no temperature, however low, makes it infinite
        weights = torch.softmax((exact - exact.amax(-1, keepdim=True)) / self._temperatures, dim=-1)
        for k, rows in self._top_k.items():
            weights = _only(weights, rows, _at_least_kth(weights, k))
        if self._has_top_p:
            weights = _only(weights, None, _in_nucleus(weights, self._top_p))
        if self._greedy is not None:
            best = torch.zeros_like(weights).scatter_(-1, logits.argmax(-1, keepdim=True), 1.0)
            weights = torch.where(self._greedy, best, weights)
        return weights

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows, in this order."""
        self._laws = [self._laws[row] for row in rows]
        if not self._same:
            self._pack()

    def _pack(self) -> None:
        laws, device = self._laws, self._device
        self._same = len(set(laws)) == 1
        packed = laws[:1] if self._same else laws  # one row is broadcast over all
        temperatures = [[law.temperature or 1.0] for law in packed]
        self._temperatures = torch.tensor(temperatures, dtype=torch.float64, device=device)
        self._greedy = None
        if any(law.temperature == 0 for law in packed):
            self._greedy = torch.tensor([[law.temperature == 0] for law in packed], device=device)
        self._top_p = torch.tensor([[law.top_p] for law in packed], dtype=torch.float64, device=device)
        self._has_top_p = any(law.top_p < 1 for law in packed)
        self._top_k: dict[int, torch.Tensor | None] = {}
        for k in {law.top_k for law in packed if law.top_k is not None}:
            chosen = [[law.top_k == k] for law in packed]
            self._top_k[k] = None if all(flag for [flag] in chosen) else torch.tensor(chosen, device=device)


def draw(probabilities: torch.Tensor, numbers: Uniforms) -> tuple[torch.Tensor, torch.Tensor]:
    """For each row the token at which its number falls, and that token's log-probability (double precision)."""
    heights = probabilities.cumsum(-1)
    total = heights[:, -1:]
    # below the total, also after rounding: so the token found has a positive probability
    marks = torch.minimum(
        torch.from_numpy(numbers).to(total.device)[:, None] * total, torch.nextafter(total, torch.zeros_like(total))
    )
    tokens = torch.searchsorted(heights, marks, right=True).clamp_(max=probabilities.shape[-1] - 1)[:, 0]
    return tokens, log_probabilities(probabilities, tokens)


def log_probabilities(probabilities: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """The log-probability of a given token for each row, −∞ where the law rules it out; never above 0."""
    return probabilities.gather(-1, tokens[:, None])[:, 0].log().clamp_(max=0.0)


def _at_least_kth(weights: torch.Tensor, k: int) -> torch.Tensor:
    if k >= weights.shape[-1]:
        return torch.ones_like(weights, dtype=torch.bool)
    return weights >= weights.topk(k, dim=-1).values[:, -1:]


def _in_nucleus(weights: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    ordered = weights.sort(dim=-1, descending=True).values
    before = ordered.cumsum(-1) - ordered
    inside = (before < top_p).sum(-1, keepdim=True).clamp_(min=1)
    return (weights >= ordered.gather(-1, inside - 1)) | (top_p >= 1)


def _only(weights: torch.Tensor, rows: torch.Tensor | None, inside: torch.Tensor) -> torch.Tensor:
    kept = weights.where(inside if rows is None else inside | ~rows, 0.0)
    return kept / kept.sum(-1, keepdim=True)
