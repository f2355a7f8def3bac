"""Bytes by content, in a folder."""

import hashlib
import os
from pathlib import Path

from treewright_registry import Blob, DataError


class FolderBlobs:
    """A blob store in a folder: ``ab/abcdef…`` holds the bytes whose SHA-256 is ``abcdef…``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes, media_type: str) -> Blob:
        """Keep ``data`` (once) and name it."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_bytes(data)
            draft.replace(path)  # atomic: another process may be writing the same bytes
        return Blob(digest, media_type)

    def get(self, blob: Blob) -> bytes:
        """The bytes of ``blob``.

        Raises:
            DataError: the blob is missing or its bytes do not match its name.
        """
        path = self._path(blob.sha256)
        if not path.is_file():
            raise DataError(f"{path}: blob is missing; the run folder is incomplete")
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != blob.sha256:
            raise DataError(f"{path}: blob is damaged; delete the file and run again")
        return data

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest
