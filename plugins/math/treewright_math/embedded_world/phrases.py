"""Sentence patterns by relation: those that training uses, and whole patterns held out for evaluation.

``{A}`` has what the sentence defines; ``{B}`` and ``{C}`` have what it is made from; ``{n}`` is a number
of the text, ``{t}`` the thing, ``{u}`` and ``{s}`` a container or an earlier unit (plural, singular),
``{o}`` an invented operation. A held-out pattern uses only words that the others use somewhere: the
models know no word that training did not show (a test asserts it).
"""

SEEN: dict[str, tuple[str, ...]] = {
    "given": (
        "{A} has {n} {t}.",
        "{A} owns {n} {t}.",
        "There are {n} {t} with {A}.",
        "{n} {t} belong to {A}.",
        "We count {n} {t} for {A}.",
        "{A} starts with {n} {t}.",
    ),
    "more": (
        "{A} has {n} more {t} than {B}.",
        "{B} has {n} fewer {t} than {A}.",
        "{A} has as many {t} as {B} and {n} more.",
        "The {t} of {A} are {n} more than the {t} of {B}.",
        "With {n} more {t}, {B} would have as many as {A}.",
        "For {A} we count {n} more {t} than for {B}.",
    ),
    "fewer": (
        "{A} has {n} fewer {t} than {B}.",
        "{B} has {n} more {t} than {A}.",
        "The {t} of {A} are {n} fewer than the {t} of {B}.",
        "Without {n} of the {t}, {B} would have as many as {A}.",
        "{A} would have as many {t} as {B} with {n} more.",
        "For {A} we count {n} fewer {t} than for {B}.",
    ),
    "times": (
        "{A} has {n} times as many {t} as {B}.",
        "The {t} of {A} are {n} times the {t} of {B}.",
        "For each of the {t} of {B}, {A} has {n}.",
        "{A} owns {n} times as many {t} as {B}.",
        "{B} has one of {n} equal parts of the {t} of {A}.",
    ),
    "part": (
        "{B} has {n} times as many {t} as {A}.",
        "{A} has one of {n} equal parts of the {t} of {B}.",
        "The {t} of {B} are {n} times the {t} of {A}.",
        "{A} has as many {t} as {B} would give each of {n} friends.",
        "For each of the {t} of {A}, {B} has {n}.",
    ),
    "sum": (
        "{A} has as many {t} as {B} and {C} together.",
        "Together {B} and {C} have as many {t} as {A}.",
        "The {t} of {A} are as many as the {t} of {B} and {C}.",
        "{A} owns as many {t} as {B} plus {C}.",
        "For {A} we count the {t} of {B} and of {C} together.",
    ),
    "difference": (
        "{A} has as many {t} as {B} has more than {C}.",
        "{A} and {C} together have as many {t} as {B}.",
        "{B} has as many {t} as {A} and {C} together.",
        "Without the {t} of {C}, {B} would have as many as {A}.",
        "{A} owns as many {t} as {B} minus {C}.",
    ),
    "gain": (
        "Then {A} buys {n} more {t}.",
        "{A} finds {n} {t}.",
        "After that {A} gets {n} more {t}.",
        "Then {A} gets {n} {t} from friends.",
        "{n} more {t} come to {A}.",
    ),
    "loss": (
        "Then {A} sells {n} {t}.",
        "{A} loses {n} {t}.",
        "After that {A} gives {n} {t} away.",
        "Then {A} gives {n} {t} to friends.",
        "Then {n} of the {t} of {A} are lost.",
    ),
    "convert": (
        "Each {s} of {A} holds {n} {t}.",
        "{A} finds {n} {t} in each {s}.",
        "There are {n} {t} in each {s} of {A}.",
        "In each {s} {A} has {n} {t}.",
    ),
    "price": (
        "{A} sells all the {u} for {n} {t} each.",
        "{A} gets {n} {t} for each of the {u}.",
        "For each of the {u}, {A} gets {n} {t}.",
    ),
    "pack": (
        "{A} puts all the {u} into {t}, {n} in each {s}.",
        "The {t} of {A} hold all the {u}, {n} in each {s}.",
        "{A} gives each {s} {n} of the {u}.",
    ),
    "unit": (
        "{A} changes all the {u} into {t}.",
        "{A} counts the {u} in {t}.",
        "For {A} we write the {u} as {t}.",
    ),
    "operation": (
        "{A} has as many {t} as {B} {o} {C}.",
        "The {t} of {A} are {B} {o} {C}.",
        "{A} owns {B} {o} {C} {t}.",
    ),
    "question": (
        "How many {t} does {A} have?",
        "How many {t} does {A} have now?",
        "How many {t} belong to {A}?",
        "Find the {t} of {A}.",
        "How many {t} are there with {A}?",
    ),
}

HELD_OUT: dict[str, tuple[str, ...]] = {
    "given": ("For {A} there are {n} {t}.", "With {A} we count {n} {t}."),
    "more": (
        "{B} would have as many {t} as {A} with {n} more.",
        "The {t} of {B} are {n} fewer than the {t} of {A}.",
    ),
    "fewer": ("With {n} more {t}, {A} would have as many as {B}.", "{B} has as many {t} as {A} and {n} more."),
    "times": ("We count {n} times as many {t} for {A} as for {B}.", "{A} has {n} {t} for each of the {t} of {B}."),
    "part": ("{B} owns {n} times as many {t} as {A}.", "{A} owns one of {n} equal parts of the {t} of {B}."),
    "sum": ("{B} and {C} together have as many {t} as {A}.", "{A} has the {t} of {B} plus the {t} of {C}."),
    "difference": ("Together {A} and {C} have as many {t} as {B}.", "{A} has the {t} of {B} minus the {t} of {C}."),
    "gain": ("After that {n} more {t} come to {A}.", "Then {A} finds {n} more {t}."),
    "loss": ("After that {A} sells {n} of the {t}.", "Then {A} loses {n} of the {t}."),
    "convert": ("In each {s} of {A} there are {n} {t}.", "{A} has {n} {t} in each {s}."),
    "price": ("{A} gets {n} {t} each for all the {u}.", "{A} sells the {u} for {n} {t} each."),
    "pack": ("In each {s} {A} puts {n} of the {u}.", "{A} puts {n} of the {u} into each {s}."),
    "unit": ("We count the {u} of {A} in {t}.", "{A} changes the {u} into {t}."),
    "operation": ("For {A} we count {B} {o} {C} {t}.", "{B} {o} {C} are as many {t} as {A} has."),
    "question": ("How many {t} are there for {A}?", "How many of the {t} belong to {A} now?"),
}


def patterns(relation: str, held_out: bool) -> tuple[str, ...]:
    """The patterns of a relation, seen in training or held out."""
    return (HELD_OUT if held_out else SEEN)[relation]
