"""What to do where a store cannot be written: no permission, no such place, a full disk."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from treewright_registry import StorageError

_REPAIRS: Final = {
    errno.ENOSPC: "free space on that disk, or choose another folder",
    errno.EDQUOT: "your quota on that disk is used up: free space, or choose another folder",
    errno.EFBIG: "files there may not grow so large (ulimit -f, or the file system): choose another folder",
    errno.EROFS: "that file system can only be read: choose another folder",
    errno.EACCES: "you may not write there: change the permissions, or choose another folder",
    errno.EPERM: "you may not write there: change the permissions, or choose another folder",
    errno.ENOENT: "no folder can be made there: choose another place",
    errno.ENOTDIR: "a part of the path is a file: choose another place",
    errno.EEXIST: "a part of the path is a file: choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "too many open files: raise the limit (ulimit -n)",
}
_ELSE: Final = "look at that disk, or choose another folder"


@contextmanager
def storing(folder: Path) -> Iterator[None]:
    """Around what writes a store, and nothing else: where the system refuses, say which store it was and what to do.

    Raises:
        StorageError: instead of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        at = f" ({error.filename})" if error.filename else ""
        what = f"{folder}: cannot be written: {error.strerror or error}{at}"
        raise StorageError(f"{what}\n    {_REPAIRS.get(error.errno or 0, _ELSE)}") from error
