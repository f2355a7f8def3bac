"""Numbers that are written plainly: 18, -3.50, 1,234,567, 3/4, 1.5e3. Everything else is for math-verify."""

import re
from fractions import Fraction

_MOST_DIGITS = 400
_INTEGER = r"(?:\d{1,3}(?:,\d{3})+|\d+)"
_PLAIN = re.compile(
    rf"(?P<sign>[-+]?)(?P<whole>{_INTEGER})?(?:\.(?P<decimals>\d+)?)?(?:/(?P<below>\d+)|[eE](?P<tens>[-+]?\d{{1,3}}))?",
    re.ASCII,
)


def plain_number(text: str) -> Fraction | None:
    """The exact value of a plainly written number; ``None`` for everything else, absurdly long ones too."""
    if len(text) > _MOST_DIGITS:
        return None
    found = _PLAIN.fullmatch(text)
    if found is None or not (found["whole"] or found["decimals"]):
        return None
    whole = (found["whole"] or "0").replace(",", "")
    value = Fraction(f"{whole}.{found['decimals']}" if found["decimals"] else whole)
    if found["below"]:
        if int(found["below"]) == 0:
            return None
        value /= int(found["below"])
    if found["tens"]:
        value *= Fraction(10) ** int(found["tens"])
    return -value if found["sign"] == "-" else value
