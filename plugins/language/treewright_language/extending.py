"""One pass of a network over what stands behind kept beginnings, row by row of a batch."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from treewright_language.key_value_batch import KeyValueBatch, Workspace
from treewright_language.network import Network
from treewright_language.prefix_cache import PrefixCache, Slots
from treewright_language.shared_prefix import opened


class Row(NamedTuple):
    """A sequence of the batch.

    Attributes:
        ids: its tokens.
        slots: where keys and values of its first tokens are kept; fewer than all.
    """

    ids: Sequence[int]
    slots: Slots

    @property
    def new(self) -> int:
        """How many tokens have to be computed."""
        return len(self.ids) - len(self.slots)


def extended(
    network: Network, rows: Sequence[Row], cache: PrefixCache, space: Workspace, keep: int
) -> tuple[torch.Tensor, KeyValueBatch]:
    """What the network makes of the last ``keep`` tokens of each row, and the batch that holds keys and values.

    Rows lie right-aligned: the last token of each is in the last of the batch's columns.

    Args:
        network: computes.
        rows: what is read.
        cache: that the slots are of.
        space: memory for the batch; an earlier one in it ends.
        keep: how many outputs of each row.
    """
    past, new = max(len(row.slots) for row in rows), max(row.new for row in rows)
    share = network.worth_sharing(len(rows) * past)  # else they are copied, each to its row
    prefix = opened([row.slots for row in rows], cache, space) if share else None
    column = 0 if prefix is not None else past  # of the batch, where new tokens begin
    batch = space.batch(len(rows), column + new, column)
    if prefix is None:
        cache.gather([row.slots for row in rows], past, batch.buffers)
    tokens = torch.tensor([(0,) * (new - row.new) + tuple(row.ids[len(row.slots) :]) for row in rows])
    starts = torch.tensor([len(row.slots) for row in rows])
    blanks = torch.tensor([new - row.new for row in rows])
    positions = (starts[:, None] + torch.arange(new)[None] - blanks[:, None]).clamp_(min=0)
    padding = torch.zeros_like(starts) if prefix is not None else past - starts
    padded = bool((blanks > 0).any() or (padding > 0).any())
    device = network.device
    mask = network.mask_of(padding.to(device), column, blanks.to(device), new) if padded else None
    return network.forward(tokens.to(device), positions.to(device), batch, mask, keep, prefix), batch
