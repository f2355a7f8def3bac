"""A folder appears whole or not at all: it is written beside its place and then renamed."""

import glob
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO, Final

from treewright_knowledge.storing import storing
from treewright_registry import DataError

LOCK: Final = ".lock"


def check_target(folder: Path) -> None:
    """Refuse to replace anything but a knowledge base or an empty folder.

    Raises:
        DataError: the folder holds something else, or it is a file.
        StorageError: it cannot be looked at.
    """
    with storing(folder):
        _check_target(folder)


def _check_target(folder: Path) -> None:
    from treewright_knowledge.manifest import is_store

    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: is a file; a knowledge base is a folder\n    choose another place")
    if folder.is_dir() and any(folder.iterdir()) and not is_store(folder):
        what = "holds other files than a knowledge base, which would be lost"
        raise DataError(f"{folder}: {what}\n    choose another folder")


class WorkFolder:
    """A new empty folder beside a store, on the same file system, so that renaming it is one step.

    It is locked as long as its maker lives. Folders that a killed build left behind are not, and go with the next one.

    Attributes:
        path: the folder.
    """

    def __init__(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        self.path = Path(tempfile.mkdtemp(prefix=_prefix(folder), dir=folder.parent))
        self.path.chmod(0o755)  # mkdtemp makes it private, but stores are shared like other data
        self._lock: BinaryIO | None = (self.path / LOCK).open("wb")
        _locked(self._lock)

    def release(self) -> None:
        """Take the lock away; the folder holds only the store then."""
        if self._lock is not None:
            (self.path / LOCK).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None


def _prefix(folder: Path) -> str:
    return f".{folder.name}.building-"


def _sweep(folder: Path) -> None:
    """Delete what killed builds of this store left; a folder without a lock file has just been made or finished."""
    for left in folder.parent.glob(f"{glob.escape(_prefix(folder))}*"):
        try:
            with (left / LOCK).open("rb") as file:
                abandoned = _locked(file)
        except OSError:
            continue
        if abandoned:
            shutil.rmtree(left, ignore_errors=True)


def _locked(file: BinaryIO) -> bool:
    """Take the lock of a file; it goes with the process. ``False`` where another holds it, or there are no locks."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def previous(folder: Path) -> Path:
    """Where the replaced store lies for the moment between two renames."""
    return folder.with_name(f".{folder.name}.previous")


def put_in_place(finished: Path, folder: Path) -> None:
    """Make ``finished`` the folder; what stood there goes only once the new one stands.

    There is no moment without a complete store on the disk: killed between the two renames, the
    earlier one is left as ``previous(folder)``, and opening ``folder`` says so.
    """
    check_target(folder)
    kept = previous(folder)
    shutil.rmtree(kept, ignore_errors=True)
    if folder.exists():
        folder.rename(kept)
    try:
        finished.rename(folder)
    except OSError:
        if kept.exists():
            kept.rename(folder)
        raise
    shutil.rmtree(kept, ignore_errors=True)
