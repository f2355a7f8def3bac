"""Stored generations in the layouts in which they lie around.

samples    ``{id, problem, gold|answer, samples: [{solution|text|…, answer?, score?, correct?, model?} or text]}``
columns    ``{idx, question, gt|answer, code|responses|…: [text], pred?: […], score?: [bool], pred_score?: [reward]}``,
           as Qwen2.5-Math's evaluation writes it; parallel lists, one entry per sample; entries may be objects, and
           ``outputs: [{text}]`` of vLLM or ``choices: [{message: {content}}]`` of a server are such lists
single     ``{id, problem, response: text, …}``: one sample a row; rows of one problem are put together
           (``stored_problems``). ``{doc_id, doc, resps, target, exact_match}`` of lm-evaluation-harness is such a row

Texts may be chat messages. Which numbers are rewards and which are labels, ``marks`` tells. What is wrong with one
sample makes that sample one without text, answer, reward or label, and is said in its ``fault``; a row is refused only
if none of its samples has a text.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from treewright_math.data_files.asked import asked
from treewright_math.data_files.fields import RowFault, first_of, number_text
from treewright_math.data_files.references import reference_of
from treewright_math.data_files.texts import TEXTS, is_chat, text_in
from treewright_math.recorded.marks import EITHER, LABELS, REWARDS, Column, label_of, reward_of, told_apart
from treewright_math.recorded.samples import Sample, complete_text

Read = TypeVar("Read")

_COLUMNS = ("responses", "completions", "generations", "outputs", "code", "response", "solutions", "choices", "resps")
_SINGLE = (*_COLUMNS, "output", "completion", "generation", "generated_text", "text", "messages")
_ANSWERS = ("pred", "preds", "answers", "predictions", "prediction", "extracted_answer", "model_answer")


class RecordedProblem(NamedTuple):
    """A problem with stored solutions.

    Attributes:
        prompt: the problem's text.
        reference: the right answer, ``None`` where it is not stored.
        samples: at least one.
        single: the row holds one sample, and others may hold more of the same problem.
    """

    prompt: str
    reference: str | None
    samples: tuple[Sample, ...]
    single: bool = False


def read_recorded(fields: Mapping[str, Any]) -> RecordedProblem:
    """What a row holds.

    Raises:
        RowFault: a field is missing, or the row is of no known layout.
    """
    if isinstance(fields.get("doc"), Mapping):
        fields = {**fields["doc"], **fields}
    listed = isinstance(fields.get("samples"), list)
    texts = fields["samples"] if listed else _column_of_texts(fields)
    single = texts is None
    if texts is None:
        texts = [_single(fields)]
    if not texts:
        raise RowFault("the row holds no sample")
    samples = _samples(fields, texts, {} if listed else fields)
    if all(text_in(entry) is None for entry in texts):
        raise RowFault(samples[0].fault)
    return RecordedProblem(asked(fields), reference_of(fields), samples, single)


def _column_of_texts(fields: Mapping[str, Any]) -> Sequence[Any] | None:
    """The first list of solutions; ``None`` if there is none."""
    for name in _COLUMNS:
        column = fields.get(name)
        while isinstance(column, list) and len(column) == 1 and isinstance(column[0], list) and not is_chat(column[0]):
            column = column[0]  # lm-evaluation-harness: a list of repeats for each request
        if isinstance(column, list) and not is_chat(column):
            return column
    return None


def _single(fields: Mapping[str, Any]) -> Any:
    """The only solution of a row."""
    name = next((name for name in _SINGLE if text_in(fields.get(name)) is not None), None)
    if name is None:
        raise RowFault(f"no solution is there, neither 'samples' nor one of {', '.join(_SINGLE)}")
    return fields[name]


def _samples(fields: Mapping[str, Any], texts: Sequence[Any], beside: Mapping[str, Any]) -> tuple[Sample, ...]:
    """The samples: what an object says of itself goes before what stands beside the list."""
    size = len(texts)
    answers = _column(beside, _ANSWERS, size)
    marks = told_apart(_column(beside, REWARDS, size), _column(beside, LABELS, size), _column(beside, EITHER, size))
    made = []
    for index, entry in enumerate(texts):
        around = Sample("", _entry(answers, index), _entry(marks.rewards, index), fields.get("model") or "")
        made.append(_sample(entry, around, _entry(marks.labels, index), f"sample {index + 1}"))
    return tuple(made)


def _sample(entry: Any, around: Sample, label: Any, where: str) -> Sample:
    own: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {}
    given = first_of(own, ("answer", "final_answer", *_ANSWERS))
    answer = around.answer if given is None else given
    marks = told_apart(*(_wrapped(first_of(own, names)) for names in (REWARDS, LABELS, EITHER)))
    reward = around.score if marks.rewards is None else marks.rewards[0]
    label = label if marks.labels is None else marks.labels[0]
    faults: list[str] = []
    text = _or_none(faults, _text, entry, where)
    stored = None if answer is None or answer == "" else _or_none(faults, number_text, answer, f"answer of {where}")
    score = _or_none(faults, reward_of, reward, where)
    correct = _or_none(faults, label_of, label, where)
    model = str(own.get("model") or around.model)
    return Sample(complete_text(text or "", stored), stored, score, model, correct, "; ".join(faults))


def _text(entry: Any, where: str) -> str:
    if not isinstance(entry, str | Mapping | list):
        raise RowFault(f"{where} is {entry!r:.40}, neither a text nor an object")
    text = text_in(entry)
    if text is None:
        raise RowFault(f"{where} has no text: one of {', '.join(TEXTS)} must hold one")
    return text


def _or_none(faults: list[str], read: Callable[[Any, str], Read | None], value: Any, where: str) -> Read | None:
    """What is read from a value of a sample; ``None``, and a fault more, if it cannot be read."""
    try:
        return read(value, where)
    except RowFault as fault:
        faults.append(str(fault))
        return None


def _column(fields: Mapping[str, Any], names: tuple[str, ...], size: int) -> Column:
    """The values under the first of the names that has any, one for each sample; a single value for a single sample.

    Raises:
        RowFault: there are more or fewer.
    """
    given = (name for name in names if fields.get(name) is not None)
    name = next((name for name in given if size == 1 or isinstance(fields[name], list)), None)
    if name is None:
        return None
    value: Any = fields[name]
    if size == 1 and not (isinstance(value, list) and len(value) == 1):
        return [value]
    if len(value) == 1 and isinstance(value[0], list) and len(value[0]) == size:
        value = value[0]
    if len(value) != size:
        raise RowFault(f"the field {name} has {len(value)} entries for {size} samples")
    column: Sequence[Any] = value
    return column


def _entry(column: Column, index: int) -> Any:
    return None if column is None else column[index]


def _wrapped(value: Any) -> Column:
    return None if value is None else [value]
