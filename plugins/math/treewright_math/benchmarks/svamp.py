"""SVAMP: elementary word problems with changed wording."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from treewright_math.answers.extraction import MARKED, Style
from treewright_math.benchmarks.answer_task import AnswerTask, Exercise
from treewright_math.data_files.fields import first_of, number_text
from treewright_math.data_files.problem_fields import problem_of_row


class Svamp(AnswerTask):
    """Word problems whose answers are numbers (``Body``, ``Question``, ``Answer``; on the hub ``ChilleD/SVAMP``).

    Args:
        path: a file (JSON Lines or JSON, plain or gzip; ``$TREEWRIGHT_DATA/…`` and ``{split}`` are expanded), or the
            name of a data set on the Hugging Face hub.
        split: which part.
        subset: the data set's configuration on the hub.
        limit: the first so many rows only.
        deadline: seconds that math-verify may take for one answer.
    """

    name: ClassVar[str] = "svamp"
    numeric: ClassVar[bool] = True
    styles: ClassVar[Sequence[Style]] = (*MARKED, "number")

    def __init__(
        self,
        *,
        path: str = "$TREEWRIGHT_DATA/math/svamp.json.gz",
        split: str = "test",
        subset: str = "",
        limit: int | None = None,
        deadline: float = 5.0,
    ) -> None:
        super().__init__(path, split, subset, limit, deadline)

    def exercise(self, fields: Mapping[str, Any]) -> Exercise:
        """The exercise that a row tells."""
        return Exercise(problem_of_row(fields), number_text(first_of(fields, ("Answer", "answer")), "Answer"), {})
