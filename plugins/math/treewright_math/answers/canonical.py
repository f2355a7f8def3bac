r"""One spelling for answers that are written differently: used by votes, and for a first comparison.

Only what surely keeps the meaning is changed: spacing, size and text commands of LaTeX, \dfrac and 3\frac12-like
short forms, degree and currency signs, thousands separators, a leading "x =". Plain numbers become exact fractions,
so that 0.50 and 1/2 are one answer. It is not algebra: 2\sqrt{2} and \sqrt{8} stay two answers.
"""

import hashlib
import re

from treewright_math.answers.extraction import bare
from treewright_math.answers.plain_numbers import plain_number

_LONGEST = 4_000
_DROPPED = re.compile(
    r"\\left(?![a-z])|\\right(?![a-z])|\\[!,;:> ]|\\q?quad|~|\\displaystyle|\\limits|\$|\^\{?\\circ\}?|°|£|€"
)
_TEXT = re.compile(r"\\(?:text|mathrm|mbox|textbf|textit|mathbf|operatorname|rm)\s*\{([^{}]*)\}")
_UNIT = re.compile(r"(?<=[\d}])\s*\\(?:text|mathrm|mbox)\s*\{\s*[A-Za-z][^{}\\]*\}(?:\s*\^\{?[23]\}?)?$")
_SHORT_FRACTION = re.compile(r"\\frac\s*(\d)\s*(\d)")
_NUMBER_FRACTION = re.compile(r"(-?)\\frac\{(-?\d+)\}\{(\d+)\}")
_SHORT_ROOT = re.compile(r"\\sqrt\s*(\d)")
_SPACE = re.compile(r"\s+")
_NAMED = re.compile(r"[A-Za-z](?:\([a-z]\))?=(?=[^=]+$)")
_REPLACED = (
    ("\\dfrac", "\\frac"),
    ("\\tfrac", "\\frac"),
    ("\\cfrac", "\\frac"),
    ("\\%", "%"),
    ("{,}", ","),
    ("−", "-"),
    ("\\cdot", "*"),
    ("\\times", "*"),
    ("\\infin ", "\\infty "),
    ("\\lbrace", "\\{"),
    ("\\rbrace", "\\}"),
)


def canonical_answer(answer: str) -> str:
    """The one spelling. Answers beyond 4,000 characters stand for themselves, by a digest."""
    if len(answer) > _LONGEST:
        return "digest:" + hashlib.blake2b(answer.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    text = bare(answer.replace("\\$", "$"))
    text = _UNIT.sub("", text)
    for long, short in _REPLACED:
        text = text.replace(long, short)
    text = _TEXT.sub(lambda found: found[1].strip(), _DROPPED.sub("", text))
    text = _SHORT_ROOT.sub(r"\\sqrt{\1}", _SHORT_FRACTION.sub(r"\\frac{\1}{\2}", text))
    text = _NAMED.sub("", _SPACE.sub("", text), count=1) if "=" in text else _SPACE.sub("", text)
    text = bare(text)
    return _number_text(text) or text


def _number_text(text: str) -> str | None:
    """The exact fraction in lowest terms, if the text is a plain number or a fraction of whole numbers."""
    fraction = _NUMBER_FRACTION.fullmatch(text)
    if fraction is not None:
        sign, above, below = fraction.groups()
        text = f"{above}/{below}" if not sign else f"-{above}/{below}"
    value = plain_number(text)
    return None if value is None else str(value)
