"""What layouts share: finding marks, and refusing what has no place in a format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from treewright_math.reward_readers.recipe import Answer, CannotBeLaidOut
from treewright_math.reward_readers.vocabulary import Vocabulary

_NUMBERED: Final = re.compile(r"step\s*\d", re.IGNORECASE)


def refuse_control_tokens(vocabulary: Vocabulary, answer: Answer, allowed: Sequence[str] = ()) -> None:
    """See that neither problem nor answer can write marks of its own.

    Args:
        vocabulary: knows the control tokens.
        answer: what is to be laid out.
        allowed: control tokens that belong in an answer.

    Raises:
        CannotBeLaidOut: one of them holds a control token's text.
    """
    vocabulary.refuse_control_tokens(answer.problem, "the problem")
    for number, step in enumerate(answer.steps, 1):
        vocabulary.refuse_control_tokens(step, f"step {number}", allowed)


def positions(ids: Sequence[int], pattern: Sequence[int]) -> list[int]:
    """Where a pattern of tokens begins."""
    first, length = pattern[0], len(pattern)
    return [
        index for index, token in enumerate(ids) if token == first and list(ids[index : index + length]) == [*pattern]
    ]


def one_each(found: Sequence[int], answer: Answer, mark: str) -> tuple[int, ...]:
    """The positions of marks, if there are as many as reasoning steps.

    Raises:
        CannotBeLaidOut: there are more or fewer; the text itself then holds marks.
    """
    if len(found) != len(answer.pieces):
        raise CannotBeLaidOut(
            f"{len(answer.pieces)} steps gave {len(found)} marks {mark}: problem or answer holds that mark itself"
        )
    return tuple(found)


def owners(answer: Answer) -> tuple[int, ...]:
    """The trajectory step of each reasoning step."""
    return tuple(piece.owner for piece in answer.pieces)


def numbered(answer: Answer) -> list[str]:
    """Reasoning steps as ``Step 1: …``; those that begin with the word and a number already stay as they are."""
    return [
        text if _NUMBERED.match(text) else f"Step {number}: {text}"
        for number, text in enumerate((piece.text.strip() for piece in answer.pieces), 1)
    ]
