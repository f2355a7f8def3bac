"""Templates of problems: what is left when numbers and names of variables are taken out; by rule, without a model.

Two problems have the same template if the sets of neighbouring words of their templates overlap by half or more:

    |A ∩ B| / |A ∪ B| ≥ 1/2        A, B: pairs of neighbouring words
"""

import re
from itertools import pairwise
from typing import Final

_WORD = re.compile(r"\\[a-zA-Z]+|[a-zA-Z]+|\d+(?:[.,]\d+)*|[^\sa-zA-Z\d$.,;:?!'\"{}()\\]")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+\b")  # a capital within a sentence
SAME: Final = 0.5
"""Overlap from which two templates count as the same: a choice of this project."""


def template_of(problem: str) -> str:
    """The problem's words with ``#`` for each number and ``x`` for each single letter, punctuation left out.

    "Find $3y+12$." becomes ``find # x + #``.
    """
    return " ".join(_masked(word) for word in _WORD.findall(problem))


def masked_template(problem: str) -> str:
    """The template with ``x`` for names within a sentence too: the key of records kept by template, and of queries.

    Masking a masked text changes nothing.
    """
    return template_of(_NAME.sub("x", problem))


def _masked(word: str) -> str:
    if word[0].isdigit():
        return "#"
    return "x" if len(word) == 1 and word.isalpha() and word not in "aAI" else word.lower()


def pairs_of(template: str) -> frozenset[tuple[str, str]]:
    """The pairs of neighbouring words, with a mark before the first and after the last."""
    words = ["<", *template.split(), ">"]
    return frozenset(pairwise(words))


def overlap(first: frozenset[tuple[str, str]], second: frozenset[tuple[str, str]]) -> float:
    """Jaccard index of two sets, 0 to 1; 1 for two empty ones."""
    union = len(first | second)
    return len(first & second) / union if union else 1.0
