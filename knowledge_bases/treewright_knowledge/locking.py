"""One at a time: whoever builds or changes a store holds the lock of its folder.

The lock is a file beside the folder, ``.NAME.lock``, held by ``flock``: the lock goes with the process that held it,
however that ended. The file goes with it too; where the process was killed it stays, and goes with the next holder.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from treewright_knowledge.storing import storing

_HELD: Final = threading.local()


@contextmanager
def changing(folder: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the folder's lock, after waiting for whoever has it, another process or thread.

    A thread that holds it may take it again. Searching needs no lock: an opened store stays what it was. On systems
    without ``flock`` (Windows) nothing is locked.

    Args:
        folder: of the store; it need not be there yet.
        waiting: called once if another has the lock.

    Raises:
        StorageError: the lock's file cannot be written.
    """
    with storing(folder):
        place = folder.resolve()
    held: set[Path] = _HELD.__dict__.setdefault("places", set())
    if place in held:
        yield
        return
    lock = place.with_name(f".{place.name}.lock")
    with storing(folder):
        place.parent.mkdir(parents=True, exist_ok=True)
        file = _taken(lock, waiting)
    held.add(place)
    try:
        yield
    finally:
        held.discard(place)
        if file is not None:
            lock.unlink(missing_ok=True)  # before it is let go: the next holder looks whether the file is still there
            _let_go(file)


def _taken(lock: Path, waiting: Callable[[], None] | None) -> int | None:
    """The lock's open file; ``None`` where there are no locks."""
    try:
        import fcntl
    except ImportError:
        return None
    while True:
        file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting, told = None, waiting
                if told is not None:
                    told()
                fcntl.flock(file, fcntl.LOCK_EX)
            if _is_still(lock, file):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _let_go(file: int) -> None:
    import fcntl

    fcntl.flock(file, fcntl.LOCK_UN)  # closing would not do: worker processes may have inherited the open file
    os.close(file)


def _is_still(lock: Path, file: int) -> bool:
    """Whether the name means the open file: its last holder has taken the one away that was waited for."""
    try:
        return os.path.samestat(os.stat(lock), os.fstat(file))
    except FileNotFoundError:
        return False
