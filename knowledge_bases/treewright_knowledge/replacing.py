"""A folder appears whole or not at all: it is written beside its place and then renamed."""

import shutil
import tempfile
from pathlib import Path

from treewright_registry import DataError


def check_target(folder: Path) -> None:
    """Refuse to replace anything but a knowledge base or an empty folder.

    Raises:
        DataError: the folder holds something else, or it is a file.
    """
    from treewright_knowledge.manifest import is_store

    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: is a file; a knowledge base is a folder\n    choose another place")
    if folder.is_dir() and any(folder.iterdir()) and not is_store(folder):
        what = "holds other files than a knowledge base, which would be lost"
        raise DataError(f"{folder}: {what}\n    choose another folder")


def temporary_sibling(folder: Path) -> Path:
    """A new empty folder on the same file system, so that renaming it is one step."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.building-", dir=folder.parent))
    made.chmod(0o755)  # mkdtemp makes it private, but stores are shared like other data
    return made


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
