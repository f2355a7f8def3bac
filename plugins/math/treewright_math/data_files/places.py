"""Paths that users give, with environment variables expanded."""

import os
from pathlib import Path

from treewright_registry import DataError


def existing_file(text: str, field: str) -> Path:
    """The file at ``text``.

    Raises:
        DataError: it is empty, a variable is not set, or there is no such file; names ``field``.
    """
    if not text:
        raise DataError(f"{field}: no file is given; write  --set {field}=FILE")
    expanded = os.path.expandvars(os.path.expanduser(text))
    if "$" in expanded:
        name = expanded.partition("$")[2].partition("/")[0].strip("{}")
        raise DataError(f"{field}: {text}: the environment variable {name} is not set; set it, or give a path")
    path = Path(expanded)
    if not path.is_file():
        raise DataError(f"{field}: {path}: there is no such file")
    return path
