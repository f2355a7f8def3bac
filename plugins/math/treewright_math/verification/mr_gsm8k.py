"""MR-GSM8K: wrong GSM8K solutions with the first wrong step, by hand, and Math-Shepherd's scores of their steps."""

from collections.abc import Mapping
from typing import Any, ClassVar

from treewright_math.data_files.fields import PROBLEM, text_of
from treewright_math.verification.step_fields import first_wrong_of, scores_of, steps_of
from treewright_math.verification.step_task import GivenSolution, StepTask


class MrGsm8k(StepTask):
    """Solutions of grade-school problems; the scores of a real reward model stand beside the steps.

    Args:
        path: a file with ``question``, ``steps``, ``label`` (from 0) and ``shepherd`` (a score for each step).
        limit: the first so many rows only.
        threshold: a step with a lower score counts as wrong.
        tuning: share of problems on which a threshold is chosen, to be measured on the others (0: none is chosen).
    """

    name: ClassVar[str] = "mr-gsm8k"

    def __init__(
        self,
        *,
        path: str = "$TREEWRIGHT_DATA/math/mr_gsm8k_wrong_with_shepherd.json.gz",
        limit: int | None = None,
        threshold: float = 0.5,
        tuning: float = 0.0,
    ) -> None:
        super().__init__(path, "test", "", limit, threshold, tuning)

    def solution(self, fields: Mapping[str, Any]) -> GivenSolution:
        """The solution that a row tells."""
        steps = steps_of(fields, "steps")
        kind = fields.get("question_type")
        return GivenSolution(
            text_of(fields, PROBLEM),
            steps,
            first_wrong_of(fields, "label", len(steps)),
            {"question_type": kind} if isinstance(kind, str) else {},
            scores_of(fields, "shepherd", len(steps)),
        )
