"""Hidden states of token sequences, as reward models read them: no token is computed twice.

What a causal network makes of a token depends on what stands before it and on nothing else. So the last hidden states
are kept beside keys and values, as those of one layer more, and a sequence that goes on from one that was read before
costs its new tokens only: in a tree search, one step of an answer in place of the problem, all records and all steps.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

from treewright_language.cache_room import CacheRoom
from treewright_language.extending import Row, extended
from treewright_language.key_value_batch import Workspace
from treewright_language.network import Backbone
from treewright_language.prefix_cache import Kept, PrefixCache, encoded
from treewright_language.reading import Counters
from treewright_registry import ConfigurationError

_ALIKE = 32  # tokens: sequences that have more new ones in common wait for the first of them to be read


class _Wanted(NamedTuple):
    """A sequence of the call.

    Attributes:
        ids: its tokens.
        start: how many of its first states nobody asks for.
    """

    ids: tuple[int, ...]
    start: int


class _Part(NamedTuple):
    """A sequence of a group, and what of it is kept."""

    place: int
    row: Row


class HiddenStates:
    """The last hidden states of sequences. Threads may share it.

    Beside what is kept, a pass needs room for its own batch. What does not fit together is read in smaller groups, and
    what does not fit by itself without being kept, which is told once.

    Args:
        model: a network without output layer; gives ``last_hidden_state``.
        room: bytes for what is kept, at most; 0 keeps nothing, and each call reads all of its tokens.

    Attributes:
        read_tokens: how many were computed.
        reused_tokens: how many were found instead.
    """

    def __init__(self, model: Any, room: int = 0) -> None:
        self._model = model
        self._network = _backbone(model) if room else None
        if self._network is not None:
            shape = self._network.shape
            width = model.config.get_text_config().hidden_size
            shape = shape._replace(layers=(*shape.layers, ((1, width), (1, 0))), logits=0)
            self._space, self._memory = Workspace(shape), CacheRoom(shape, room, sys.maxsize, Counters())
        self._lock = threading.Lock()
        self.read_tokens = 0
        self.reused_tokens = 0

    @property
    def model(self) -> Any:
        """The network."""
        return self._model

    def of(self, sequences: Sequence[tuple[int, ...]], starts: Sequence[int] | None = None) -> torch.Tensor:
        """Hidden states [sequences, longest, c]; what stands behind a sequence's end has no meaning.

        Args:
            sequences: token ids, at least one each.
            starts: for each sequence, how many of its first states nobody asks for; these may be anything.
        """
        network = self._network
        with self._lock, torch.inference_mode():
            if network is None or max(map(len, sequences)) > network.context:
                return self._all_of(sequences)
            wanted = [_Wanted(*each) for each in zip(sequences, starts or [0] * len(sequences), strict=True)]
            found = self._memory.work(
                wanted, lambda each: each.ids, lambda group, cache: self._extended(network, group, cache)
            )
            return torch.nn.utils.rnn.pad_sequence(found, batch_first=True)

    def _all_of(self, sequences: Sequence[tuple[int, ...]]) -> torch.Tensor:
        """In one pass, without memory. No real token looks at padding, which stands at the end."""
        longest = max(map(len, sequences))
        device = next(self._model.parameters()).device
        ids = torch.tensor([[*ids, *[ids[-1]] * (longest - len(ids))] for ids in sequences])
        self.read_tokens += sum(map(len, sequences))
        states: torch.Tensor = self._model(input_ids=ids.to(device), use_cache=False).last_hidden_state
        return states

    def _extended(self, network: Backbone, group: Sequence[_Wanted], cache: PrefixCache) -> list[torch.Tensor]:
        """The states [tokens, c] of each sequence of a group that has room; waits for what others of it begin with."""
        kept = cache.pools[-1][0]
        found = [kept.new_zeros((len(each.ids), kept.shape[-1])) for each in group]
        pending = list(range(len(group)))
        while pending:
            chosen = list(_leaders([_Part(place, _row(group[place].ids, cache)) for place in pending]))
            for place, row in chosen:
                start = min(group[place].start, len(row.slots))
                slots = torch.from_numpy(row.slots[start:]).to(kept.device)
                found[place][start : len(row.slots)] = kept[slots, 0]
                self.reused_tokens += len(row.slots)
            new = [part for part in chosen if part.row.new]
            for part, states in zip(new, self._pass(network, [part.row for part in new], cache), strict=True):
                found[part.place][len(part.row.slots) :] = states[len(states) - part.row.new :]
            done = {part.place for part in chosen}
            pending = [place for place in pending if place not in done]
        return found

    def _pass(self, network: Backbone, rows: Sequence[Row], cache: PrefixCache) -> Sequence[torch.Tensor]:
        """States of the new tokens of rows, right-aligned; they are kept as far as there is room."""
        if not rows:
            return ()
        new = max(row.new for row in rows)
        states, batch = extended(network, rows, cache, self._space, new)
        columns = batch.length
        batch.buffers[-1][0][: len(rows), 0, columns - new : columns] = states
        sequences = [Kept(row.ids, len(row.slots), number, columns - row.new) for number, row in enumerate(rows)]
        cache.store_all(sequences, batch.buffers)
        self.read_tokens += sum(row.new for row in rows)
        return tuple(states)


def _backbone(model: Any) -> Backbone | None:
    """The network as one that can go on from kept keys and values; ``None`` if it cannot."""
    try:
        return Backbone(model)
    except ConfigurationError:  # it keeps something else, or its rows cannot be batched: it is read without memory
        return None


def _row(ids: tuple[int, ...], cache: PrefixCache) -> Row:
    return Row(ids, cache.find(ids, len(ids)).slots)


def _leaders(parts: Sequence[_Part]) -> Iterator[_Part]:
    """Of those parts that go on alike for long, one; the others find it in the cache afterwards."""
    begun: set[bytes] = set()
    for part in parts:
        start = len(part.row.slots)
        if part.row.new > _ALIKE:
            name = encoded(part.row.ids[: start + _ALIKE])
            if name in begun:
                continue
            begun.add(name)
        yield part
