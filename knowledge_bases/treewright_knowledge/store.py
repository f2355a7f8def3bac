"""A finished store: open, look up, search."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from treewright_knowledge.array_file import open_rows
from treewright_knowledge.builder import StoreBuilder
from treewright_knowledge.checksums import Verification, check_files
from treewright_knowledge.description import Description
from treewright_knowledge.id_index import IDS, IdIndex
from treewright_knowledge.index_settings import EXACT, IndexSettings
from treewright_knowledge.libraries import require_numpy
from treewright_knowledge.manifest import Manifest, read_manifest
from treewright_knowledge.record_file import RecordReader
from treewright_knowledge.records import Record
from treewright_knowledge.vector_search import VectorSearch, open_search
from treewright_knowledge.vectors import VECTORS, prepared
from treewright_registry import DataError, Hit

if TYPE_CHECKING:
    from treewright_knowledge.libraries import Floats, Positions


class KnowledgeStore:
    """A knowledge base on disk, read-only and memory-mapped; made by ``open``.

    Threads may share it. Pickled, it travels as its path and opens there again.

    Attributes:
        folder: where it lies.
        manifest: what it is.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._ids = IdIndex(folder / IDS, manifest.count)
        self._rows = self._open_vectors()
        self._search: VectorSearch | None = (
            open_search(folder, self._rows, manifest.index) if self._rows is not None else None
        )
        self._records = RecordReader(folder, manifest.count)

    @classmethod
    def open(cls, folder: Path, verify: Verification = True) -> "KnowledgeStore":
        """Open the store in ``folder``.

        Args:
            folder: where it lies.
            verify: ``True`` compares every file's SHA-256 with the manifest, which reads the whole store once;
                ``"fast"`` does so to 256 MB in all (under a second) and beyond compares samples of every file
                (milliseconds at any size; a single changed byte can escape them); ``False`` only names, sizes and
                headers.

        Raises:
            DataError: naming the file that is missing, truncated, corrupted, foreign or of
                another format version, and how to repair it.
        """
        require_numpy()
        manifest = read_manifest(folder)
        check_files(folder, manifest.files, verify)
        return cls(folder, manifest)

    @classmethod
    def build(
        cls,
        folder: Path,
        records: Iterable[Record],
        encode: "Callable[[Sequence[Record]], Any] | None",
        description: Description,
        *,
        index: IndexSettings = EXACT,
        chunk: int = 4096,
        progress: Callable[[int], None] | None = None,
    ) -> "KnowledgeStore":
        """Build a store from a stream, atomically, and open it.

        Args:
            folder: absent, empty, or an earlier store, which stands until the new one is complete.
            records: consumed lazily, a chunk at a time.
            encode: the vectors of a chunk, shape (n, dimension); ``None`` for a store without.
            description: what the manifest is to say.
            index: the search structure.
            chunk: how many records are held in memory at once.
            progress: told after each chunk how many records are stored.

        Raises:
            DataError: a record or vector that cannot be stored, or ids given twice.
        """
        stream = iter(records)
        with StoreBuilder(folder, description, index) as builder:
            while held := list(islice(stream, chunk)):
                builder.add(held, encode(held) if encode is not None else None)
                if progress is not None:
                    progress(builder.count)
        return cls.open(folder, verify=False)

    def __len__(self) -> int:
        return self.manifest.count

    def info(self) -> Manifest:
        """What the store is: counts, metric, encoder, sources, licence, checksums."""
        return self.manifest

    def at(self, position: int) -> Record:
        """The record at a position, 0 ≤ position < len.

        Raises:
            IndexError: there is no such position.
        """
        if not 0 <= position < len(self):
            raise IndexError(f"{self.folder}: no record at {position}, there are {len(self)}")
        return self._records[position]

    def __iter__(self) -> Iterator[Record]:
        return (self._records[position] for position in range(len(self)))

    def get(self, identifier: str) -> Record:
        """The record with this id.

        Raises:
            DataError: there is none.
        """
        record = self._find(identifier)
        if record is None:
            raise DataError(f"{self.folder}: there is no record '{identifier}'")
        return record

    def __contains__(self, identifier: object) -> bool:
        return isinstance(identifier, str) and self._find(identifier) is not None

    def search(self, vectors: Any, k: int, breadth: int = 0) -> list[list[Hit]]:
        """For each query the ``k`` nearest records, best first, equals in the order of the store.

        A query finds the same alone as among others.

        Args:
            vectors: queries, shape (n, dimension); scaled here if the metric is cosine.
            k: how many; fewer come where the store holds fewer, or an approximate index finds fewer.
            breadth: how much an approximate index looks at, see ``IndexSettings``; 0 as the store was built.

        Raises:
            DataError: queries of another dimension, or a store without vectors.
            ValueError: ``k`` below 1.
        """
        similarities, positions = self.nearest(vectors, k, breadth)
        return [
            [self._hit(where, value) for where, value in zip(row, values, strict=True) if where >= 0]
            for row, values in zip(positions.tolist(), similarities.tolist(), strict=True)
        ]

    def nearest(self, vectors: Any, k: int, breadth: int = 0) -> "tuple[Floats, Positions]":
        """The same as similarities and positions in the store, both of shape (n, min(k, len)).

        Position −1 with similarity −inf fills rows where an approximate index found fewer.
        """
        import numpy as np

        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        if self._search is None:
            if len(self) == 0:
                return np.empty((len(vectors), 0), dtype=np.float32), np.empty((len(vectors), 0), dtype=np.int64)
            raise DataError(f"{self.folder}: this knowledge base has no vectors to search by")
        return self._search.search(self._queries(vectors), k, breadth)

    @property
    def vectors(self) -> "Floats | None":
        """All vectors, read-only and memory-mapped, shape (len, dimension); ``None`` for a store without."""
        return self._rows

    def extra(self, name: str) -> Path:
        """A further file of the store, as named by ``StoreBuilder.extra``.

        Raises:
            DataError: the store has none of that name.
        """
        if name not in self.manifest.files:
            raise DataError(f"{self.folder}: this knowledge base has no file '{name}'")
        return self.folder / name

    def close(self) -> None:
        """Let go of the files."""
        self._records.close()

    def _queries(self, vectors: Any) -> "Floats":
        try:
            return prepared(vectors, self.manifest.description.metric, self.manifest.dimension, "query")
        except DataError as error:
            encoder = self.manifest.description.encoder
            by = f"; its encoder is {encoder.name} {encoder.version}".rstrip() if encoder else ""
            raise DataError(f"{self.folder}: {error}{by}") from error

    def _open_vectors(self) -> "Floats | None":
        if not self.manifest.dimension:
            return None
        return open_rows(self.folder / VECTORS, "<f4", (self.manifest.count, self.manifest.dimension))

    def position(self, identifier: str) -> int | None:
        """Where the record with this id stands; ``None`` if there is none."""
        candidates = self._ids.candidates(identifier)
        return next((position for position in candidates if self._records[position].id == identifier), None)

    def _find(self, identifier: str) -> Record | None:
        position = self.position(identifier)
        return None if position is None else self._records[position]

    def _hit(self, position: int, similarity: float) -> Hit:
        record = self._records[position]
        return Hit(record.id, record.content, similarity, record.provenance)

    def __enter__(self) -> "KnowledgeStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return KnowledgeStore.open, (self.folder, False)
