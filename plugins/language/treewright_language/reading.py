"""Reading sequences: keys, values and logits of what has not been computed before, and of nothing else.

Sequences of one call that begin alike are read in waves. In each wave, one of those that share their
next unknown token is read to its end; the others find their common beginning in the cache in the next
wave. So every token is computed once, also where nothing was known before.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch

from treewright_language.extending import Row, extended
from treewright_language.key_value_batch import Workspace
from treewright_language.network import Network
from treewright_language.prefix_cache import Kept, PrefixCache, Slots, encoded

T = TypeVar("T")

_MOST_TOKENS = 8192  # of one pass, padding included: what its activations take is bounded by that
_MOST_LOGITS = 1 << 24  # numbers of one pass
_FIXED = 48  # tokens: reading some more costs less than another pass


class Passage(NamedTuple):
    """A sequence to be read.

    Attributes:
        ids: its tokens, at least one.
        keep: logits are wanted after each of its last ``keep`` tokens, 1 or more.
    """

    ids: tuple[int, ...]
    keep: int = 1

    @property
    def known_from(self) -> int:
        """Length of the beginning after which the first logits are wanted."""
        return len(self.ids) - self.keep + 1


@dataclass(slots=True)
class Counters:
    """What has been computed and saved, in tokens, since the policy was built.

    Attributes:
        prefilled: read, each once, since no keys and values of them were kept.
        reread: read again, only because their logits were wanted.
        reused: of the sequences asked for, found in the cache.
        decoded: drawn tokens that were fed back.
        drawn: drawn tokens.
        crowded: groups whose sequence does not fit into the cache by itself, and was read without it.
    """

    prefilled: int = 0
    reread: int = 0
    reused: int = 0
    decoded: int = 0
    drawn: int = 0
    crowded: int = 0


class NoRoom(Exception):
    """The sequences of a call do not fit into the cache together."""


class _Part(NamedTuple):
    """What of a passage has to be computed now."""

    place: int
    passage: Passage
    slots: Slots  # of the tokens that are kept, and precede the new ones
    first: torch.Tensor | None  # the first logits wanted, if they are kept

    @property
    def start(self) -> int:
        return len(self.slots)

    @property
    def new(self) -> int:
        return len(self.passage.ids) - self.start


class Reader:
    """Reads passages with the help of a cache.

    Args:
        network: computes.
        space: memory for its batches.
        counters: are told what was done.
    """

    def __init__(self, network: Network, space: Workspace, counters: Counters) -> None:
        self._network = network
        self._space = space
        self._counters = counters

    def read(
        self, passages: Sequence[Passage], cache: PrefixCache, made_of: Callable[[Passage, torch.Tensor], T]
    ) -> list[T]:
        """What is made of the logits of each passage; keys and values of all are in the cache then.

        Args:
            passages: to be read.
            cache: where keys and values are found and left.
            made_of: is given a passage and its logits [keep, vocabulary], right after they were computed.

        Raises:
            NoRoom: they do not fit.
        """
        found: dict[Passage, T] = {}
        pending = list(dict.fromkeys(passages))
        first_time = True
        while pending:
            parts = [self._part(place, passage, cache) for place, passage in enumerate(pending)]
            if first_time:
                self._counters.reused += sum(part.start for part in parts)
                first_time = False
            done = [part for part in parts if not part.new]
            for part in done:
                if part.first is not None:
                    found[part.passage] = made_of(part.passage, part.first[None])
            chosen = _leaders(part for part in parts if part.new)
            for group in _batches(chosen, self._network):
                for part, logits in zip(group, self._pass(group, cache), strict=True):
                    found[part.passage] = made_of(part.passage, logits)
            pending = [passage for passage in pending if passage not in found]
        return [found[passage] for passage in passages]

    def _part(self, place: int, passage: Passage, cache: PrefixCache) -> _Part:
        known_from = passage.known_from
        kept = cache.find(passage.ids, known_from)
        if kept.logits is not None:
            return _Part(place, passage, kept.slots, kept.logits)
        return _Part(place, passage, kept.slots[: known_from - 1], None)

    def _pass(self, parts: Sequence[_Part], cache: PrefixCache) -> Iterator[torch.Tensor]:
        """One pass of the network over the new tokens of some parts; stores what it computes."""
        keep = max(min(part.passage.keep, part.new) for part in parts)
        rows = [Row(part.passage.ids, part.slots) for part in parts]
        logits, batch = extended(self._network, rows, cache, self._space, keep)
        own = [logits[row, keep - min(part.passage.keep, part.new) :] for row, part in enumerate(parts)]
        self._store(parts, own, cache, batch.buffers, batch.length)
        for part, after in zip(parts, own, strict=True):
            yield after if part.first is None else torch.cat([part.first[None], after])

    def _store(
        self,
        parts: Sequence[_Part],
        logits: Sequence[torch.Tensor],
        cache: PrefixCache,
        layers: list[tuple[torch.Tensor, torch.Tensor]],
        columns: int,
    ) -> None:
        """Keep what was computed for some parts, which end in the last of the columns."""
        sequences = []
        for row, (part, own) in enumerate(zip(parts, logits, strict=True)):
            ids, start, column = part.passage.ids, part.start, columns - part.new
            if part.first is None:  # the logits after its known beginning will be wanted by siblings
                sequences.append(Kept(ids[: part.passage.known_from], start, row, column, logits=own[0]))
            if part.passage.keep > 1:
                sequences.append(Kept(ids, start, row, column))
        before = cache.tokens_stored
        stored = cache.store_all(sequences, layers)
        fresh = cache.tokens_stored - before
        self._counters.prefilled += fresh
        self._counters.reread += sum(part.new for part in parts) - fresh
        if not all(stored):
            raise NoRoom


def most_rows(vocabulary: int) -> int:
    """How many rows of logits may be computed at once."""
    return max(1, _MOST_LOGITS // vocabulary)


def _leaders(parts: Iterable[_Part]) -> list[_Part]:
    """Of those parts that go on alike from the same beginning, the longest one."""
    leaders: dict[bytes, _Part] = {}
    for part in parts:
        name = encoded(part.passage.ids[: part.start + 1])
        other = leaders.get(name)
        if other is None or part.new > other.new:
            leaders[name] = part
    return list(leaders.values())


def _batches(parts: Sequence[_Part], network: Network) -> Iterator[list[_Part]]:
    """Parts of like length together, so that little is padding."""
    group: list[_Part] = []
    wasted = 0
    for part in sorted(parts, key=lambda each: -each.new):
        longest = group[0].new if group else part.new
        keep = max(min(each.passage.keep, each.new) for each in [*group[:1], part])
        numbers = (len(group) + 1) * keep * network.shape.logits // 4
        full = (len(group) + 1) * longest > _MOST_TOKENS or numbers > _MOST_LOGITS
        wasted += longest - part.new
        if group and (full or wasted > _FIXED + longest * len(group) // 4):
            yield group
            group, wasted = [], 0
        group.append(part)
    if group:
        yield group
