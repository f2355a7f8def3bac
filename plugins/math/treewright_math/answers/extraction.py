r"""Finding the final answer in a solution's text.

    boxed       the last \boxed{…} or \fbox{…}, braces balanced
    hashes      the line after the last ####                      (GSM8K)
    announced   what follows the last "the answer is", "Answer:"  (to the end of the line)
    number      the last number of the text

The first style that finds something decides. All of them take time linear in the text's length.
"""

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

Style: TypeAlias = Literal["boxed", "hashes", "announced", "number"]

MARKED: Final[tuple[Style, ...]] = ("boxed", "hashes", "announced")
"""The styles by which a text itself says that this is its answer."""

_BOX = re.compile(r"\\(?:boxed|fbox)\s*")
_ANNOUNCED = re.compile(r"\banswer(?:\s+is\s*:?|\s*:|\s*=)\s*", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?<![\w.])[-−]?\$?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:\.\d+|(?<=\d))(?:/\d+(?![\d.])|[eE][-+]?\d{1,3}(?!\w))?%?"
)
_WRAPPERS = (("\\(", "\\)"), ("\\[", "\\]"), ("**", "**"), ("$$", "$$"), ("$", "$"), ("`", "`"))


def find_answer(text: str, styles: Sequence[Style]) -> str | None:
    """The answer by the first of ``styles`` that finds one, without surrounding marks; ``None`` if none does."""
    for style in styles:
        found = _FINDERS[style](text)
        if found is not None and (answer := bare(found)):
            return answer
    return None


def boxed(text: str) -> str | None:
    r"""The content of the last ``\boxed{…}``; that of ``\boxed 5`` is ``5``."""
    last = _last(_BOX, text)
    if last is None:
        return None
    start = last.end()
    if not text.startswith("{", start):
        return next(iter(re.split(r"[\s$]", text[start:], maxsplit=1)), None)
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 1 : place]
    return None  # cut off within the box: what stands there is not the whole answer


def after_hashes(text: str) -> str | None:
    """The rest of the line after the last ``####``."""
    _, mark, rest = text.rpartition("####")
    return rest.strip().partition("\n")[0] if mark else None


def announced(text: str) -> str | None:
    """The rest of the line after the last announcement of an answer."""
    last = _last(_ANNOUNCED, text)
    return None if last is None else text[last.end() :].partition("\n")[0]


def last_number(text: str) -> str | None:
    """The last number of a text, as it is written."""
    last = _last(_NUMBER, text)
    return last.group() if last else None


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(iter(deque(pattern.finditer(text), maxlen=1)), None)


def number_of_answer(answer: str) -> str:
    """The number that an answer in words names (``18 dollars``, ``5 + 6 = 11``); the answer itself without one."""
    found = _NUMBER.search(answer.rpartition("=")[2]) or _NUMBER.search(answer)
    return found.group() if found else answer


def bare(answer: str) -> str:
    """An answer without white space, full stop and the marks of mathematics or emphasis around it."""
    while True:
        before = answer
        answer = answer.strip().rstrip(". \t\r\n")
        for opening, closing in _WRAPPERS:
            if len(answer) > len(opening) + len(closing) and answer.startswith(opening) and answer.endswith(closing):
                inner = answer[len(opening) : -len(closing)]
                if opening not in inner:  # "$1$ and $2$" is no formula of its own
                    answer = inner
        if answer == before:
            return answer


_FINDERS: Final[Mapping[Style, Callable[[str], str | None]]] = {
    "boxed": boxed,
    "hashes": after_hashes,
    "announced": announced,
    "number": last_number,
}
