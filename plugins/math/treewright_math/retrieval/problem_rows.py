"""Rows of problem files as known problems: the layouts of the benchmarks, and those that name their fields alike."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from treewright_math.answers.extraction import after_hashes, boxed
from treewright_math.data_files.fields import RowFault, first_of
from treewright_math.data_files.problem_fields import answer_of_row, problem_of_row, solution_of_row
from treewright_math.data_files.rows import read_rows


class KnownProblem(NamedTuple):
    """A problem with its solution.

    Attributes:
        name: file without endings, and the row's number.
        problem: its text.
        solution: its text, empty if the file has none.
        answer: the final answer, empty if none is found.
        subject: e.g. ``Geometry``; empty if the file names none.
        level: e.g. ``Level 5``; empty if the file names none.
        place: file and row, as provenance.
    """

    name: str
    problem: str
    solution: str
    answer: str
    subject: str
    level: str
    place: str


class Refused(NamedTuple):
    """A row that cannot be used.

    Attributes:
        reason: why, with the place.
        unsolved: it is a problem, but has neither a solution nor an answer.
    """

    reason: str
    unsolved: bool = False


class Unsolved(RowFault):
    """A problem without solution and answer."""


def read_problems(paths: Sequence[Path]) -> Iterator[KnownProblem | Refused]:
    """Every row of the files, in order.

    Raises:
        DataError: a file cannot be read.
    """
    for path in paths:
        stem = path.name.split(".")[0]
        for row in read_rows(str(path), field="--source"):
            if row.fault is not None:
                yield Refused(row.fault)
                continue
            try:
                yield _known(row.fields, f"{stem}-{row.number}", f"{path.name}:{row.number}")
            except RowFault as fault:
                yield Refused(f"{row.place}: {fault}", isinstance(fault, Unsolved))


def _known(fields: Mapping[str, Any], name: str, place: str) -> KnownProblem:
    problem, written, solution = problem_of_row(fields), answer_of_row(fields), solution_of_row(fields)
    if not solution and "####" in written:  # GSM8K keeps its solution in the answer
        solution, written = written, ""
    answer = written or after_hashes(solution) or boxed(solution) or ""
    if not solution and not answer:
        raise Unsolved("neither a solution nor an answer: no worked problem")
    subject = str(first_of(fields, ("subject", "type", "subfield")) or "")
    return KnownProblem(name, problem, solution, answer, subject, str(fields.get("level") or ""), place)
