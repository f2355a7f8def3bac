"""How a retriever tells that it left out records of the problem itself: in the provenance of its first hit.

Hits are all that a retriever can answer with, and the journal keeps them; so a resumed run counts the same.
"""

import re
from collections.abc import Sequence

from treewright_registry import Hit

_TOLD = re.compile(r" \((\d+) of the problem itself withheld\)\Z")


def with_withheld(hits: Sequence[Hit], count: int) -> list[Hit]:
    """The hits, the first with ``count`` behind its provenance; as they are if nothing was withheld or none is left."""
    if not hits or not count:
        return list(hits)
    told = f"{hits[0].provenance} ({count} of the problem itself withheld)"
    return [hits[0]._replace(provenance=told), *hits[1:]]


def withheld_before(hits: Sequence[Hit]) -> int:
    """How many records the retriever says it withheld."""
    told = _TOLD.search(hits[0].provenance) if hits else None
    return int(told[1]) if told else 0
