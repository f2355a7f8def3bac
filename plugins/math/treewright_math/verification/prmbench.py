"""PRMBench: solutions into which nine kinds of errors were put (arXiv 2501.03124)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from treewright_math.data_files.fields import RowFault, text_of
from treewright_math.verification.prm_score import clustered, counted, f1_of_right, f1_of_wrong, prm_score
from treewright_math.verification.step_fields import steps_of
from treewright_math.verification.step_task import GivenSolution, StepTask


class PrmBench(StepTask):
    """Changed solutions with the numbers of all steps that are wrong.

    Numbers beyond the last step, which 11 of 394 rows of the public subset have, are ignored. A step whose scoring
    failed counts in no figure but the accuracy.

    Args:
        path: a file with ``modified_question``, ``modified_process`` and ``error_steps`` (from 1).
        limit: the first so many rows only.
        threshold: a step with a lower score counts as wrong; on the scale of the scorer.
        tuning: share of problems on which a threshold is chosen (by first-error F1), to be measured on the others.
    """

    name: ClassVar[str] = "prmbench"

    def __init__(
        self,
        *,
        path: str = "$TREEWRIGHT_DATA/math/prmbench_subset400.jsonl.gz",
        limit: int | None = None,
        threshold: float = 0.5,
        tuning: float = 0.0,
    ) -> None:
        super().__init__(path, "test", "", limit, threshold, tuning)

    def solution(self, fields: Mapping[str, Any]) -> GivenSolution:
        """The changed solution that a row tells."""
        steps = steps_of(fields, "modified_process")
        numbers = fields.get("error_steps")
        if not isinstance(numbers, list) or not all(type(number) is int and number >= 1 for number in numbers):
            raise RowFault("the field error_steps must be a list of numbers of steps, from 1")
        wrong = tuple(sorted({number - 1 for number in numbers if number <= len(steps)}))
        question = text_of(fields, ("modified_question", "question"))
        return GivenSolution(question, steps, wrong, {}, kind=str(fields.get("classification") or ""))

    def _figures(
        self, pairs: Sequence[tuple[GivenSolution, Sequence[float] | None]], threshold: float, prefix: str
    ) -> dict[str, Any]:
        """First-error figures, F1 of right and of wrong steps and PRMScore over all steps; PRMScore of each kind."""
        found = super()._figures(pairs, threshold, prefix)
        counts = [(s.kind, counted(s.wrong, scores, threshold)) for s, scores in pairs if scores]
        everything = [each for _, each in counts]
        found[f"{prefix}step_f1"] = clustered(f1_of_right, everything)
        found[f"{prefix}step_negative_f1"] = clustered(f1_of_wrong, everything)
        found[f"{prefix}prm_score"] = clustered(prm_score, everything)
        for kind in sorted({kind for kind, _ in counts if kind}):
            found[f"{prefix}prm_score_{kind}"] = clustered(prm_score, [each for name, each in counts if name == kind])
        return {name: figure for name, figure in found.items() if figure["n"]}
