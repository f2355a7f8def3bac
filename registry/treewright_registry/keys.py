"""Random draws named by where they happen, not by when.

Every draw is keyed by (run seed, problem, path of draw indices) through BLAKE2b. So a problem
gets the same draws alone or among fifty others, in any order of completion, before and after a
resume; and two equal siblings, having different indices, have different futures.
"""

import hashlib
import random
from collections.abc import Sequence


class Key:
    """A point in the tree of random draws; cheap to make and to split (about 1 µs).

    Attributes:
        digest: 16 bytes that name the point.
    """

    __slots__ = ("digest",)

    def __init__(self, digest: bytes) -> None:
        self.digest = digest

    @classmethod
    def root(cls, seed: int, *path: int | str) -> "Key":
        """The key of a run's seed, followed down a path (usually the problem's id)."""
        return cls(seed.to_bytes(16, "little", signed=True)).child(*path)

    def child(self, *path: int | str) -> "Key":
        """The key at the end of ``path`` below this one."""
        digest = self.digest
        for part in path:
            digest = hashlib.blake2b(digest + _encode(part), digest_size=16).digest()
        return Key(digest)

    @property
    def seed(self) -> int:
        """A 64-bit non-negative integer, for generators that take one."""
        return int.from_bytes(self.digest[:8], "little")

    def uniform(self) -> float:
        """A number in [0, 1)."""
        # 53 bits, so that the result can never round up to 1.0
        return (int.from_bytes(self.digest[8:], "little") >> 11) * (1.0 / (1 << 53))

    def choice(self, weights: Sequence[float]) -> int:
        """An index drawn in proportion to non-negative ``weights``.

        Raises:
            ValueError: no weight is positive.
        """
        total = sum(weights)
        if not total > 0:
            raise ValueError("choice needs at least one positive weight")
        threshold = self.uniform() * total
        last = 0
        for index, weight in enumerate(weights):
            if weight <= 0:
                continue
            last = index
            threshold -= weight
            if threshold < 0:
                return index
        return last  # rounding left a crumb: the last index with a positive weight

    def generator(self) -> random.Random:
        """A standard generator seeded here, for longer series of draws (about 10 µs)."""
        return random.Random(self.seed)


def _encode(part: int | str) -> bytes:
    # a tag byte keeps 1 and "1" apart; digests have fixed length, so no separator is needed
    if isinstance(part, int):
        return b"i" + part.to_bytes(16, "little", signed=True)
    return b"s" + part.encode()
