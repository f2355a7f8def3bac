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
        value = fields[name]
        joined = ", ".join(map(str, value)) if isinstance(value, list | tuple) else number_text(value, name)
        return marked_answer(joined) or joined
    solution = fields.get("solution")
    return marked_answer(solution) if isinstance(solution, str) else None


def marked_answer(text: str) -> str | None:
    r"""What stands after ``####``, else in the last ``\boxed{…}``; ``None`` without either."""
    found = after_hashes(text) or boxed(text)
    return (bare(found) or None) if found else None
