r"""A solution as its steps: lines, and sentences of longer lines; formulas stay whole, drawings go.

A line or sentence goes with the one before it where neither says much alone: it is short, it begins with a small
letter or with a displayed formula that the words before lead up to ("We have that", "so:"). A displayed formula is
``\[…\]``, ``$$…$$`` or an environment (``\begin{align*}…\end{align*}``), with all of its lines.
"""

import re
from collections.abc import Iterable
from typing import Final

_DRAWING = re.compile(r"\[asy\].*?(?:\[/asy\]|\Z)", re.DOTALL)
_CALCULATION = re.compile(r"<<[^<>\n]*>>")  # GSM8K's notes for a calculator
_DISPLAY = r"\\begin\{(?P<name>[a-z]+\*?)\}.{0,5000}?\\end\{(?P=name)\}|\\\[.{0,5000}?\\\]|\$\$.{0,5000}?\$\$"
_INLINE = r"(?<!\\)\$(?:[^$\n]+|(?!\d)[^$\n]+\n[^$\n]+)(?<!\\)\$"  # over two lines unless it may be an amount of money
_FORMULA = re.compile(rf"(?P<display>{_DISPLAY})|{_INLINE}", re.DOTALL)
_HELD = re.compile("\0([fd])(\\d+)\0")  # stands for a formula or a display while the rest is cut
_TITLES = "".join(rf"(?<!\b{title}\.)" for title in ("Dr", "Mr", "Mrs", "Ms", "St", "vs"))
_SENTENCE_END = re.compile(rf"(?<=[.!?]){_TITLES}\s+(?=[A-Z$\\\0])")
_COMPLETE = re.compile(r"[.!?](?:[\s)\"'”’*$]|\\\]|\\end\{[a-z]+\*?\})*\Z")
_OPENING = re.compile(r"\s*[A-Z][a-z]")
SHORTEST: Final = 20
"""Letters of the shortest step; what is shorter goes with the step before it, or after it if it is the first."""


def solution_steps(solution: str) -> list[str]:
    """The steps in order, none blank; GSM8K's last line with the bare answer is none."""
    formulas: list[str] = []
    plain = _CALCULATION.sub("", _DRAWING.sub("\n", solution)).replace("\0", "")
    held = _FORMULA.sub(lambda match: _hold(match, formulas), plain)
    lines = [line.strip() for line in held.split("\n") if line.strip() and not line.lstrip().startswith("####")]
    pieces = (piece for line in lines for piece in _SENTENCE_END.split(line))
    return _joined((_HELD.sub(lambda match: formulas[int(match[2])], piece), piece) for piece in pieces)


def _hold(match: re.Match[str], formulas: list[str]) -> str:
    """A mark in the place of a formula, with a line end where a sentence ends with it and another begins behind it."""
    spread = match["display"] or "\n" in match[0]
    formulas.append(" ".join(match[0].split()) if spread else match[0])
    ended = _COMPLETE.search(match[0]) is not None
    begun = _OPENING.match(match.string, match.end()) is not None
    cut = ended or begun if match["display"] else ended and begun
    return f"\0{'d' if match['display'] else 'f'}{len(formulas) - 1}\0" + ("\n" if cut else "")


def _joined(pieces: Iterable[tuple[str, str]]) -> list[str]:
    """Pieces (as written, and with marks for formulas) as steps."""
    steps: list[str] = []
    complete, leads = True, False
    for text, held in pieces:
        shown = held.startswith("\0d") and not complete
        if steps and (leads or shown or len(text) < SHORTEST or held[0].islower()):
            steps[-1] = f"{steps[-1]} {text}"
        else:
            steps.append(text)
        complete = _COMPLETE.search(text) is not None
        leads = len(steps[-1]) < SHORTEST or held.endswith((":", ","))
    return steps
