"""GSM8K: grade-school word problems; the reference stands after ``####``."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from treewright_math.answers.extraction import MARKED, Style, after_hashes
from treewright_math.benchmarks.answer_task import AnswerTask, Exercise
from treewright_math.data_files.fields import PROBLEM, RowFault, text_of


class Gsm8k(AnswerTask):
    """Word problems whose answers are numbers (fields ``question``, ``answer``; on the hub ``openai/gsm8k``).

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
        solution = text_of(fields, ("answer", "solution"))
        reference = after_hashes(solution)
        if not reference:
            raise RowFault("the field answer has no line '#### …' with the final answer")
        return Exercise(text_of(fields, PROBLEM), reference.replace(",", ""), {})
