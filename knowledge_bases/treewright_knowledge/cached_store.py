"""Stores that a plugin makes of what it ships, in the user's cache: built where they are first asked for."""

import os
from collections.abc import Callable
from pathlib import Path

from treewright_knowledge.locking import changing
from treewright_knowledge.manifest import is_store
from treewright_knowledge.storing import storing
from treewright_registry import DataError, StorageError


def cached_store(name: str, build: Callable[[Path], None]) -> Path:
    """The folder of a store in ``$XDG_CACHE_HOME/treewright``, else ``~/.cache/treewright``.

    Args:
        name: tells what the store was made of, so that another version of it makes another store.
        build: makes the store in the folder; one process at a time.

    Raises:
        DataError: the cache cannot be written.
    """
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "treewright" / name
    if is_store(place):
        return place
    try:
        with changing(place), storing(place):
            if not is_store(place):  # another process may have built it meanwhile
                build(place)
    except StorageError as error:
        raise DataError(f"{error}\n    set XDG_CACHE_HOME to a folder that can be written") from error
    return place
