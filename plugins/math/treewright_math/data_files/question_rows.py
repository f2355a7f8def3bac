"""Rows of a file of questions: JSON Lines, JSON, or plain text with a question on each line."""

import gzip
from collections.abc import Iterator
from pathlib import Path

from treewright_math.data_files.places import existing_file
from treewright_math.data_files.rows import Row, read_rows
from treewright_registry import DataError

_GZIP = b"\x1f\x8b"


def question_rows(path: str, *, field: str, split: str = "test", subset: str = "") -> Iterator[Row]:
    """All rows of a file or of a data set on the Hugging Face hub; a line of plain text is a row with a ``question``.

    A file is plain text if it begins neither with ``{`` nor with ``[``. Empty lines are left out.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    path = path.replace("{split}", split)
    plain = _plain_text(path, field)
    if plain is None:
        return read_rows(path, field=field, split=split, subset=subset)
    lines = enumerate(plain.split("\n"), 1)  # not splitlines: U+2028 and its like are no ends here
    return iter([Row(f"{path}: line {n}", n, {"question": line.strip()}) for n, line in lines if line.strip()])


def _plain_text(path: str, field: str) -> str | None:
    """The content of a file of plain text; ``None`` for all else, which ``read_rows`` reads or refuses."""
    if not Path(path).is_file() and "/" in path and not path.startswith(("$", "~", ".", "/")):
        return None
    content = existing_file(path, field).read_bytes()
    if content.startswith(_GZIP):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError):
            return None
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"{", b"[")):
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"{field}: {path}: neither JSON nor text in UTF-8: {error}"
        raise DataError(f"{what}\n    give JSON Lines, or plain text with a question on each line") from None
