"""Paths that users give, with environment variables expanded."""

from __future__ import annotations

import os
from pathlib import Path

from treewright_registry import DataError


def existing_file(text: str, field: str) -> Path:
    """The file at ``text``.

    Raises:
        DataError: a variable is not set, there is no such file, or it is a folder; names ``field``.
    """
    expanded = os.path.expandvars(os.path.expanduser(text))
    if "$" in expanded:
        name = expanded.partition("$")[2].partition("/")[0].strip("{}")
        raise DataError(f"{field}: {text}: the environment variable {name} is not set; set it, or give a path")
    if not expanded:
        raise DataError(f"{field}: no file is given")
    path = Path(expanded)
    if not path.is_file():
        what = "is a folder; name a file" if path.is_dir() else "there is no such file"
        raise DataError(f"{field}: {path}: {what}")
    return path
