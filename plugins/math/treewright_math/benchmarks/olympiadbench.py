"""OlympiadBench, text-only mathematics in English."""

from collections.abc import Mapping
from typing import Any, ClassVar

from treewright_math.answers.extraction import bare
from treewright_math.benchmarks.answer_task import AnswerTask, Exercise
from treewright_math.data_files.problem_fields import problem_of_row
from treewright_math.data_files.references import listed_answer


class OlympiadBench(AnswerTask):
    """Olympiad problems (``question``, ``final_answer``; on the hub ``Hothan/OlympiadBench``).

    Args:
        path: a file (JSON Lines or JSON, plain or gzip; ``$TREEWRIGHT_DATA/…`` and ``{split}`` are expanded), or the
            name of a data set on the Hugging Face hub.
        split: which part.
        subset: the data set's configuration on the hub.
        limit: the first so many rows only.
        deadline: seconds that math-verify may take for one answer.
    """

    name: ClassVar[str] = "olympiadbench"

    def __init__(
        self,
        *,
        path: str = "$TREEWRIGHT_DATA/math/olympiadbench_text.jsonl.gz",
        split: str = "test",
        subset: str = "OE_TO_maths_en_COMP",
        limit: int | None = None,
        deadline: float = 5.0,
    ) -> None:
        super().__init__(path, split, subset, limit, deadline)

    def exercise(self, fields: Mapping[str, Any]) -> Exercise:
        """The exercise that a row tells."""
        references = fields.get("final_answer", fields.get("answer"))
        reference = bare(listed_answer(references, "final_answer")).replace("$", "")
        public = ("subfield", "answer_type", "unit")
        facts = {name: fields[name] for name in public if isinstance(fields.get(name), str)}
        return Exercise(problem_of_row(fields), reference, facts, tolerance=_tolerance(fields.get("error")))


def _tolerance(error: Any) -> float | None:
    """How far a number may be off, where the row says so (one of 675 does)."""
    try:
        return None if error is None else abs(float(error))
    except (TypeError, ValueError):
        return None
