"""AIME, the American Invitational Mathematics Examination: answers are whole numbers from 0 to 999."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from treewright_math.answers.canonical import canonical_answer
from treewright_math.answers.extraction import MARKED, Style, boxed
from treewright_math.benchmarks.answer_task import AnswerTask, Exercise
from treewright_math.data_files.fields import PROBLEM, RowFault, first_of, number_text, text_of


class Aime(AnswerTask):
    """Hard problems with short answers (``problem``, ``answer``; on the hub ``HuggingFaceH4/aime_2024``, split train).

    Args:
        path: a file (JSON Lines or JSON, plain or gzip; ``$TREEWRIGHT_DATA/…`` and ``{split}`` are expanded), or the
            name of a data set on the Hugging Face hub.
        split: which part.
        subset: the data set's configuration on the hub.
        limit: the first so many rows only.
        deadline: seconds that math-verify may take for one answer.
    """

    name: ClassVar[str] = "aime"
    numeric: ClassVar[bool] = True
    styles: ClassVar[Sequence[Style]] = (*MARKED, "number")

    def __init__(
        self,
        *,
        path: str = "$TREEWRIGHT_DATA/math/aime.jsonl",
        split: str = "test",
        subset: str = "",
        limit: int | None = None,
        deadline: float = 5.0,
    ) -> None:
        super().__init__(path, split, subset, limit, deadline)

    def exercise(self, fields: Mapping[str, Any]) -> Exercise:
        """The exercise that a row tells."""
        reference = first_of(fields, ("answer", "Answer"))
        if reference is None:
            reference = boxed(text_of(fields, ("solution", "Solution")))
        text = canonical_answer(number_text(reference, "answer"))  # one of AIME 2024 is written 336^\circ
        if not (text.isascii() and text.isdigit() and len(text) <= 3):
            raise RowFault(f"the answer {text!r:.40} is no whole number from 0 to 999")
        return Exercise(text_of(fields, PROBLEM), str(int(text)), {})
