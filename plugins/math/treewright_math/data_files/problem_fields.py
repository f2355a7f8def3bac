"""Problem, solution and answer of a row, however its data set spreads them over fields."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from treewright_math.data_files.fields import PROBLEM, RowFault, first_of, text_of
from treewright_math.data_files.references import REFERENCES, listed_answer
from treewright_math.data_files.rows import read_rows

_ANSWER: Final = ("answer", "final_answer", *REFERENCES, "Answer", "result_float", "result")
_SOLUTION: Final = ("solution", "rationale", "gt_cot")


def problem_of_row(fields: Mapping[str, Any]) -> str:
    """The whole text of the problem: with SVAMP's body before its question, with OlympiadBench's context.

    Raises:
        RowFault: there is none.
    """
    question = text_of(fields, PROBLEM)
    body = first_of(fields, ("Body", "body"))
    if isinstance(body, str) and body.strip():
        return f"{body.strip().rstrip('.,')}. {question.strip()}"
    context = fields.get("context")
    return f"{context.strip()}\n\n{question}" if isinstance(context, str) and context.strip() else question


def answer_of_row(fields: Mapping[str, Any]) -> str:
    """The reference answer under any of its usual names; empty if the row has none.

    Raises:
        RowFault: it is no answer.
    """
    name = next((name for name in _ANSWER if fields.get(name) not in (None, "", [])), None)
    return "" if name is None else listed_answer(fields[name], name)


def solution_of_row(fields: Mapping[str, Any]) -> str:
    """The solution, several of a list one after the other; empty if the row has none.

    Raises:
        RowFault: it is no text.
    """
    value = first_of(fields, _SOLUTION)
    parts = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(part, str) for part in parts):
        raise RowFault(f"the field solution is {value!r:.40}, not a text")
    return "\n\n".join(part for part in parts if part.strip())


def problems_of_files(files: str, field: str) -> Iterator[str]:
    """The problems of files, whose names are separated by commas; rows without one are passed over.

    Raises:
        DataError: a file cannot be read; names ``field``.
    """
    for file in filter(None, (name.strip() for name in files.split(","))):
        for row in read_rows(file, field=field):
            with suppress(RowFault):
                yield problem_of_row(row.fields)
