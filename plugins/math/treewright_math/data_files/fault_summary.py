"""Why no row of a file can be used: a file of another kind has the same fault in every row."""

import re
from collections import Counter
from collections.abc import Iterable

_MOST_KINDS = 10
_PLACE = re.compile(r".*?: (?:line|record|row) \d+(?:: '[^']*')?: ", re.DOTALL)


def fault_summary(faults: Iterable[str]) -> str:
    """Each kind of fault once, where it first occurs, and how many rows more have it.

    Args:
        faults: each begins with its row's place (``FILE: line 3: ``).
    """
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for fault in faults:
        kind = _PLACE.sub("", fault, count=1)
        first.setdefault(kind, fault)
        counts[kind] += 1
    lines = [first[kind] + _more(counts[kind] - 1) for kind in list(first)[:_MOST_KINDS]]
    if len(first) > _MOST_KINDS:
        lines.append(f"and {sum(counts[kind] for kind in list(first)[_MOST_KINDS:])} rows more with other faults")
    return "\n".join(lines)


def _more(count: int) -> str:
    return "" if count == 0 else f"\n    so in {count} row{'s' if count > 1 else ''} more"
