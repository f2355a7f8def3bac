"""Keys and values of the rows of a running batch, in buffers that are made once and written in place.

The library's own growing cache joins tensors anew for every token, which costs as much as it reads; and
rows that have finished stay in it. Here a token is written into its column, and a finished row gives its
place to the last one.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

from treewright_language.prefix_cache import Layer, Shape

_GRAIN = 64  # columns: buffers are wide by multiples of it, so their rows begin at aligned addresses


class _BatchLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]
    """One layer's keys and values, [rows, heads, columns, width], the first ``length`` columns in use."""

    is_sliding = False
    is_croppable = False

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, length: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.keys: torch.Tensor = keys
        self.values: torch.Tensor = values
        self.length = length
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        start, stop = self.length, self.length + key_states.shape[-2]
        self.keys[:, :, start:stop] = key_states
        self.values[:, :, start:stop] = value_states
        self.length = stop
        return self.keys[:, :, :stop], self.values[:, :, :stop]

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """The buffers are there from the start."""

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.length + query_length, 0

    def get_seq_length(self) -> int:
        return self.length

    def get_max_length(self) -> int:
        return -1


class KeyValueBatch(Cache):
    """A batch's keys and values as the library's models take them.

    Args:
        layers: keys and values by layer, [rows, heads, columns, width].
        length: columns in use.
    """

    def __init__(self, layers: Sequence[Layer], length: int) -> None:
        self._own = [_BatchLayer(keys, values, length) for keys, values in layers]
        super().__init__(layers=list(self._own))

    @property
    def buffers(self) -> list[Layer]:
        """Keys and values by layer."""
        return [(layer.keys, layer.values) for layer in self._own]

    @property
    def columns(self) -> int:
        """How many there are."""
        return self._own[0].keys.shape[2]

    @property
    def length(self) -> int:
        """How many are in use."""
        return self._own[0].length

    def move(self, source: int, target: int) -> None:
        """Copy a row over another one."""
        for layer in self._own:
            layer.keys[target, :, : layer.length] = layer.keys[source, :, : layer.length]
            layer.values[target, :, : layer.length] = layer.values[source, :, : layer.length]

    def shrink(self, rows: int) -> None:
        """Go on with the first ``rows`` rows."""
        for layer in self._own:
            layer.keys, layer.values = layer.keys[:rows], layer.values[:rows]


class Workspace:
    """Memory for batches, kept from one to the next: fresh memory costs more than what is written into it.

    Args:
        shape: of a token's keys and values.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._rows = _Memory(shape)
        self._prefixes = _Memory(shape)

    @property
    def bytes(self) -> int:
        """Reserved so far."""
        return self._rows.bytes + self._prefixes.bytes

    def batch(self, rows: int, columns: int, length: int = 0) -> KeyValueBatch:
        """A batch over this memory, of at least ``columns`` columns; it ends an earlier one."""
        columns = -(-columns // _GRAIN) * _GRAIN
        layers = [
            (_shaped(keys, rows, columns, wanted[0]), _shaped(values, rows, columns, wanted[1]))
            for (keys, values), wanted in zip(self._rows.of(rows * columns), self._shape.layers, strict=True)
        ]
        return KeyValueBatch(layers, length)

    def widened(self, batch: KeyValueBatch, columns: int) -> KeyValueBatch:
        """The same rows with more columns."""
        rows, length = batch.buffers[0][0].shape[0], batch.length
        held = [(keys[:, :, :length].clone(), values[:, :, :length].clone()) for keys, values in batch.buffers]
        wider = self.batch(rows, columns, length)
        for (keys, values), (old_keys, old_values) in zip(wider.buffers, held, strict=True):
            keys[:, :, :length] = old_keys
            values[:, :, :length] = old_values
        return wider

    def prefixes(self, tokens: int) -> list[Layer]:
        """Memory for so many tokens in front of a batch, [tokens, heads, width] by layer; it ends an earlier one."""
        return [
            (keys[: tokens * k[0] * k[1]].view(tokens, *k), values[: tokens * v[0] * v[1]].view(tokens, *v))
            for (keys, values), (k, v) in zip(self._prefixes.of(tokens), self._shape.layers, strict=True)
        ]


class _Memory:
    """Flat memory by layer, which grows when more is asked for."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._tokens = 0
        self._flat: list[Layer] = []

    @property
    def bytes(self) -> int:
        """Reserved so far."""
        return self._tokens * self._shape.token_bytes

    def of(self, tokens: int) -> list[Layer]:
        """Room for so many at least."""
        if tokens > self._tokens:
            self._flat = []  # let go first: old and new need not be there together
            options = {"dtype": self._shape.dtype, "device": self._shape.device}
            self._flat = [
                (torch.empty(tokens * k[0] * k[1], **options), torch.empty(tokens * v[0] * v[1], **options))  # type: ignore[call-overload]
                for k, v in self._shape.layers
            ]
            self._tokens = tokens
        return self._flat


def _shaped(flat: torch.Tensor, rows: int, columns: int, head: tuple[int, int]) -> torch.Tensor:
    heads, width = head
    return flat[: rows * heads * columns * width].view(rows, heads, columns, width)
