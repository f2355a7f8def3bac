"""ProcessBench: where does a model's solution go wrong first? (arXiv 2412.06559)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from treewright_math.data_files.fields import PROBLEM, text_of
from treewright_math.verification.step_fields import first_wrong_of, scores_of, steps_of
from treewright_math.verification.step_task import GivenSolution, StepTask


class ProcessBench(StepTask):
    """Solutions of several models with the first wrong step, by hand.

    Args:
        path: a file with ``problem``, ``steps``, ``label`` (from 0, −1 for none) and perhaps ``step_scores``; or the
            name of a data set on the Hugging Face hub. ``{split}`` and environment variables are expanded.
        split: ``gsm8k``, ``math``, ``olympiadbench`` or ``omnimath``.
        subset: the data set's configuration on the hub.
        limit: the first so many rows only.
        threshold: a step with a lower score counts as wrong; on the scale of the scorer.
        tuning: share of problems on which a threshold is chosen, to be measured on the others (0: none is chosen).
    """

    name: ClassVar[str] = "processbench"

    def __init__(
        self,
        *,
        path: str = "$TREEWRIGHT_DATA/math/processbench_{split}.json.gz",
        split: str = "gsm8k",
        subset: str = "",
        limit: int | None = None,
        threshold: float = 0.5,
        tuning: float = 0.0,
    ) -> None:
        super().__init__(path, split, subset, limit, threshold, tuning)

    def solution(self, fields: Mapping[str, Any]) -> GivenSolution:
        """The solution that a row tells."""
        steps = steps_of(fields, "steps")
        generator = fields.get("generator")
        return GivenSolution(
            text_of(fields, PROBLEM),
            steps,
            first_wrong_of(fields, "label", len(steps)),
            {"generator": generator} if isinstance(generator, str) else {},
            scores_of(fields, "step_scores", len(steps)),
        )
