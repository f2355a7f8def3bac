"""What a reviewing model's format is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Message: TypeAlias = dict[str, str]
Conversation: TypeAlias = Callable[[str, Sequence[str], Sequence[str]], list[Message]]
"""(problem, reasoning steps so far, reviews of all but the last) → the messages that ask for the next review."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFormat:
    """How a reviewing model is asked, and where its verdict stands.

    Attributes:
        name: as in the option ``format``.
        checkpoints: published models.
        source: where the format was learnt.
        each: ``step`` asks for a review of every step, ``answer`` for one of all of them.
        conversation: the messages.
        opening: what the assistant's message begins with, given the number of the step (from 1).
        ends: the review is cut before the first of these.
        closing: what is written behind the review to have the verdict follow.
        gap: what stands between the closing and a verdict. It is read together with the verdict, as the authors read
            it: tokenizers make one token of a blank and the word behind it.
        good, bad: the two verdicts.
        signed: what a finished review ends with after its verdict, for the turns that follow.
        written: finds a verdict in a review that goes on to the end by itself; its first group is the verdict.
        step_verdict: finds the verdicts on single steps within a review, or ``None``.
        samples: how many reviews the authors average by default.
        temperature: at which they are drawn.
    """

    name: str
    checkpoints: tuple[str, ...]
    source: str
    each: Literal["step", "answer"]
    conversation: Conversation
    opening: Callable[[int], str]
    ends: tuple[str, ...]
    closing: str
    good: str
    bad: str
    signed: str
    written: re.Pattern[str]
    gap: str = ""
    step_verdict: re.Pattern[str] | None = None
    samples: int = 1
    temperature: float = 0.6
