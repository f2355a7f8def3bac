"""Statements that tie two or three quantities together, and can be read in each direction.

``{X}`` and ``{Y}`` (and ``{Z}``) have so many ``{t}``, such that X = Y + n, X = n * Y, or X = Y + Z. Which of them the
problem asks a step for decides the relation: the same statement tells ``more`` if X follows from Y, and ``fewer`` if Y
follows from X. Some statements are held out, in both directions, and one verb of each of the others that have a verb.
"""

from collections.abc import Iterator
from typing import NamedTuple

VERBS = ("has", "owns", "keeps")
EVERY = "every"


class Statement(NamedTuple):
    """A statement.

    Attributes:
        text: with the places above; ``{has}`` stands for one of ``VERBS``.
        unseen: the verb with which training never shows it; ``EVERY`` if training never shows it at all.
    """

    text: str
    unseen: str = ""


ADDITION = (  # X = Y + n
    Statement("{X} {has} {n} more {t} than {Y}.", "keeps"),
    Statement("{Y} {has} {n} fewer {t} than {X}.", "owns"),
    Statement("{X} {has} as many {t} as {Y} and {n} more.", "owns"),
    Statement("{Y} {has} as many {t} as {X} but {n} fewer.", "keeps"),
    Statement("compared with {Y}, {X} {has} {n} more {t}.", "keeps"),
    Statement("compared with {X}, {Y} {has} {n} fewer {t}.", "owns"),
    Statement("the {t} of {X} are {n} more than the {t} of {Y}."),
    Statement("the {t} of {Y} are {n} fewer than the {t} of {X}.", EVERY),
    Statement("with {n} more {t}, {Y} would have as many as {X}."),
    Statement("with {n} fewer {t}, {X} would have as many as {Y}.", EVERY),
    Statement("without {n} of the {t}, {X} would have as many as {Y}."),
    Statement("{Y} would have as many {t} as {X} with {n} more."),
    Statement("{X} would have as many {t} as {Y} without {n} of them."),
    Statement("for {X} we count {n} more {t} than for {Y}."),
    Statement("for {Y} we count {n} fewer {t} than for {X}."),
    Statement("we count {n} more {t} for {X} than for {Y}."),
    Statement("we count {n} fewer {t} for {Y} than for {X}.", EVERY),
    Statement("{n} more {t} belong to {X} than to {Y}."),
    Statement("{n} fewer {t} belong to {Y} than to {X}."),
    Statement("there are {n} more {t} with {X} than with {Y}."),
    Statement("there are {n} fewer {t} with {Y} than with {X}.", EVERY),
    Statement("{Y} needs {n} more {t} to have as many as {X}."),
    Statement("the {t} of {Y} plus {n} more are as many as the {t} of {X}."),
    Statement("the {t} of {X} minus {n} are as many as the {t} of {Y}."),
)

MULTIPLICATION = (  # X = n * Y
    Statement("{X} {has} {n} times as many {t} as {Y}.", "keeps"),
    Statement("compared with {Y}, {X} {has} {n} times as many {t}.", "owns"),
    Statement("{X} {has} {n} {t} for each of the {t} of {Y}.", "owns"),
    Statement("for each of the {t} of {Y}, {X} {has} {n}.", "keeps"),
    Statement("{Y} {has} one of {n} equal parts of the {t} of {X}.", "owns"),
    Statement("{Y} {has} as many {t} as {X} would give each of {n} friends.", "keeps"),
    Statement("the {t} of {X} are {n} times the {t} of {Y}."),
    Statement("{n} times the {t} of {Y} are as many as the {t} of {X}."),
    Statement("the {t} of {Y} are one of {n} equal parts of the {t} of {X}."),
    Statement("for {X} we count {n} times as many {t} as for {Y}."),
    Statement("we count {n} times as many {t} for {X} as for {Y}.", EVERY),
    Statement("{n} times as many {t} belong to {X} as to {Y}."),
    Statement("there are {n} times as many {t} with {X} as with {Y}.", EVERY),
    Statement("with {n} times as many {t}, {Y} would have as many as {X}.", EVERY),
    Statement("{Y} would have as many {t} as {X} with {n} times as many."),
    Statement("{Y} needs {n} times as many {t} to have as many as {X}."),
    Statement("each of {n} friends would get as many {t} from {X} as {Y} has."),
)

UNION = (  # X = Y + Z
    Statement("{X} {has} as many {t} as {Y} and {Z} together.", "keeps"),
    Statement("{X} {has} as many {t} as {Y} plus {Z}.", "owns"),
    Statement("{X} {has} the {t} of {Y} plus the {t} of {Z}.", "keeps"),
    Statement("{Y} {has} as many {t} as {X} minus {Z}.", "owns"),
    Statement("{Y} {has} the {t} of {X} minus the {t} of {Z}.", "owns"),
    Statement("{Y} {has} as many {t} as {X} has more than {Z}.", "keeps"),
    Statement("together {Y} and {Z} have as many {t} as {X}."),
    Statement("{Y} and {Z} together have as many {t} as {X}.", EVERY),
    Statement("the {t} of {X} are as many as the {t} of {Y} and {Z}."),
    Statement("the {t} of {Y} plus the {t} of {Z} are as many as the {t} of {X}."),
    Statement("the {t} of {X} minus the {t} of {Z} are as many as the {t} of {Y}.", EVERY),
    Statement("for {X} we count as many {t} as for {Y} and {Z} together."),
    Statement("there are as many {t} with {X} as with {Y} and {Z} together.", EVERY),
    Statement("as many {t} belong to {X} as to {Y} and {Z} together."),
    Statement("without the {t} of {Z}, {X} would have as many as {Y}."),
    Statement("with the {t} of {Z}, {Y} would have as many as {X}."),
    Statement("{X} would have as many {t} as {Y} without the {t} of {Z}.", EVERY),
    Statement("{Y} would have as many {t} as {X} with the {t} of {Z}."),
    Statement("{Y} needs the {t} of {Z} to have as many as {X}."),
)

_READINGS = {
    "more": (ADDITION, {"X": "{A}", "Y": "{B}"}),
    "fewer": (ADDITION, {"X": "{B}", "Y": "{A}"}),
    "times": (MULTIPLICATION, {"X": "{A}", "Y": "{B}"}),
    "part": (MULTIPLICATION, {"X": "{B}", "Y": "{A}"}),
    "sum": (UNION, {"X": "{A}", "Y": "{B}", "Z": "{C}"}),
    "difference": (UNION, {"X": "{B}", "Y": "{A}", "Z": "{C}"}),
}
RELATIONS = tuple(_READINGS)
_GROWING = ("more", "times", "sum")
_TAKING = ("fewer", "minus", "without", "equal parts", "would give each", "would get", "has more than")


def readings(relation: str, held_out: bool) -> tuple[str, ...]:
    """The patterns of a relation: ``{A}`` has what follows from ``{B}`` (and ``{C}``)."""
    statements, holders = _READINGS[relation]
    return tuple(text for s in statements for text, unseen in _told(s, holders) if unseen == held_out)


def _told(statement: Statement, holders: dict[str, str]) -> Iterator[tuple[str, bool]]:
    """Each pattern of a statement, and whether it is held out."""
    places = {"n": "{n}", "t": "{t}"} | holders
    for verb in VERBS if "{has}" in statement.text else (EVERY,):
        yield statement.text.format(has=verb, **places), verb == statement.unseen


def crossed(relation: str, pattern: str) -> bool:
    """Whether a pattern's words suggest the opposite of what the step has to do.

    "Ann has 5 more than Tom" is plain for whoever looks for Ann's (5 is added), and crossed for whoever looks for Tom's
    (5 is taken away though the text says more): then the words do not tell what to do, and the names must.
    """
    return any(words in pattern for words in _TAKING) == (relation in _GROWING)
