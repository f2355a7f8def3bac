"""Stored generations in the layouts in which they lie around.

samples    ``{id, problem, gold|answer, samples: [{solution|text|…, answer?, score?, correct?, model?} or text]}``
columns    ``{idx, question, gt|answer, code|responses|…: [text], pred?: […], score?: [bool], pred_score?: [reward]}``,
           as Qwen2.5-Math's evaluation writes it; parallel lists, one entry per sample

A reward that is a list (one number, or one for each step) counts by its last number.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from treewright_math.data_files.fields import PROBLEM, RowFault, first_of, number_text, text_of
from treewright_math.recorded.samples import Sample, complete_text

_TEXTS = ("text", "solution", "response", "output", "completion", "generation", "content")
_COLUMNS = ("responses", "completions", "generations", "outputs", "code", "response", "solutions")
_REFERENCES = ("gold", "gt", "answer", "reference", "ground_truth")
_SCORES = ("score", "reward", "rm_score", "pred_score")
_LABELS = ("correct", "label", "is_correct")


class RecordedProblem(NamedTuple):
    """A problem with stored solutions.

    Attributes:
        prompt: the problem's text.
        reference: the right answer, ``None`` where it is not stored.
        samples: at least one.
    """

    prompt: str
    reference: str | None
    samples: tuple[Sample, ...]


def read_recorded(fields: Mapping[str, Any]) -> RecordedProblem:
    """What a row holds.

    Raises:
        RowFault: a field is missing, or the row is of no known layout.
    """
    reference = first_of(fields, _REFERENCES)
    if isinstance(reference, list | tuple):
        reference = ", ".join(map(str, reference))
    samples = _samples(fields) if isinstance(fields.get("samples"), list) else _columns(fields)
    if not samples:
        raise RowFault("the row holds no sample")
    text = None if reference is None or reference == "" else number_text(reference, "/".join(_REFERENCES))
    return RecordedProblem(text_of(fields, PROBLEM), text, tuple(samples))


def _samples(fields: Mapping[str, Any]) -> list[Sample]:
    return [_sample(sample, f"sample {number}") for number, sample in enumerate(fields["samples"], 1)]


def _sample(sample: Any, where: str) -> Sample:
    if isinstance(sample, str):
        return Sample(sample, None)
    if not isinstance(sample, Mapping):
        raise RowFault(f"{where} is {sample!r:.40}, neither a text nor an object")
    score, label = first_of(sample, _SCORES), first_of(sample, _LABELS)
    if label is None and isinstance(score, bool):
        score, label = None, score
    return _made(where, first_of(sample, _TEXTS), sample.get("answer"), score, label, sample.get("model"))


def _columns(fields: Mapping[str, Any]) -> list[Sample]:
    name = next((name for name in _COLUMNS if isinstance(fields.get(name), list)), None)
    if name is None:
        raise RowFault(f"no list of solutions is there, neither 'samples' nor one of {', '.join(_COLUMNS)}")
    texts = fields[name]
    scores, labels = _column(fields, ("pred_score", "rewards", "scores"), texts), None
    booleans = _column(fields, ("correct", "labels", "score"), texts)
    if booleans is not None:
        labels = booleans
    answers = _column(fields, ("pred", "answers", "preds"), texts)
    return [
        _made(
            f"sample {index + 1}",
            text,
            None if answers is None else answers[index],
            None if scores is None else scores[index],
            None if labels is None else labels[index],
            None,
        )
        for index, text in enumerate(texts)
    ]


def _column(fields: Mapping[str, Any], names: tuple[str, ...], texts: Sequence[Any]) -> Sequence[Any] | None:
    """The first of the named lists; its length must be the number of samples."""
    name = next((name for name in names if isinstance(fields.get(name), list)), None)
    if name is None:
        return None
    if len(fields[name]) != len(texts):
        raise RowFault(f"the field {name} has {len(fields[name])} entries for {len(texts)} samples")
    column: Sequence[Any] = fields[name]
    return column


def _made(where: str, text: Any, answer: Any, score: Any, label: Any, model: Any) -> Sample:
    if not isinstance(text, str):
        raise RowFault(f"{where} has no text: one of {', '.join(_TEXTS)} must be a string")
    if label is not None and not isinstance(label, bool):
        raise RowFault(f"{where} has the label {label!r:.40}, neither true nor false")
    stored = None if answer is None or answer == "" else number_text(answer, f"answer of {where}")
    return Sample(complete_text(text, stored), stored, _reward(score, where), str(model or ""), label)


def _reward(score: Any, where: str) -> float | None:
    if isinstance(score, list):
        score = score[-1] if score else None
    if score is None:
        return None
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise RowFault(f"{where} has the score {score!r:.40}, no number")
    return float(score) if isfinite(score) else None
