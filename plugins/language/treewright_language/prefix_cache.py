"""Keys and values of token sequences, kept along the search tree so that no token is computed twice.

A radix tree names token sequences: a node is a run of tokens, and its children begin with different
ones. Each token of the tree owns one slot, a row of the pools (two for each layer: keys and values). So
forks cost nothing, extending a sequence adds its new tokens only, and branches that a search has
dropped are the least recently used leaves, which are freed when room is needed.

At ends of sequences a node may also keep the logits of what comes next, so that a sequence can be
extended again without a single token being computed.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from treewright_registry import ConfigurationError

Slots: TypeAlias = npt.NDArray[np.int64]
Layer: TypeAlias = tuple[torch.Tensor, torch.Tensor]  # keys and values, [rows, heads, tokens, width]

_BLANK = 0  # the slot of zeros that stands for padding
_WIDTH = 4  # bytes of a token id
_LOGITS_SHARE = 8  # at most one eighth of the room goes to logits


class Node:
    """A run of tokens in the tree."""

    __slots__ = ("children", "logits", "parent", "slots", "space", "tokens", "used")

    def __init__(self, parent: "Node | None", tokens: bytes, slots: Slots, used: int) -> None:
        self.parent = parent
        self.tokens = tokens
        self.slots = slots
        self.used = used
        self.children: dict[bytes, Node] = {}
        self.logits: torch.Tensor | None = None
        self.space = b""  # of a root


class Found(NamedTuple):
    """How much of a sequence is there.

    Attributes:
        slots: one for each token found, from the first on.
        logits: of what comes next, if all tokens were found and they are kept.
    """

    slots: Slots
    logits: torch.Tensor | None


class Shape(NamedTuple):
    """What a token's keys and values look like.

    Attributes:
        layers: heads and width of the keys and of the values of each layer.
        dtype, device: of the pools.
        logits: bytes of one row of logits.
    """

    layers: tuple[tuple[tuple[int, int], tuple[int, int]], ...]
    dtype: torch.dtype
    device: torch.device
    logits: int

    @property
    def token_bytes(self) -> int:
        """Of one token."""
        numbers = sum(heads * width for layer in self.layers for heads, width in layer)
        return numbers * self.dtype.itemsize


class Kept(NamedTuple):
    """A sequence whose keys and values are in a batch, and are to be kept.

    Attributes:
        ids: the whole sequence.
        start: all tokens before it are in the tree.
        row: of the batch.
        column: of the batch, where the token ``ids[start]`` is.
        space: see ``PrefixCache.find``.
        logits: of what comes next.
        passing: whether nobody is likely to ask for it: it is then the first to go.
    """

    ids: Sequence[int]
    start: int
    row: int
    column: int
    space: bytes = b""
    logits: torch.Tensor | None = None
    passing: bool = False


class PrefixCache:
    """A radix tree over token ids with pools of keys and values.

    Args:
        shape: what a token needs.
        room: bytes, at most; all of it is reserved at once, and used from the beginning on.

    Attributes:
        capacity: tokens that fit.
        peak_bytes: most that keys, values and logits took at any time.
        tokens_stored: how many have ever been stored.
        pools: keys and values by layer, [slots, heads, width].
    """

    def __init__(self, shape: Shape, room: int) -> None:
        self.shape = shape
        self._logits_room = room // _LOGITS_SHARE if shape.logits else 0
        self.capacity = max(0, (room - self._logits_room) // shape.token_bytes - 1)
        self.pools: list[Layer] = _pools(shape, self.capacity + 1)
        for keys, values in self.pools:
            keys[_BLANK] = 0
            values[_BLANK] = 0
        self._clock = 0
        self.peak_bytes = 0
        self.tokens_stored = 0
        self.clear()

    @classmethod
    def for_sequences(cls, shape: Shape, sequences: Iterable[Sequence[int]]) -> "PrefixCache":
        """One that has just room for these sequences, and one row of logits each."""
        different = set(sequences)
        tokens = (trie_size(different) + 1) * shape.token_bytes
        share = max(1, len(different) * shape.logits, tokens // (_LOGITS_SHARE - 1) + 1)
        return cls(shape, _LOGITS_SHARE * share)

    def clear(self) -> None:
        """Forget everything."""
        self._roots: dict[bytes, Node] = {}
        # the lowest slots are used first, so that memory is touched only as far as needed
        self._free = np.arange(self.capacity, 0, -1, dtype=np.int64)
        self._free_count = self.capacity
        self._kept_logits: OrderedDict[Node, None] = OrderedDict()

    def begin(self) -> None:
        """A new call: what it touches is not freed before the next one."""
        self._clock += 1

    def find(self, ids: Sequence[int], most: int, space: bytes = b"") -> Found:
        """The longest beginning of ``ids[:most]`` that is there.

        Args:
            ids: a token sequence.
            most: how many of its tokens may be found.
            space: sequences of different spaces share nothing.
        """
        tokens = encoded(ids[:most])
        slots: list[Slots] = []
        node, at = self._roots.get(space), 0
        while node is not None:
            child = node.children.get(tokens[at : at + _WIDTH])
            if child is None:
                break
            same = _shared(child.tokens, tokens[at:])
            if same < len(child.tokens):
                child = self._split(child, same)  # so that the rest of the run can be freed
            child.used = self._clock
            slots.append(child.slots)
            node, at = child, at + same
        logits = node.logits if node is not None and at == len(tokens) else None
        return Found(np.concatenate(slots) if slots else np.empty(0, np.int64), logits)

    def store(
        self, ids: Sequence[int], start: int, layers: Sequence[Layer], row: int, column: int, **more: Any
    ) -> bool:
        """Keep keys and values of one sequence, see ``Kept`` and ``store_all``."""
        return self.store_all([Kept(ids, start, row, column, **more)], layers)[0]

    def store_all(self, sequences: Sequence["Kept"], layers: Sequence[Layer]) -> list[bool]:
        """Keep keys and values of sequences, as far as they are not there already.

        Args:
            sequences: what is to be kept.
            layers: keys and values of the batch from which they are copied.

        Returns:
            For each sequence, whether all of it is in the tree now; false if there is no room.
        """
        copies = _Copies(self.pools, layers)
        done = [self._store(kept, copies) for kept in sequences]
        copies.make()
        self.peak_bytes = max(self.peak_bytes, self.used_bytes)
        return done

    def gather(self, rows: Sequence[Slots], width: int, out: Sequence[Layer]) -> None:
        """Write sequences into the first ``width`` columns of a batch, ending in the last of these, zeros before.

        Args:
            rows: slots of the sequences, ``width`` at most each.
            width: columns to fill.
            out: keys and values of the batch, [rows, heads, tokens, width of a head].
        """
        if not width:
            return
        index = self._index(rows, width)
        for pool, batch in zip(self.pools, out, strict=True):
            for kept, wanted in zip(pool, batch, strict=True):
                taken = kept.index_select(0, index).view(len(rows), width, *kept.shape[1:])
                wanted[: len(rows), :, :width] = taken.transpose(1, 2)

    def gather_by_token(self, rows: Sequence[Slots], width: int, out: Sequence[Layer]) -> None:
        """The same, into memory that has the heads of a token side by side: [rows · tokens, heads, width of a head]."""
        index = self._index(rows, width)
        for pool, memory in zip(self.pools, out, strict=True):
            for kept, wanted in zip(pool, memory, strict=True):
                torch.index_select(kept, 0, index, out=wanted)

    def _index(self, rows: Sequence[Slots], width: int) -> torch.Tensor:
        table = np.full((len(rows), width), _BLANK, dtype=np.int64)
        for number, slots in enumerate(rows):
            table[number, width - len(slots) :] = slots
        return torch.from_numpy(table.reshape(-1)).to(self.shape.device)

    @property
    def tokens(self) -> int:
        """How many are kept."""
        return self.capacity - self._free_count

    @property
    def used_bytes(self) -> int:
        """What keys, values and logits take now."""
        return (self.tokens + 1) * self.shape.token_bytes + len(self._kept_logits) * self.shape.logits

    def _store(self, kept: "Kept", copies: "_Copies") -> bool:
        tokens = encoded(kept.ids)
        node, at = self._descend(tokens, kept.space)
        missing = len(kept.ids) - at // _WIDTH
        if at // _WIDTH < kept.start:
            self._leave_out(node)
            return False  # what came before was freed: it had no room
        if missing:
            slots = self._take(missing, copies)
            if slots is None:
                self._leave_out(node)
                return False
            copies.add(slots, kept.row, kept.column + len(kept.ids) - missing - kept.start)
            self.tokens_stored += missing
            child = Node(node, tokens[at:], slots, 0 if kept.passing else self._clock)
            node.children[child.tokens[:_WIDTH]] = child
            node = child
        if kept.logits is not None and node.tokens:
            self._keep_logits(node, kept.logits)
        return True

    # -- the tree -----------------------------------------------------------------------------

    def _descend(self, tokens: bytes, space: bytes) -> tuple[Node, int]:
        """The node at the end of the longest beginning of ``tokens``, split off if need be, and its length in bytes."""
        node = self._roots.get(space)
        if node is None:
            node = self._roots[space] = Node(None, b"", np.empty(0, np.int64), self._clock)
            node.space = space
        node.used = self._clock
        at = 0
        while (child := node.children.get(tokens[at : at + _WIDTH])) is not None:
            same = _shared(child.tokens, tokens[at:])
            if same < len(child.tokens):
                child = self._split(child, same)
            child.used = self._clock
            node, at = child, at + same
        return node, at

    def _split(self, node: Node, at: int) -> Node:
        """Cut a run in two after ``at`` bytes; the new upper part."""
        parent = node.parent
        assert parent is not None
        upper = Node(parent, node.tokens[:at], node.slots[: at // _WIDTH], node.used)
        parent.children[upper.tokens[:_WIDTH]] = upper
        node.parent, node.tokens, node.slots = upper, node.tokens[at:], node.slots[at // _WIDTH :]
        upper.children[node.tokens[:_WIDTH]] = node
        return upper

    def _leaves(self) -> Iterator[Node]:
        pending = list(self._roots.values())
        while pending:
            node = pending.pop()
            pending.extend(node.children.values())
            if not node.children and node.parent is not None:
                yield node

    def _take(self, count: int, copies: "_Copies") -> Slots | None:
        """Free slots, after dropping what has not been used for longest if need be."""
        if self._free_count < count:
            copies.make()  # what is dropped may be among them, and its slots be given away again
            self._drop(count - self._free_count)
        if self._free_count < count:
            return None
        self._free_count -= count
        return self._free[self._free_count : self._free_count + count][::-1].copy()

    def _drop(self, wanted: int) -> None:
        """Free leaves until ``wanted`` slots are free, and a sixteenth more, so that it is seldom done."""
        wanted = min(wanted + self.capacity // 16, self.capacity)
        freed = 0
        while freed < wanted:
            leaves = sorted((leaf for leaf in self._leaves() if leaf.used < self._clock), key=lambda leaf: leaf.used)
            if not leaves:
                return
            for leaf in leaves:
                freed += self._remove(leaf)
                if freed >= wanted:
                    return

    def _remove(self, leaf: Node) -> int:
        count = len(leaf.slots)
        self._free[self._free_count : self._free_count + count] = leaf.slots
        self._free_count += count
        self._kept_logits.pop(leaf, None)
        assert leaf.parent is not None
        del leaf.parent.children[leaf.tokens[:_WIDTH]]
        if leaf.parent.used < self._clock:  # else something is about to be hung there
            self._leave_out(leaf.parent)
        return count

    def _leave_out(self, node: Node) -> None:
        """Forget a root that nothing hangs on."""
        if node.parent is None and not node.children:
            self._roots.pop(node.space, None)

    # -- tensors ------------------------------------------------------------------------------

    def _keep_logits(self, node: Node, logits: torch.Tensor) -> None:
        if node.logits is None:
            node.logits = logits.clone()
        self._kept_logits[node] = None
        self._kept_logits.move_to_end(node)
        while len(self._kept_logits) * self.shape.logits > self._logits_room:
            oldest, _ = self._kept_logits.popitem(last=False)
            oldest.logits = None


def _pools(shape: Shape, size: int) -> list[Layer]:
    """Memory for so many tokens; a page of it is taken when it is first used.

    Raises:
        ConfigurationError: the machine has not so much.
    """
    make = {"dtype": shape.dtype, "device": shape.device}
    try:
        return [
            (torch.empty((size, *keys), **make), torch.empty((size, *values), **make))  # type: ignore[call-overload]
            for keys, values in shape.layers
        ]
    except RuntimeError as error:
        raise ConfigurationError(
            f"no memory for {size * shape.token_bytes >> 20} MiB of keys and values on {shape.device}"
            "\n    set a smaller  cache_mib"
        ) from error


class _Copies:
    """Copies from a batch into the pools, made together: each costs more to begin than to make."""

    def __init__(self, pools: Sequence[Layer], layers: Sequence[Layer]) -> None:
        self._pools = pools
        self._layers = layers
        self._waiting: list[tuple[Slots, int, int]] = []

    def add(self, slots: Slots, row: int, column: int) -> None:
        """Tokens of a row, from a column on, into these slots."""
        self._waiting.append((slots, row, column))

    def make(self) -> None:
        """Make those that wait."""
        if not self._waiting:
            return
        device = self._pools[0][0].device
        counts = [len(slots) for slots, _, _ in self._waiting]
        into = torch.from_numpy(np.concatenate([slots for slots, _, _ in self._waiting])).to(device)
        rows = torch.from_numpy(np.repeat([row for _, row, _ in self._waiting], counts)).to(device)
        columns = np.concatenate([np.arange(first, first + len(slots)) for slots, _, first in self._waiting])
        tokens = torch.from_numpy(columns).to(device)
        for pool, batch in zip(self._pools, self._layers, strict=True):
            for kept, given in zip(pool, batch, strict=True):
                kept.index_copy_(0, into, given.transpose(1, 2)[rows, tokens])
        self._waiting = []


def encoded(ids: Sequence[int]) -> bytes:
    """Token ids as bytes, four each: compared and cut faster than tuples."""
    return np.asarray(ids, dtype="<u4").tobytes()


def digest(ids: Sequence[int]) -> bytes:
    """A short name for a token sequence."""
    return hashlib.blake2b(encoded(ids), digest_size=16).digest()


def trie_size(sequences: Iterable[Sequence[int]]) -> int:
    """Tokens that a tree of these sequences holds: common beginnings count once."""
    size, before = 0, b""
    for tokens in sorted(encoded(ids) for ids in set(sequences)):
        size += len(tokens) - _shared(before, tokens)
        before = tokens
    return size // _WIDTH


def _shared(left: bytes, right: bytes) -> int:
    """How many bytes of whole tokens two runs have in common at their beginning."""
    size = min(len(left), len(right))
    if left[:size] == right[:size]:
        return size
    a, b = np.frombuffer(left[:size], "<u4"), np.frombuffer(right[:size], "<u4")
    return int(np.argmax(a != b)) * _WIDTH
