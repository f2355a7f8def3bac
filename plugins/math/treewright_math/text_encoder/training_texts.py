"""What the encoder is trained on: GSM8K's training part and problems of MATH with their subjects."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from treewright_math.data_files.fields import PROBLEM, text_of
from treewright_math.data_files.problem_fields import problems_of_files
from treewright_math.data_files.rows import read_rows
from treewright_math.retrieval.same_problem import problem_key

FILES: Final = ("gsm8k_train.jsonl.gz", "math_pool_4500.jsonl.gz")
HELD_OUT: Final = 10
"""Every tenth record is never trained on."""


class TrainingText(NamedTuple):
    """A problem with its solution; ``subject`` is empty for GSM8K."""

    problem: str
    solution: str
    subject: str


def read_texts(folder: Path, exclude: str = "") -> list[TrainingText]:
    """All records of the files in ``folder``/math, without the problems of the files ``exclude`` (names, commas).

    Raises:
        DataError: a file is missing or a record has no problem.
    """
    excluded = {problem_key(problem) for problem in problems_of_files(exclude, "trainer.exclude")}
    texts = (text for name in FILES for text in _read(folder / "math" / name))
    return [text for text in texts if not excluded or problem_key(text.problem) not in excluded]


def _read(path: Path) -> Iterator[TrainingText]:
    for row in read_rows(str(path), field="trainer.data"):
        solution = text_of(row.fields, ("solution", "answer"))
        yield TrainingText(text_of(row.fields, PROBLEM), solution, str(row.fields.get("type", "")))


def split(texts: Sequence[TrainingText]) -> tuple[list[TrainingText], list[TrainingText]]:
    """Those to train on, and every tenth one to judge by."""
    kept = [text for number, text in enumerate(texts) if number % HELD_OUT]
    return kept, list(texts[::HELD_OUT])
