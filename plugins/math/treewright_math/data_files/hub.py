"""Data sets of the Hugging Face hub, by the package ``datasets`` if the user has installed it."""

from collections.abc import Iterator, Mapping
from typing import Any

from treewright_registry import DataError


def read_hub(name: str, *, split: str, subset: str, field: str) -> Iterator[Mapping[str, Any]]:
    """All rows of a data set's split.

    Raises:
        DataError: ``datasets`` is not installed, or it cannot load the data set; says what to do.
    """
    try:
        import datasets
    except ImportError:
        raise DataError(
            f"{field}: there is no file '{name}', and to load it as a data set of the Hugging Face hub takes the "
            "package 'datasets': pip install datasets, or give the path of a file"
        ) from None
    try:
        rows = datasets.load_dataset(name, subset or None, split=split)
    except Exception as error:  # network, names, formats: the library raises many things
        what = f"{name}{f' ({subset})' if subset else ''}, split '{split}'"
        raise DataError(
            f"{field}: the data set {what} cannot be loaded: {type(error).__name__}: {error}; set task.subset and "
            "task.split to what it has, or give the path of a file"
        ) from error
    for row in rows:
        yield dict(row)
