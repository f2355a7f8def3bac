"""Reading own problems from a JSONL file, with errors that say where."""

import json
from pathlib import Path

from treewright_puzzle.puzzle import Puzzle, read_puzzle
from treewright_registry import DataError

LONGEST_LINE = 10_000


def read_file(path: str, most: int = 0) -> dict[str, Puzzle]:
    """The puzzles of a JSONL file by id (its line number where it gives none); empty lines are skipped.

    Args:
        path: the file, in UTF-8.
        most: how many to read at most; 0 reads all.

    Raises:
        DataError: the file or a line cannot be used; the text names file, line and field.
    """
    puzzles: dict[str, Puzzle] = {}
    for number, line in enumerate(_lines(path), start=1):
        if most and len(puzzles) == most:
            break
        if not line.strip():
            continue
        name, puzzle = _read_line(line, f"{path}:{number}", str(number))
        if name in puzzles:
            raise DataError(f"{path}:{number}: field 'id': {name!r} occurs twice; ids must differ")
        puzzles[name] = puzzle
    if not puzzles:
        raise DataError(f'{path}: holds no puzzle; write lines like {{"numbers": [3, 8, 1], "target": 24}}')
    return puzzles


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text (byte {error.start})") from error


def _read_line(line: str, where: str, default: str) -> tuple[str, Puzzle]:
    if len(line) > LONGEST_LINE:
        raise DataError(f"{where}: longer than {LONGEST_LINE} characters")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise DataError(f"{where}: must be a JSON object with 'numbers' and 'target'")
    name = record.get("id", default)
    if not isinstance(name, str | int) or isinstance(name, bool):
        raise DataError(f"{where}: field 'id' must be text or a whole number, not {name!r}")
    return str(name), read_puzzle(record, where)
