"""Building a store: chunk by chunk, in a folder beside its place, renamed when complete."""

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from treewright_knowledge.array_file import RowWriter, open_rows, sync
from treewright_knowledge.checksums import entry_of
from treewright_knowledge.description import Description
from treewright_knowledge.id_index import IDS, IdWriter
from treewright_knowledge.index_settings import EXACT, IndexSettings
from treewright_knowledge.libraries import require_numpy
from treewright_knowledge.locking import changing
from treewright_knowledge.manifest import MANIFEST, Manifest, as_json
from treewright_knowledge.record_file import RecordReader, RecordWriter
from treewright_knowledge.records import Record
from treewright_knowledge.replacing import LOCK, WorkFolder, check_target, put_in_place
from treewright_knowledge.storing import storing
from treewright_knowledge.vector_search import INDEX, Grown, build_index
from treewright_knowledge.vectors import VECTORS, prepared
from treewright_registry import DataError


class StoreBuilder:
    """Builds a store chunk by chunk, as a context manager.

        with StoreBuilder(folder, description) as builder:
            builder.add(records, vectors)

    It holds the folder's lock (``changing``), after waiting for whoever builds there. Leaving the block puts the store
    in place; an exception inside it leaves what stood there untouched. Memory: one chunk, and 8 bytes a record; while
    the block is left, what the index needs: a sample for k-means and some numbers a record for an inverted file, graph
    and 16 bits a number for a graph of neighbours (``benchmarks/knowledge_index.py`` measures both).

    Args:
        folder: the store's place: absent, empty, or an earlier store, which is replaced.
        description: what the manifest is to say.
        index: the search structure.

    Raises:
        DataError: the folder holds something else.
        StorageError: it cannot be written.
    """

    def __init__(self, folder: Path, description: Description, index: IndexSettings = EXACT) -> None:
        check_target(folder)
        require_numpy()
        self.folder = folder
        self.description = description
        self.index = index
        self.grown: Grown | None = None
        self.count = 0
        self._extras: list[str] = []
        self._lock = ExitStack()

    def __enter__(self) -> "StoreBuilder":
        with ExitStack() as lock:
            lock.enter_context(changing(self.folder))
            with storing(self.folder):
                self._open_files()
            self._lock = lock.pop_all()  # now it is held to the end of the block
        return self

    def _open_files(self) -> None:
        self._place = WorkFolder(self.folder)
        self._work = self._place.path
        self._records = RecordWriter(self._work)
        self._ids = IdWriter()
        self._vectors: RowWriter | None = None

    def add(self, records: Sequence[Record], vectors: Any = None) -> None:
        """Append records with their vectors, an array of shape (len(records), dimension).

        All chunks have vectors of the same dimension, or none has any.

        Raises:
            DataError: numbers or shapes do not fit, or a record cannot be stored.
        """
        if not records:
            return
        rows = self._checked(len(records), vectors)  # refuse everything before writing anything
        self._append(records, rows)

    def add_stored(self, records: Sequence[Record], rows: Any) -> None:
        """Append records of another store of the same metric with their vectors there, bit by bit as they are."""
        if not records:
            return
        if rows is not None and self._vectors is None:
            self._vectors = RowWriter(self._work / VECTORS, "<f4", rows.shape[1:])
        self._append(records, rows)

    def _append(self, records: Sequence[Record], rows: Any) -> None:
        with storing(self.folder):
            self._records.append(records)
            if self._vectors is not None:
                self._vectors.append(rows)
        self._ids.append(record.id for record in records)
        self.count += len(records)

    def extra(self, name: str) -> Path:
        """Where to write a further file of the store, e.g. fingerprints; the manifest will list it.

        Raises:
            ValueError: the name is taken or holds a folder.
        """
        taken = name in self._extras or (self._work / name).exists() or name in (MANIFEST, IDS, VECTORS, INDEX)
        if taken or name != Path(name).name or name.startswith("."):
            raise ValueError(f"'{name}' cannot name an extra file: taken, hidden, or not a plain name")
        self._extras.append(name)
        return self._work / name

    def _checked(self, count: int, vectors: Any) -> Any:
        if vectors is None:
            if self._vectors is not None:
                raise DataError(f"records from {self.count + 1} on have no vectors, those before them have")
            return None
        dimension = self._vectors.row[0] if self._vectors is not None else None
        rows = prepared(vectors, self.description.metric, dimension, "record")
        if len(rows) != count:
            raise DataError(f"{len(rows)} vectors for {count} records; each record needs exactly one")
        if self._vectors is None:
            if self.count:
                raise DataError(f"records from {self.count + 1} on have vectors, those before them none")
            self._vectors = RowWriter(self._work / VECTORS, "<f4", rows.shape[1:])
        return rows

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            try:
                with storing(self.folder):
                    self._close_files()
                    if kind is None:
                        self._finish()
                        self._place.release()
                        put_in_place(self._work, self.folder)
            finally:
                self._place.release()
                shutil.rmtree(self._work, ignore_errors=True)

    def _close_files(self) -> None:
        self._records.close()
        if self._vectors is not None:
            self._vectors.close()

    def _finish(self) -> None:
        """What needs all records: the index of ids, the checksums, and last the manifest."""
        reader = RecordReader(self._work, self.count)
        try:
            self._ids.write(self._work / IDS, lambda position: reader[position].id)
        finally:
            reader.close()
        index = self._indexed()
        manifest = Manifest(
            description=self.description,
            count=self.count,
            dimension=self._vectors.row[0] if self._vectors is not None else 0,
            files={path.name: entry_of(path) for path in sorted(self._work.iterdir()) if path.name != LOCK},
            index=index,
        )
        with (self._work / MANIFEST).open("w", encoding="utf-8") as file:
            file.write(as_json(manifest))
            file.flush()
            os.fsync(file.fileno())

    def _indexed(self) -> IndexSettings:
        """Build the index from the vectors on the disk; returns its settings with every choice made."""
        if self._vectors is None:
            return EXACT  # nothing to search by
        rows = open_rows(self._work / VECTORS, "<f4", (self.count, *self._vectors.row))
        unit = self.description.metric == "cosine"
        settings = build_index(self._work, rows, self.index, unit=unit, grown=self.grown)
        if settings.kind != "exact":
            sync(self._work / INDEX)
        return settings
