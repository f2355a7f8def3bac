"""The answer of a run over recorded samples: ``{"answer": …, "sample": …}``, so that the record says which was chosen.

Samples are counted from 1, in the order of the file. Equal answers may have unequal labels, and a sample may have a
label and no answer: the number is what grading goes by.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from treewright_registry import JSON

_ANSWER, _SAMPLE = "answer", "sample"


class ChosenSample(NamedTuple):
    """What was chosen.

    Attributes:
        answer: ``None`` if it has none.
        position: of the sample, from 0; ``None`` if a text is none of the problem's samples.
    """

    answer: str | None
    position: int | None = None

    def as_json(self) -> JSON:
        """As it stands in a record."""
        return {_ANSWER: self.answer, _SAMPLE: None if self.position is None else self.position + 1}


def chosen_sample(answer: JSON, samples: int) -> ChosenSample:
    """From a record's answer; what has no such number, or is a bare text, is an answer alone.

    Args:
        answer: of a record; ``None`` for none.
        samples: how many the problem has.
    """
    if not isinstance(answer, Mapping):
        return ChosenSample(None if answer is None else str(answer))
    given: Any = answer.get(_ANSWER)
    number: Any = answer.get(_SAMPLE)
    known = isinstance(number, int) and 1 <= number <= samples
    return ChosenSample(None if given is None else str(given), number - 1 if known else None)
