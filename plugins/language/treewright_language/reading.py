"""Reading sequences: keys, values and logits of what has not been computed before, and of nothing else.

Sequences of one call that begin alike are read in waves. In each wave, one of those that share their
next unknown token is read to its end; the others find their common beginning in the cache in the next
wave. So every token is computed once, also where nothing was known before.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch

from treewright_language.key_value_batch import Workspace
from treewright_language.network import Network
from treewright_language.prefix_cache import PrefixCache, Slots, encoded

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
        network = self._network
        past, new = max(part.start for part in parts), max(part.new for part in parts)
        batch = self._space.batch(len(parts), past + new, past)
        cache.gather([part.slots for part in parts], past, batch.buffers)
        keep = max(min(part.passage.keep, part.new) for part in parts)
        tokens = torch.tensor([(0,) * (new - part.new) + part.passage.ids[part.start :] for part in parts])
        starts = torch.tensor([part.start for part in parts])
        blanks = torch.tensor([new - part.new for part in parts])
        positions = (starts[:, None] + torch.arange(new)[None] - blanks[:, None]).clamp_(min=0)
        padded = bool((blanks > 0).any() or (starts < past).any())
        device = network.device
        mask = network.mask_of((past - starts).to(device), past, blanks.to(device), new) if padded else None
        logits = network.forward(tokens.to(device), positions.to(device), batch, mask, keep)
        for row, part in enumerate(parts):
            wanted = min(part.passage.keep, part.new)
            own = logits[row, keep - wanted :]
            self._store(part, cache, batch.buffers, row, past + new - part.new, own)
            yield own if part.first is None else torch.cat([part.first[None], own])

    def _store(
        self,
        part: _Part,
        cache: PrefixCache,
        layers: list[tuple[torch.Tensor, torch.Tensor]],
        row: int,
        column: int,
        logits: torch.Tensor,
    ) -> None:
        ids, start = part.passage.ids, part.start
        before = cache.tokens_stored
        stored = True
        if part.first is None:  # the logits after its known beginning will be wanted by siblings
            beginning = ids[: part.passage.known_from]
            stored = cache.store(beginning, start, layers, row, column, logits=logits[0])
        if stored and part.passage.keep > 1:
            stored = cache.store(ids, start, layers, row, column)
        if not stored:
            raise NoRoom
        fresh = cache.tokens_stored - before
        self._counters.prefilled += fresh
        self._counters.reread += part.new - fresh


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
