"""GSM8K: grade-school word problems; the reference stands after ``####``, or is a plain number."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from treewright_math.answers.canonical import canonical_answer
from treewright_math.answers.extraction import MARKED, Style
from treewright_math.answers.plain_numbers import plain_number
from treewright_math.benchmarks.answer_task import AnswerTask, Exercise
from treewright_math.data_files.fields import PROBLEM, RowFault, first_of, number_text, text_of
from treewright_math.data_files.references import marked_answer


class Gsm8k(AnswerTask):
    """Word problems whose answers are numbers (fields ``question``, ``answer``; on the hub ``openai/gsm8k``).

    ``answer`` is a solution whose last line is ``#### 18``, or the number itself.

    Args:
        path: a file (JSON Lines or JSON, plain or gzip; ``$TREEWRIGHT_DATA/…`` and ``{split}`` are expanded), or the
            name of a data set on the Hugging Face hub.
        split: which part.
        subset: the data set's configuration on the hub.
        limit: the first so many rows only.
        deadline: seconds that math-verify may take for one answer.
    """

    name: ClassVar[str] = "gsm8k"
    numeric: ClassVar[bool] = True
    styles: ClassVar[Sequence[Style]] = (*MARKED, "number")

    def __init__(
        self,
        *,
        path: str = "$TREEWRIGHT_DATA/math/gsm8k_{split}.jsonl.gz",
        split: str = "test",
        subset: str = "main",
        limit: int | None = None,
        deadline: float = 5.0,
    ) -> None:
        super().__init__(path, split, subset, limit, deadline)

    def exercise(self, fields: Mapping[str, Any]) -> Exercise:
        """The exercise that a row tells."""
        reference = _reference(first_of(fields, _ANSWERS))
        return Exercise(text_of(fields, PROBLEM), reference, {})


_ANSWERS = ("answer", "solution", "final_answer", "target")


def _reference(value: Any) -> str:
    if value is None:
        raise RowFault(f"none of the fields {', '.join(_ANSWERS)} is there")
    text = number_text(value, "answer")
    reference = marked_answer(text) or text
    if plain_number(canonical_answer(reference)) is None and "####" not in text:
        raise RowFault("the field answer has no line '#### …' with the final answer, and is no number")
    return reference.replace(",", "")
