"""MATH-500: 500 problems of the MATH test set, answers in LaTeX."""

from collections.abc import Mapping
from typing import Any, ClassVar

from treewright_math.answers.extraction import boxed
from treewright_math.benchmarks.answer_task import AnswerTask, Exercise
from treewright_math.data_files.fields import PROBLEM, first_of, number_text, text_of


class Math500(AnswerTask):
    """Competition problems (``problem``, ``answer`` or ``solution`` with a box; on the hub ``HuggingFaceH4/MATH-500``).

    Args:
        path: a file (JSON Lines or JSON, plain or gzip; ``$TREEWRIGHT_DATA/…`` and ``{split}`` are expanded), or the
            name of a data set on the Hugging Face hub.
        split: which part.
        subset: the data set's configuration on the hub.
        limit: the first so many rows only.
        deadline: seconds that math-verify may take for one answer.
    """

    name: ClassVar[str] = "math500"

    def __init__(
        self,
        *,
        path: str = "$TREEWRIGHT_DATA/math/math500.jsonl.gz",
        split: str = "test",
        subset: str = "",
        limit: int | None = None,
        deadline: float = 5.0,
    ) -> None:
        super().__init__(path, split, subset, limit, deadline)

    def exercise(self, fields: Mapping[str, Any]) -> Exercise:
        """The exercise that a row tells."""
        reference = first_of(fields, ("answer",))
        if reference is None:  # MATH itself has solutions only
            reference = boxed(text_of(fields, ("solution",)))
        facts = {name: fields[name] for name in ("subject", "type", "level") if isinstance(fields.get(name), str | int)}
        return Exercise(text_of(fields, PROBLEM), number_text(reference, "answer"), facts)
