r"""The right answer of a problem, by any of its usual names and spellings."""

from collections.abc import Mapping
from typing import Any

from treewright_math.answers.extraction import after_hashes, bare, boxed
from treewright_math.data_files.fields import number_text

REFERENCES = (
    "gold",
    "gt",
    "answer",
    "final_answer",
    "reference",
    "reference_answer",
    "ground_truth",
    "gold_answer",
    "correct_answer",
    "expected_answer",
    "target",
)
"""Fields that hold the right answer, or a text that names it; the first that says something counts."""


def reference_of(fields: Mapping[str, Any]) -> str | None:
    r"""The right answer that a row holds; ``None`` if it holds none.

    A text with ``#### 18`` or ``\boxed{18}`` means what is marked there, so a worked solution will do; such a solution
    may also stand under ``solution``. Of a list of answers all are meant.

    Raises:
        RowFault: there is something under such a name that is no answer.
    """
    name = next((name for name in REFERENCES if fields.get(name) not in (None, "", [])), None)
    if name is not None:
        text = listed_answer(fields[name], name)
        return marked_answer(text) or text
    solution = fields.get("solution")
    return marked_answer(solution) if isinstance(solution, str) else None


def listed_answer(value: Any, name: str) -> str:
    """A reference answer as text; several of a list with commas between them.

    Raises:
        RowFault: it is no answer.
    """
    if isinstance(value, list | tuple) and value:
        return ", ".join(number_text(each, name) for each in value)
    return number_text(value, name)


def marked_answer(text: str) -> str | None:
    r"""What stands after ``####``, else in the last ``\boxed{…}``; ``None`` without either."""
    found = after_hashes(text) or boxed(text)
    return (bare(found) or None) if found else None
