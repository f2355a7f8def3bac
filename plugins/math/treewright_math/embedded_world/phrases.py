"""Sentence patterns by relation: those that training uses, and whole patterns held out for evaluation.

``{A}`` has what the sentence defines; ``{B}`` and ``{C}`` have what it is made from; ``{n}`` is a number
of the text, ``{t}`` the thing, ``{u}`` and ``{s}`` a container or an earlier unit (plural, singular),
``{o}`` an invented operation. Patterns begin in lower case, as inside a longer sentence.

A held-out pattern never stands in training, and is made of parts that do: a statement with "fewer" whose twin with
"more" is seen (``statements``), a clause after another opening, another verb or word order. So it can be understood by
whoever has learnt the parts; the models know no word that training did not show (a test asserts it).
"""

from random import Random

from treewright_math.embedded_world.statements import RELATIONS, crossed, readings

OPENINGS = ("", "then ", "after that ", "later ", "soon ")
"""What may stand before something that happens."""

_CLAUSES: dict[str, tuple[str, ...]] = {
    "gain": (
        "{A} buys {n} more {t}.",
        "{A} finds {n} {t}.",
        "{A} gets {n} more {t}.",
        "{A} gets {n} {t} from friends.",
        "{n} more {t} come to {A}.",
        "friends give {A} {n} {t}.",
        "{n} {t} are given to {A}.",
        "{A} wins {n} {t}.",
    ),
    "loss": (
        "{A} sells {n} {t}.",
        "{A} loses {n} {t}.",
        "{A} gives {n} {t} away.",
        "{A} gives {n} {t} to friends.",
        "{n} of the {t} of {A} are lost.",
        "friends take {n} {t} from {A}.",
        "{n} {t} are taken from {A}.",
        "{A} sells {n} of the {t}.",
    ),
    "price": (
        "{A} sells all the {u} for {n} {t} each.",
        "{A} gets {n} {t} for each of the {u}.",
        "for each of the {u}, {A} gets {n} {t}.",
        "{A} sells each of the {u} for {n} {t}.",
        "all the {u} of {A} are sold for {n} {t} each.",
        "friends give {A} {n} {t} for each of the {u}.",
    ),
    "pack": (
        "{A} puts all the {u} into {t}, {n} in each {s}.",
        "{A} gives each {s} {n} of the {u}.",
        "{A} puts {n} of the {u} into each {s}.",
        "in each {s} {A} puts {n} of the {u}.",
        "all the {u} of {A} are put into {t}, {n} in each {s}.",
        "{A} keeps all the {u} in {t}, {n} in each {s}.",
    ),
    "unit": (
        "{A} changes all the {u} into {t}.",
        "{A} counts the {u} in {t}.",
        "for {A} we write the {u} as {t}.",
        "all the {u} of {A} are changed into {t}.",
        "{A} changes the {u} into {t}.",
        "we count the {u} of {A} in {t}.",
    ),
}

_SEEN: dict[str, tuple[str, ...]] = {
    "given": (
        "{A} has {n} {t}.",
        "{A} owns {n} {t}.",
        "{A} keeps {n} {t}.",
        "there are {n} {t} with {A}.",
        "with {A} there are {n} {t}.",
        "{n} {t} belong to {A}.",
        "we count {n} {t} for {A}.",
        "for {A} we count {n} {t}.",
        "{A} starts with {n} {t}.",
        "{n} {t} are with {A}.",
        "we find {n} {t} with {A}.",
        "we know that {A} has {n} {t}.",
        "we know of {n} {t} that belong to {A}.",
        "the {t} of {A} are {n}.",
    ),
    "convert": (
        "each {s} of {A} holds {n} {t}.",
        "{A} finds {n} {t} in each {s}.",
        "there are {n} {t} in each {s} of {A}.",
        "in each {s} {A} has {n} {t}.",
        "{n} {t} are in each {s} of {A}.",
        "{A} keeps {n} {t} in each {s}.",
        "in each {s} {A} finds {n} {t}.",
        "each {s} that {A} has holds {n} {t}.",
        "for each {s}, {A} has {n} {t}.",
        "we count {n} {t} in each {s} of {A}.",
        "we find {n} {t} in each {s} of {A}.",
        "in each {s} of {A} we find {n} {t}.",
        "{A} owns {n} {t} in each {s}.",
    ),
    "operation": (
        "{A} has as many {t} as {B} {o} {C}.",
        "{A} keeps as many {t} as {B} {o} {C}.",
        "the {t} of {A} are {B} {o} {C}.",
        "the {t} of {A} are as many as {B} {o} {C}.",
        "{A} owns {B} {o} {C} {t}.",
        "{A} has {B} {o} {C} {t}.",
        "there are {B} {o} {C} {t} with {A}.",
        "{B} {o} {C} {t} belong to {A}.",
        "for {A} we count {B} {o} {C} {t}.",
        "{B} {o} {C} are as many {t} as {A} has.",
        "with {A} there are {B} {o} {C} {t}.",
        "we find {B} {o} {C} {t} with {A}.",
    ),
    "question": (
        "how many {t} does {A} have?",
        "how many {t} does {A} have now?",
        "how many {t} does {A} own?",
        "how many {t} does {A} keep now?",
        "how many {t} belong to {A}?",
        "how many {t} belong to {A} now?",
        "how many {t} are there with {A}?",
        "how many {t} are with {A} now?",
        "how many of the {t} belong to {A}?",
        "find the {t} of {A}.",
        "count the {t} of {A}.",
        "find how many {t} {A} has.",
        "how many {t} can we count for {A}?",
        "how many {t} can we find with {A}?",
    ),
}

_HELD_OUT: dict[str, tuple[str, ...]] = {
    "given": (
        "for {A} there are {n} {t}.",
        "with {A} we count {n} {t}.",
        "with {A} we find {n} {t}.",
        "we know that {A} owns {n} {t}.",
        "we know that {n} {t} belong to {A}.",
        "{n} {t} are there with {A}.",
    ),
    "convert": (
        "in each {s} of {A} there are {n} {t}.",
        "{A} has {n} {t} in each {s}.",
        "in each {s} of {A} we count {n} {t}.",
        "in each {s} {A} keeps {n} {t}.",
        "each {s} that {A} owns holds {n} {t}.",
    ),
    "operation": (
        "{A} owns as many {t} as {B} {o} {C}.",
        "{A} keeps {B} {o} {C} {t}.",
        "we count {B} {o} {C} {t} for {A}.",
        "{B} {o} {C} are as many {t} as {A} owns.",
    ),
    "question": (
        "how many {t} are there for {A}?",
        "how many of the {t} belong to {A} now?",
        "how many {t} does {A} own now?",
        "how many {t} does {A} keep?",
        "count how many {t} {A} has.",
        "how many {t} can we count with {A}?",
    ),
}


def _opened(relation: str, held_out: bool) -> tuple[str, ...]:
    """Clauses after openings; one opening of each clause is held out, another for each."""
    clauses = _CLAUSES[relation]
    return tuple(
        opening + clause
        for number, clause in enumerate(clauses)
        for place, opening in enumerate(OPENINGS)
        if (place == 1 + number % (len(OPENINGS) - 1)) == held_out
    )


def _all(held_out: bool) -> dict[str, tuple[str, ...]]:
    statements = {relation: readings(relation, held_out) for relation in RELATIONS}
    events = {relation: _opened(relation, held_out) for relation in _CLAUSES}
    return {**(_HELD_OUT if held_out else _SEEN), **statements, **events}


SEEN: dict[str, tuple[str, ...]] = _all(held_out=False)
HELD_OUT: dict[str, tuple[str, ...]] = _all(held_out=True)


CROSSED: dict[bool, dict[str, tuple[str, ...]]] = {
    held_out: {name: tuple(text for text in told[name] if crossed(name, text)) for name in RELATIONS}
    for held_out, told in ((False, SEEN), (True, HELD_OUT))
}
"""Of each relation that can be told from either side the patterns whose words suggest the opposite."""


def patterns(relation: str, held_out: bool) -> tuple[str, ...]:
    """The patterns of a relation, seen in training or held out."""
    return (HELD_OUT if held_out else SEEN)[relation]


def draw_pattern(relation: str, held_out: bool, share: float, draw: Random) -> str:
    """One of them, crossed with a probability of ``share`` where there are such patterns."""
    opposite = CROSSED[held_out].get(relation, ())
    if not opposite:
        return draw.choice(patterns(relation, held_out))
    if draw.random() < share:
        return draw.choice(opposite)
    return draw.choice([text for text in patterns(relation, held_out) if text not in opposite])
