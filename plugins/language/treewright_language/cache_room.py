"""Which cache a call works with: the kept one as far as it has room, else one that passes with the call.

Sequences that do not fit into the kept cache together are worked on in smaller groups. Only one that
does not fit by itself is computed beside it, and again in every call.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from treewright_language.prefix_cache import PrefixCache, Shape, trie_size
from treewright_language.reading import Counters, NoRoom

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOG = logging.getLogger(__name__)
_MIB = 1 << 20


class CacheRoom:
    """Makes the caches.

    Args:
        shape: of a token's keys and values.
        room: bytes of the kept cache; 0 keeps nothing from call to call.
        rows: most sequences of a group.
        counters: are told of sequences that do not fit.

    Attributes:
        kept: the cache that stays, once it was needed.
        passing_peak_bytes: most that keys, values and logits took in a cache of one call.
    """

    def __init__(self, shape: Shape, room: int, rows: int, counters: Counters) -> None:
        self._shape = shape
        self._room = room
        self._rows = rows
        self._counters = counters
        self._warned = False
        self.kept: PrefixCache | None = None
        self.passing_peak_bytes = 0

    def work(
        self,
        items: Sequence[Item],
        ids_of: Callable[[Item], tuple[int, ...]],
        do: Callable[[Sequence[Item], PrefixCache], list[Result]],
    ) -> list[Result]:
        """Do something with items, group by group.

        Args:
            items: what is worked on.
            ids_of: the tokens of an item, which will be in the cache.
            do: answers for a group of items, with a cache.
        """
        capacity = self._opened().capacity if self._room else sys.maxsize
        order = list(range(len(items)))
        if len(items) > self._rows:  # sequences of like length side by side: less of their batches is padding
            order.sort(key=lambda number: len(ids_of(items[number])))
        groups = _groups([items[number] for number in order], ids_of, self._rows, capacity)
        results = (result for group in groups for result in self._done(group, ids_of, do))
        by_number = dict(zip(order, results, strict=True))
        return [by_number[number] for number in range(len(items))]

    def cache_for(self, ids: tuple[int, ...]) -> PrefixCache:
        """The kept cache whether it has room or not, or else one for this sequence."""
        return self._opened() if self._room else self._passing([ids])

    def _done(
        self,
        group: Sequence[Item],
        ids_of: Callable[[Item], tuple[int, ...]],
        do: Callable[[Sequence[Item], PrefixCache], list[Result]],
    ) -> list[Result]:
        sequences = {ids_of(item) for item in group}
        if self._room:
            kept = self._opened()
            if trie_size(sequences) <= kept.capacity:
                try:
                    return do(group, kept)
                except NoRoom:  # a part of what is kept, not needed itself, hangs on what is
                    if len(sequences) > 1:
                        half = len(group) // 2
                        return self._done(group[:half], ids_of, do) + self._done(group[half:], ids_of, do)
            self._tell(trie_size(sequences))
        passing = self._passing(list(sequences))
        results = do(group, passing)
        self.passing_peak_bytes = max(self.passing_peak_bytes, passing.peak_bytes)
        return results

    def _opened(self) -> PrefixCache:
        if self.kept is None:
            self.kept = PrefixCache(self._shape, self._room)
        self.kept.begin()
        return self.kept

    def _passing(self, sequences: Sequence[tuple[int, ...]]) -> PrefixCache:
        cache = PrefixCache.for_sequences(self._shape, sequences)
        cache.begin()
        return cache

    def _tell(self, tokens: int) -> None:
        self._counters.crowded += 1
        if not self._warned:
            self._warned = True
            needed = 2 * tokens * self._shape.token_bytes // _MIB + 1
            _LOG.warning(
                "a sequence of %d tokens does not fit into the kept keys and values, and is computed again in every"
                " call; set  cache_mib: %d  or more",
                tokens,
                needed,
            )


def _groups(
    items: Sequence[Item], ids_of: Callable[[Item], tuple[int, ...]], most: int, capacity: int
) -> Iterator[Sequence[Item]]:
    """Items in their order, ``most`` at a time, or fewer if their sequences have no room together."""
    start = 0
    while start < len(items):
        group = items[start : start + most]
        sequences = [ids_of(item) for item in group]
        while len(set(sequences)) > 1 and sum(map(len, sequences)) > capacity and trie_size(sequences) > capacity:
            sequences = sequences[: len(sequences) // 2]
        yield group[: len(sequences)]
        start += len(sequences)
