"""The problems of a file of stored generations: rows read, rows of one problem put together.

Rows belong together if they have the same id and the same problem's text. Rows without an id do if each holds one
sample and their texts are the same. Of rows that an evaluation harness wrote once for each filter of answers, those of
the first filter are taken. A row whose reference is another than that of an earlier row of its problem cannot be used.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import NamedTuple

from treewright_math.answers.canonical import canonical_answer
from treewright_math.data_files.fields import ID, PROBLEM, RowFault, first_of
from treewright_math.data_files.rows import Row
from treewright_math.recorded.layouts import RecordedProblem, read_recorded

_ID = (*ID, "doc_id", "task_id", "problem_id", "custom_id")


class Stored(NamedTuple):
    """A problem of the file, or a row that cannot be used.

    Attributes:
        name: its id, unique in the file.
        problem: ``None`` for a row that cannot be used.
        fault: why not, with the row's place.
    """

    name: str
    problem: RecordedProblem | None
    fault: str | None = None


def stored_problems(rows: Iterable[Row]) -> list[Stored]:
    """All problems and all bad rows, each where it first occurs."""
    found: dict[Hashable, Stored] = {}
    filters: dict[Hashable, object] = {}
    names: set[str] = set()
    for row in _unfolded(rows):
        number = f"recorded-{row.number}"
        try:
            if row.fault is not None:
                raise RowFault(row.fault)
            problem = _read(row)
        except RowFault as fault:
            found[number,] = Stored(_unique(number, number, names), None, str(fault))
            continue
        named = first_of(row.fields, _ID)
        group: Hashable = number if named is None and not problem.single else (str(named), problem.prompt)
        if filters.setdefault(group, row.fields.get("filter")) != row.fields.get("filter"):
            continue
        earlier = found.get(group)
        if earlier is None:
            found[group] = Stored(_unique(number if named is None else str(named), number, names), problem)
        elif earlier.problem is not None and _contradict(earlier.problem, problem):
            reason = f"{row.place}: {_contradiction(earlier.problem, problem)}"
            found[number,] = Stored(_unique(number, number, names), None, reason)
        elif earlier.problem is not None:
            found[group] = earlier._replace(problem=_joined(earlier.problem, problem))
    return list(found.values())


def _read(row: Row) -> RecordedProblem:
    try:
        problem = read_recorded(row.fields)
    except RowFault as fault:
        raise RowFault(f"{row.place}: {fault}") from None
    except RecursionError:
        raise RowFault(f"{row.place}: nested too deeply") from None
    samples = (s._replace(fault=f"{row.place}: {s.fault}") if s.fault else s for s in problem.samples)
    return problem._replace(samples=tuple(samples))


def _contradict(one: RecordedProblem, more: RecordedProblem) -> bool:
    if one.reference is None or more.reference is None:
        return False
    return canonical_answer(one.reference) != canonical_answer(more.reference)


def _contradiction(one: RecordedProblem, more: RecordedProblem) -> str:
    return f"the reference is {more.reference!r:.40}, in an earlier row of the same problem it is {one.reference!r:.40}"


def _joined(one: RecordedProblem, more: RecordedProblem) -> RecordedProblem:
    reference = more.reference if one.reference is None else one.reference
    return one._replace(reference=reference, samples=one.samples + more.samples)


def _unique(name: str, number: str, names: set[str]) -> str:
    if name in names:
        name = f"{name} ({number})"
    names.add(name)
    return name


def _unfolded(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows; of an object id → row its values."""
    for row in rows:
        if row.fault is None and _is_table(row.fields):
            for number, (name, fields) in enumerate(row.fields.items(), row.number):
                yield Row(f"{row.place}: '{name}'", number, {"id": name, **fields})
        else:
            yield row


def _is_table(fields: Mapping[str, object]) -> bool:
    named = any(name in fields for name in (*PROBLEM, "doc"))
    return bool(fields) and not named and all(isinstance(value, Mapping) for value in fields.values())
