r"""The retriever ``math/known-facts``: records found by the terms that stand in a problem.

    weight(w)           = ln(N / number of records with w)        w: words of three letters or more, plural or not
    similarity(q, r)    = Σ_{w in both} weight(w)² / sqrt(Σ_{w in r} weight(w)² · Σ_{w in both} weight(w)²)

A record counts for what it has in common with the query, and is not held back by all else that the query says: the
cosine of TF-IDF vectors, with the query cut to the record's words. 1: the query has all terms of the record.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from math import log, sqrt
from pathlib import Path
from typing import Any

from treewright_registry import ConfigurationError, DataError, Hit, RetrieveRequest, as_text

_WORD = re.compile(r"[a-z]{3,}")


class KnownFacts:
    """Finds facts (definitions, units, formulas) whose terms stand in the text.

    Args:
        file: JSON Lines, each with ``content`` (a text) and perhaps ``id``; ``embedded`` for the invented units and
            operations of the embedded world, which stand nowhere else.
        least: similarity that a fact must have to be brought, above 0, at most 1.

    Raises:
        ConfigurationError: no file is given.
        DataError: the file cannot be read.
    """

    def __init__(self, *, file: str, least: float = 0.5) -> None:
        if not 0.0 < least <= 1.0:
            raise ValueError(f"least must lie above 0 and not above 1, not {least}")
        if not file:
            raise ConfigurationError("file: no file of facts is given\n    write  file: embedded  or a JSON Lines file")
        self._records = _embedded() if file == "embedded" else _read(Path(os.path.expandvars(file)).expanduser())
        self._words = [_words(content) for _, content in self._records]
        seen = Counter(word for words in self._words for word in words)
        self._weight = {word: log(len(self._records) / count) ** 2 for word, count in seen.items()}
        self._least = least
        self._source = file

    def retrieve(self, requests: Sequence[RetrieveRequest]) -> list[list[Hit]]:
        """For each text the ``k`` facts that share most with it, best first; ties in the file's order."""
        return [self._hits(_words(as_text(request.query)), request.k) for request in requests]

    def _hits(self, query: frozenset[str], k: int) -> list[Hit]:
        shared = [(self._similarity(query, words), place) for place, words in enumerate(self._words)]
        best = sorted((-value, place) for value, place in shared if value >= self._least)[:k]
        return [Hit(*self._records[place], -value, self._source) for value, place in best]

    def _similarity(self, query: frozenset[str], words: frozenset[str]) -> float:
        whole = sum(self._weight[word] for word in sorted(words))
        return sqrt(sum(self._weight[word] for word in sorted(words & query)) / whole) if whole else 0.0


def _words(text: str) -> frozenset[str]:
    return frozenset(word.removesuffix("s") for word in _WORD.findall(text.lower()))


def _embedded() -> list[tuple[str, str]]:
    from treewright_math.embedded_world.facts import knowledge_base

    return [(record["id"], record["content"]) for record in knowledge_base()]


def _read(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise DataError(f"{path}: the facts cannot be read: {error}") from error
    return [_record(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _record(path: Path, number: int, line: str) -> tuple[str, str]:
    try:
        fields: Any = json.loads(line)
    except ValueError as error:
        raise DataError(f"{path}: line {number}: not JSON: {error}") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("content"), str):
        raise DataError(f'{path}: line {number}: a fact is an object with "content", a text, and perhaps "id"')
    return str(fields.get("id", f"{path.stem}-{number}")), fields["content"]
