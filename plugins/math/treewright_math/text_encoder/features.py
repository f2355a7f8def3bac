"""What the encoder sees of a text: words, pairs of words, pieces of words, LaTeX commands and signs; no order beyond.

Every number also counts as ``#``, so problems that differ in their numbers lie close together.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zlib import crc32

_TOKEN = re.compile(r"\\[a-zA-Z]+|[a-zA-Z]+|\d+(?:\.\d+)?|[^\sa-zA-Z\d]")
_PIECE: Final = 4  # letters of a piece of a word
LONGEST: Final = 20_000
"""Letters of a text that are read; the rest is ignored."""


def features_of(text: str) -> Counter[int]:
    """Hashes of all features, with how often each occurs."""
    tokens = [token.lower() for token in _TOKEN.findall(text[:LONGEST])]
    masked = ["#" if token[0].isdigit() else token for token in tokens]
    counts = Counter(feature for token in tokens for feature in _of_token(token))
    counts.update(_hash(f"b:{first} {second}") for first, second in pairwise(masked))
    return counts


@lru_cache(maxsize=100_000)
def _of_token(token: str) -> tuple[int, ...]:
    return tuple(map(_hash, _names(token)))


def _names(token: str) -> Iterator[str]:
    if token[0].isdigit():
        yield from ("w:#", f"n:{token}")
        return
    yield f"w:{token}"
    if len(token) >= _PIECE and token[0] != "\\":
        padded = f"<{token}>"
        yield from (f"p:{padded[start : start + _PIECE]}" for start in range(len(padded) - _PIECE + 1))


def _hash(name: str) -> int:
    """32 bits, the same in every process and on every machine."""
    return crc32(name.encode("utf-8", "surrogatepass"))
