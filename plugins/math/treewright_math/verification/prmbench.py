r"""PRMBench: solutions into which nine kinds of errors were put (arXiv 2501.03124).

Figures, over the steps of the changed solutions (``prm_score`` has their formulas); the names in brackets are those of
the authors' code (mr_eval/tasks/prmtest_classified):

    prm_score, step_f1, step_negative_f1                           [f1, negative_f1 and their mean]
    right_step_accuracy, wrong_step_accuracy, step_accuracy        [correct_step_acc, wrong_step_acc, total_step_acc]
    first_error_called_wrong    the first wrong step is called wrong, whatever is said of others    [first_error_acc]
    similarity                  mean \|p(changed) − p(original)\|, p the share of steps called right; lower is worse:
                                the scorer does not see the change                                   [similarity]
    prm_score_KIND              of one kind of change. Where a kind has no wrong step (multi_solutions) there is none,
                                but step_f1_KIND and right_step_accuracy_KIND
    right_step_accuracy_original   of the unchanged solutions

    processbench_acc_err, …     ProcessBench's stricter figures: exactly this step is the first one called wrong

Two things differ: a figure that is not defined is left out (there it is −1), and an F1 without any hit is 0 (there −1).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from treewright.run.intervals import mean_interval, proportion
from treewright_math.data_files.fields import RowFault, text_of
from treewright_math.data_files.rows import Row
from treewright_math.verification.first_error import NONE
from treewright_math.verification.prm_score import best_threshold_by_prm_score, counted, step_figures
from treewright_math.verification.step_fields import steps_of
from treewright_math.verification.step_task import GivenSolution, Pair, StepTask
from treewright_registry import Problem

ORIGINAL = "original"
"""The kind of an unchanged solution."""


class PrmBench(StepTask):
    """Changed solutions with the numbers of all steps that are wrong, and the unchanged ones that they were made from.

    Numbers beyond the last step, which 11 of 394 rows of the public subset have, are ignored. A step whose scoring
    failed counts in no figure but the accuracy.

    Args:
        path: a file with ``modified_question``, ``modified_process``, ``error_steps`` (from 1), and perhaps
            ``original_question`` and ``original_process``.
        limit: the first so many rows only.
        threshold: a step with a lower score counts as wrong; on the scale of the scorer.
        tuning: share of problems on which a threshold is chosen (by PRMScore), to be measured on the others.
        originals: whether the unchanged solutions are judged too, each once; ``similarity`` takes that.
    """

    name: ClassVar[str] = "prmbench"

    def __init__(
        self,
        *,
        path: str = "$TREEWRIGHT_DATA/math/prmbench_subset400.jsonl.gz",
        limit: int | None = None,
        threshold: float = 0.5,
        tuning: float = 0.0,
        originals: bool = True,
    ) -> None:
        super().__init__(path, "test", "", limit, threshold, tuning)
        self._originals = originals

    def solution(self, fields: Mapping[str, Any]) -> GivenSolution:
        """The changed solution that a row tells."""
        steps = steps_of(fields, "modified_process")
        numbers = fields.get("error_steps")
        if not isinstance(numbers, list) or not all(type(number) is int and number >= 1 for number in numbers):
            raise RowFault("the field error_steps must be a list of numbers of steps, from 1")
        wrong = tuple(sorted({number - 1 for number in numbers if number <= len(steps)}))
        question = text_of(fields, ("modified_question", "question"))
        original = original_of(fields)
        origin = "" if original is None else original.origin
        return GivenSolution(question, steps, wrong, {}, kind=str(fields.get("classification") or ""), origin=origin)

    def _problems_of(self, row: Row) -> Iterable[Problem]:
        """The changed solution; before it the unchanged one, where it first occurs."""
        original = original_of(row.fields) if self._originals else None
        if original is not None and original.origin not in self._solutions:
            yield self._added(original.origin, original)
        yield self._problem(row)

    def _best_threshold(self, pairs: Sequence[Pair]) -> float:
        return best_threshold_by_prm_score([(s.wrong, scores) for s, scores in pairs if scores and s.kind != ORIGINAL])

    def _figures(self, pairs: Sequence[Pair], threshold: float, prefix: str) -> dict[str, Any]:
        """PRMBench's figures, and ProcessBench's under names that say so."""
        scored = [(solution, scores) for solution, scores in pairs if scores]
        changed = [(solution, scores) for solution, scores in scored if solution.kind != ORIGINAL]
        found: dict[str, Any] = step_figures([counted(s.wrong, scores, threshold) for s, scores in changed])
        firsts = [scores[s.label] < threshold for s, scores in changed if s.label != NONE]
        if firsts:
            found["first_error_called_wrong"] = proportion(firsts)
        found |= similarity(scored, threshold)
        for kind in sorted({solution.kind for solution, _ in scored} - {""}):
            found |= _of_kind(kind, [pair for pair in scored if pair[0].kind == kind], threshold)
        exact = super()._figures(pairs, threshold, "")
        found |= {f"processbench_{name}": exact[name] for name in ("acc_err", "acc_cor", "f1") if name in exact}
        return {f"{prefix}{name}": figure for name, figure in found.items()}


def original_of(fields: Mapping[str, Any]) -> GivenSolution | None:
    """The unchanged solution of a row; ``None`` if the row does not have it."""
    question, steps = fields.get("original_question"), fields.get("original_process")
    if not isinstance(question, str) or not isinstance(steps, list) or not steps:
        return None
    if not question.strip() or not all(isinstance(step, str) for step in steps):
        return None
    digest = hashlib.blake2b(repr((question, steps)).encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return GivenSolution(question, tuple(steps), (), {}, kind=ORIGINAL, origin=f"{ORIGINAL}-{digest}")


def similarity(pairs: Sequence[tuple[GivenSolution, Sequence[float]]], threshold: float) -> dict[str, dict[str, float]]:
    """How far changed solutions lie from unchanged ones in their share of steps called right; empty without pairs.

    Unchanged solutions of which no step is called right are left out, as by the authors' code.
    """
    of_originals = {s.origin: _called_right(scores, threshold) for s, scores in pairs if s.kind == ORIGINAL}
    distances = [
        abs(_called_right(scores, threshold) - of_originals[s.origin])
        for s, scores in pairs
        if s.kind != ORIGINAL and of_originals.get(s.origin)
    ]
    if not distances:
        return {}
    value, low, high = mean_interval(distances)
    return {"similarity": {"value": value, "low": low, "high": high, "n": len(distances)}}


def _called_right(scores: Sequence[float], threshold: float) -> float:
    return sum(score >= threshold for score in scores) / len(scores)


def _of_kind(kind: str, pairs: Sequence[tuple[GivenSolution, Sequence[float]]], threshold: float) -> dict[str, Any]:
    figures = step_figures([counted(solution.wrong, scores, threshold) for solution, scores in pairs])
    names = ["prm_score"] if "prm_score" in figures else ["step_f1", "right_step_accuracy"]
    return {f"{name}_{kind}": figures[name] for name in names if name in figures}
