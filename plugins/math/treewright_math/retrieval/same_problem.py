r"""Whether two texts tell the same problem: what the leakage guard of retrieval decides by.

Texts are compared as words, numbers, commands and signs; case, white space, punctuation, brackets, ``$``,
sizes and spaces of formulas (``\left``, ``\dfrac``, ``\,``) do not count; ``x²`` is ``x^2``, ``½`` is ``\frac12``.
Of a text of more than ``LONGEST`` letters its two ends are read. Two are the same if

    equal       they have the same tokens;
    held        one stands whole within the other, as sentences of its own: an instruction before or behind it. One of
                fewer than ``SHORT`` tokens and two numbers ("Find x.") is held only behind an instruction: at most
                ``INSTRUCTION`` tokens without a number; behind a story with facts it is the question of another one;
    reworded    |G ∩ H| ≥ SHARE · min(|G|, |H|), G, H: runs of ``RUN`` tokens, and all numbers of one are also the
                other's, as often: other numbers make another problem, however alike the words are. With less than two
                numbers to tell by, ``STRICT`` in the place of ``SHARE``. For texts of ``SHORT`` tokens or more: in
                shorter ones a single word can be all the difference.

Rule and numbers are this project's; ``benchmarks/leakage_guard.py`` measures what they miss and what they withhold
without need.
"""

import re
from collections import Counter
from functools import lru_cache
from typing import Final, NamedTuple
from unicodedata import normalize

SHORT: Final = 10
RUN: Final = 3
SHARE: Final = 0.8
STRICT: Final = 0.95
INSTRUCTION: Final = 12
LONGEST: Final = 20_000
_KEPT: Final = 4096  # readings that a process remembers: a text is read once, not at every search
_KEPT_LONG: Final = 64  # of texts beyond _LONG letters, whose readings take up to some MB each
_LONG: Final = 1000

_CAPITAL = re.compile(r"(?<=\S)\s+(?=[A-Z][a-z])")  # a new sentence after one without a full stop, or a name
_LAYOUT = re.compile(
    r"\\(?:left|right|big|bigg|displaystyle|textstyle|quad|qquad|text|textbf|textit|mathrm|mathbf|mbox|operatorname)"
    r"(?![a-z])|\\[,;:! ()\[\]\\]|[~&]|\*\*"
)
_THOUSANDS = re.compile(r"(?<=\d)(?:\{,\}|,\\!|,)(?=\d{3}(?!\d))")
_FRACTION = re.compile(r"\\[dt]frac(?![a-z])|\\frac(?![a-z])")
_BARE_FRACTION = re.compile(r"(?<=\\frac)\s*(\d)\s*(\d)")
_TOKEN = re.compile(r"\\[a-z]+|[^\W\d_]+|\d+(?:\.\d+)?|\.\d+|[-+*/=<>^|%!]|(?P<end>[.?:;\n\"“”«»])")
_HEADED = re.compile(
    r"^(?:problem|question|q)\s*:\s*(.*?)\s*(?:^(?:solution|answer|a|key step)\s*:|\Z)", re.M | re.S | re.I
)
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁱⁿ]+")
_LOWERED = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ]+")
_SLASHED = re.compile(r"(\d+)\u2044(\d+)")  # what NFKC makes of one half in one letter
_SPELT = {
    "×": "\\times ", "·": "\\cdot ", "÷": "\\div ", "−": "-", "–": "-", "≤": "\\le ", "≥": "\\ge ", "π": "\\pi ",
    "√": "\\sqrt ", "°": "^\\circ ", "’": "'", "⋅": "\\cdot ", "≠": "\\ne ",
}  # fmt: skip
_ALIKE = {"\\leq": "\\le", "\\geq": "\\ge", "\\dbinom": "\\binom", "\\tbinom": "\\binom", "\\neq": "\\ne"}


class Reading(NamedTuple):
    """A text as it is compared.

    Attributes:
        key: its tokens with a blank around each.
        ends: where in ``key`` a sentence or line can begin or end.
        length: number of tokens.
        runs: hashes of its runs of ``RUN`` tokens.
        numbers: how often each number stands in it.
    """

    key: str
    ends: frozenset[int]
    length: int
    runs: frozenset[int]
    numbers: Counter[str]


def same_problem(first: str, second: str) -> bool:
    """Whether two texts tell the same problem; see the module."""
    one, other = sorted((reading(first), reading(second)), key=lambda each: each.length)
    if not one.length:
        return bool(first.strip()) and first.split() == second.split()  # texts without any word: sign by sign
    return one.key == other.key or _holds(other, one) or _reworded(one, other)


def tells_problem(record: str, problem: str) -> bool:
    """Whether a record of any form tells the problem: as its part after "Problem:", or anywhere in it."""
    whole, asked = reading(record), reading(problem)
    if not asked.length:
        return bool(problem.strip()) and "".join(problem.split()) in "".join(record.split())
    if len(record) > LONGEST and asked.length >= SHORT and " ".join(problem.split()) in " ".join(record.split()):
        return True  # in the part that is not read
    headed = _HEADED.search(record[:LONGEST])
    if headed is not None:  # numbers of the solution must not make up for others in the problem
        return same_problem(headed[1], problem) or _holds(whole, asked)
    return _holds(whole, asked) or (asked.numbers <= whole.numbers and _alike(asked, whole))


def problem_key(problem: str) -> str:
    """The text's tokens: equal for two that differ in layout alone; beyond ``LONGEST`` letters, in white space."""
    if len(problem) > LONGEST:
        return "".join(problem.split())
    return reading(problem).key if reading(problem).length else "".join(problem.split())


def reading(text: str) -> Reading:
    """The text as it is compared: its tokens, or those of its two ends."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}\n{text[-LONGEST // 2 :]}"
    return _of_short(text) if len(text) <= _LONG else _of_long(text)


@lru_cache(maxsize=_KEPT)
def _of_short(text: str) -> Reading:
    return _read(text)


@lru_cache(maxsize=_KEPT_LONG)
def _of_long(text: str) -> Reading:
    return _read(text)


def _read(text: str) -> Reading:
    place, key, ends, tokens = 1, [" "], {0}, list[str]()
    for match in _TOKEN.finditer(_plain(text)):
        if match["end"]:
            ends.add(place - 1)
            continue
        token = _ALIKE.get(match[0], match[0])
        tokens.append(token)
        key.append(f"{token} ")
        place += len(token) + 1
    ends.add(place - 1)
    runs = frozenset(hash(tuple(tokens[at : at + RUN])) for at in range(max(len(tokens) - RUN + 1, 1)))
    numbers = Counter(token for token in tokens if token[-1].isdigit())
    return Reading("".join(key), frozenset(ends), len(tokens), runs, numbers)


def _plain(text: str) -> str:
    text = _LOWERED.sub(r"_\g<0> ", _RAISED.sub(r"^\g<0> ", text))  # before they become plain: x² is not x2
    text = _SLASHED.sub(r" \\frac \1 \2 ", normalize("NFKC", text))
    text = _CAPITAL.sub("\n", text).casefold()
    for sign, spelt in _SPELT.items():
        text = text.replace(sign, spelt)
    text = _THOUSANDS.sub("", text)  # before layout: \! is how LaTeX closes the gap
    text = _FRACTION.sub(r"\\frac", _LAYOUT.sub(" ", text))
    return _BARE_FRACTION.sub(r" \1 \2 ", text)


def _holds(whole: Reading, part: Reading) -> bool:
    """Whether the tokens of one stand within the other's as sentences of their own."""
    place = whole.key.find(part.key)
    while place >= 0:
        end = place + len(part.key) - 1
        if place in whole.ends and end in whole.ends and (_tells_enough(part) or _instructs(whole.key[:place])):
            return True
        place = whole.key.find(part.key, place + 1)
    return False


def _tells_enough(part: Reading) -> bool:
    """Whether no other problem is likely to hold it."""
    return part.length >= SHORT or part.numbers.total() > 1


def _instructs(before: str) -> bool:
    """Whether tokens before a short problem can be an instruction, and no story that it asks about."""
    tokens = before.split()
    return len(tokens) <= INSTRUCTION and not any(token[-1].isdigit() for token in tokens)


def _reworded(one: Reading, other: Reading) -> bool:
    return (one.numbers <= other.numbers or other.numbers <= one.numbers) and _alike(one, other)


def _alike(part: Reading, whole: Reading) -> bool:
    share = SHARE if part.numbers.total() > 1 else STRICT
    few = min(len(part.runs), len(whole.runs))
    return part.length >= SHORT and len(part.runs & whole.runs) >= share * few
