"""Paths that users give, with environment variables expanded; files of a package as ``package:path/within``."""

import importlib.resources
import os
import re
from pathlib import Path

from treewright_registry import DataError

_RESOURCE = re.compile(r"([A-Za-z_][\w.]+):([^/\\].*)")


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
    path = _in_package(expanded) or Path(expanded)
    if not path.is_file():
        raise DataError(f"{field}: {path}: there is no such file")
    return path


def _in_package(text: str) -> Path | None:
    """The file that ``package:path/within`` means; ``None`` for other texts, and where there is no such package."""
    resource = _RESOURCE.fullmatch(text)
    if resource is None:
        return None
    try:
        return Path(str(importlib.resources.files(resource[1]).joinpath(resource[2])))
    except ModuleNotFoundError:
        return None
