"""MAWPS: four older sets of elementary word problems."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from treewright_math.answers.extraction import MARKED, Style
from treewright_math.benchmarks.answer_task import AnswerTask, Exercise
from treewright_math.data_files.fields import PROBLEM, first_of, number_text, text_of


class Mawps(AnswerTask):
    """Word problems whose answers are numbers (``input``, ``target``; on the hub ``MU-NLPC/Calc-mawps``).

    Args:
        path: a file (JSON Lines or JSON, plain or gzip; ``$TREEWRIGHT_DATA/…`` and ``{split}`` are expanded), or the
            name of a data set on the Hugging Face hub.
        split: which part.
        subset: the data set's configuration on the hub.
        limit: the first so many rows only.
        deadline: seconds that math-verify may take for one answer.
    """

    name: ClassVar[str] = "mawps"
    numeric: ClassVar[bool] = True
    styles: ClassVar[Sequence[Style]] = (*MARKED, "number")

    def __init__(
        self,
        *,
        path: str = "$TREEWRIGHT_DATA/math/mawps.jsonl.gz",
        split: str = "test",
        subset: str = "",
        limit: int | None = None,
        deadline: float = 5.0,
    ) -> None:
        super().__init__(path, split, subset, limit, deadline)

    def exercise(self, fields: Mapping[str, Any]) -> Exercise:
        """The exercise that a row tells."""
        reference = first_of(fields, ("target", "result_float", "result", "answer"))
        part = fields.get("type")
        facts = {"type": part} if isinstance(part, str) else {}
        return Exercise(text_of(fields, PROBLEM), number_text(reference, "target"), facts)
