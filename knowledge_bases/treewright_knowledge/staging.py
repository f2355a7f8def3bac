"""Several changes of a store as one: made in a twin of it, which takes its place once all are done."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from treewright_knowledge.locking import changing
from treewright_knowledge.manifest import MANIFEST, read_manifest
from treewright_knowledge.replacing import WorkFolder, put_in_place
from treewright_knowledge.storing import storing
from treewright_registry import DataError


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A twin of the store, to be changed step by step; leaving the block puts it in the store's place.

    An exception inside the block leaves the store untouched, a killed process too. The twin shares the store's files
    (hard links, copies where there are none), as those of a store are never written again. A twin that was not changed
    goes. The folder is locked all the while.

    Raises:
        DataError: there is no store; or one from inside the block, which then names ``folder`` in the twin's place.
        StorageError: the twin cannot be written.
    """
    with changing(folder):
        before = read_manifest(folder)
        with storing(folder):
            place = WorkFolder(folder)
        twin = place.path / folder.name
        try:
            with storing(folder):
                _link(folder, (*before.files, MANIFEST), twin)
            try:
                yield twin
            except DataError as error:
                raise DataError(str(error).replace(str(twin), str(folder))) from error
            if read_manifest(twin) != before:
                with storing(folder):
                    put_in_place(twin, folder)
        finally:
            place.release()
            shutil.rmtree(place.path, ignore_errors=True)


def _link(folder: Path, names: tuple[str, ...], twin: Path) -> None:
    twin.mkdir(mode=0o755)
    for name in names:
        if not (folder / name).is_file():
            continue  # whoever opens the twin says which file is missing
        try:
            os.link(folder / name, twin / name)
        except OSError:  # a file system without links, or a file of another owner
            shutil.copy2(folder / name, twin / name)
