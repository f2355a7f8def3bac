"""The knowledge base ``math/problems``: worked problems, or the steps of their solutions, found by text.

treewright kb build math/problems --source math_pool_4500.jsonl.gz --out kb
treewright kb search kb 'What is the remainder when $7^{100}$ is divided by 5?'
treewright kb build math/problems --source gsm8k_train.jsonl.gz --out steps --set level=steps --set index=hnsw
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from treewright_registry import DataError, Hit, KnowledgeBase, KnowledgeBuild

if TYPE_CHECKING:
    from treewright_knowledge import IndexSettings, KnowledgeStore, Record
    from treewright_math.retrieval.problem_store import ProblemStore


@dataclass(slots=True)
class _Read:
    """What has been read so far."""

    problems: int = 0
    repeated: int = 0
    left_out: int = 0
    refused: int = 0
    unsolved: int = 0
    first_refused: str = ""
    seen: set[int] = field(default_factory=set)


class Problems(KnowledgeBase):
    """Worked problems of files (JSON Lines or JSON, plain or gzip; the layouts of the benchmarks and like ones).

    A row without solution and answer is no worked problem and is refused; for ``steps`` one without a solution.

    Args:
        level: a record for each problem with its solution, or for each step of a solution.
        by: found by the text of problem or step, or by its template (numbers and names of variables taken out).
        encoder: ``embedded``, the folder of one of one's own (``treewright train math/text-encoder``), or a model of
            sentence-transformers: a folder, ``package:folder`` or a name (extra ``sentences``).
        exclude: files of problems to leave out, separated by commas: those that are to be solved with it.
        index: ``exact`` to some 100,000 records; ``hnsw``, ``ivf`` or ``ivf-sq8`` beyond.
        breadth: how much an approximate index looks at in one search; 0 lets the build choose.
        licence: of the sources, for the manifest.
    """

    def __init__(
        self,
        *,
        level: Literal["problems", "steps"] = "problems",
        by: Literal["text", "template"] = "text",
        encoder: str = "embedded",
        exclude: str = "",
        index: Literal["exact", "hnsw", "ivf", "ivf-sq8"] = "exact",
        breadth: int = 0,
        licence: str = "",
    ) -> None:
        if breadth < 0:
            raise ValueError(f"breadth must not be negative, not {breadth}")
        self._level: Literal["problems", "steps"] = level
        self._by: Literal["text", "template"] = by
        self._encoder, self._exclude, self._licence = encoder, exclude, licence
        self._index: Literal["exact", "hnsw", "ivf", "ivf-sq8"] = index
        self._breadth = breadth
        self._opened: dict[Path, ProblemStore] = {}

    def build(self, order: KnowledgeBuild) -> Mapping[str, Any]:
        """Build the store; returns how many problems were read, left out and refused.

        Raises:
            DataError: a source cannot be read, or no record came of them.
        """
        from treewright_knowledge import Description, KnowledgeStore, source_of
        from treewright_math.retrieval.encoders import encoder_named

        encoder = encoder_named(self._encoder)
        description = Description(
            component=order.component,
            options=order.options,
            encoder=encoder.identity,
            sources=tuple(source_of(path, licence=self._licence) for path in order.sources),
            licence=self._licence,
            created=order.created,
        )
        read = _Read()
        stream = self._some(order.sources, read)
        store = KnowledgeStore.build(
            order.out, stream, self._vectors, description, index=self._settings(), chunk=1024, progress=_told(order)
        )
        return self._finished(store, read)

    def extend(self, order: KnowledgeBuild) -> Mapping[str, Any]:
        """Add the sources' problems to the store in ``order.out``; problems that it holds already are skipped."""
        from treewright_knowledge import changing

        with changing(order.out):  # what it holds stays the same until the new ones are in
            return self._extended(order)

    def _extended(self, order: KnowledgeBuild) -> Mapping[str, Any]:
        from treewright_knowledge import KnowledgeStore, amend, source_of
        from treewright_math.retrieval.problem_records import problem_of
        from treewright_math.retrieval.problem_store import ProblemStore

        ProblemStore(order.out, encoder=self._encoder).close()  # refuses vectors of another encoder
        read = _Read()
        with KnowledgeStore.open(order.out, verify="fast") as old:
            read.seen = {_sign(problem_of(Hit(record.id, record.content, 0.0))) for record in old}
        stream = self._records(order.sources, read)
        sources = [source_of(path, licence=self._licence) for path in order.sources]
        store = amend(order.out, add=stream, encode=self._vectors, sources=sources, chunk=1024, progress=_told(order))
        return self._finished(store, read)

    def search(self, folder: Path, query: str, k: int) -> Sequence[Hit]:
        """The records nearest to a text, as texts; the store is opened once.

        Raises:
            DataError: the query is empty, or the store cannot be used.
        """
        from treewright_math.retrieval.problem_records import as_example
        from treewright_math.retrieval.problem_store import ProblemStore

        if folder not in self._opened:
            self._opened[folder] = ProblemStore(folder, breadth=self._breadth, encoder=self._encoder)
        if not query.strip():
            raise DataError("the query is empty: give the text of a problem or of a step")
        return [as_example(hit) for hit in self._opened[folder].nearest(query, k).hits]

    def shipped(self) -> Path:
        """The worked problems, or steps, of the embedded world; data sets of others are not shipped."""
        from treewright_math.retrieval.shipped_knowledge import shipped_store

        return shipped_store(self._level)

    @staticmethod
    def named(name: str) -> Path | None:
        """The store that pipelines call ``embedded/problems`` or ``embedded/steps``; ``None`` for other names."""
        from treewright_math.retrieval.shipped_knowledge import store_named

        return store_named(name)

    def _settings(self) -> IndexSettings:
        from treewright_knowledge import IndexSettings

        return IndexSettings(self._index, breadth=self._breadth)

    def _vectors(self, records: Sequence[Record]) -> Any:
        from treewright_math.retrieval.encoders import encoder_named
        from treewright_math.retrieval.problem_records import key_of

        return encoder_named(self._encoder).encode([key_of(record, self._by) for record in records])

    def _records(self, sources: Sequence[Path], read: _Read) -> Iterator[Record]:
        from treewright_math.data_files.problem_fields import problems_of_files
        from treewright_math.retrieval.problem_records import records_of
        from treewright_math.retrieval.problem_rows import Refused, read_problems

        excluded = {_sign(problem) for problem in problems_of_files(self._exclude, "exclude")}
        for row in read_problems(sources):
            if isinstance(row, Refused):
                read.refused += 1
                read.first_refused = read.first_refused or row.reason
                read.unsolved += row.unsolved
            elif (sign := _sign(row.problem)) in excluded:
                read.left_out += 1
            elif sign in read.seen:
                read.repeated += 1
            elif not (records := list(records_of(row, self._level))):
                read.refused += 1
                read.unsolved += 1
                read.first_refused = read.first_refused or f"{row.place}: no solution that has steps"
            else:
                read.seen.add(sign)
                read.problems += 1
                yield from records
        if not read.problems and not read.repeated and not read.left_out:
            raise DataError(f"no row can be used: {read.first_refused or 'the files are empty'}")

    def _some(self, sources: Sequence[Path], read: _Read) -> Iterator[Record]:
        """The records of a base that is built: there must be one."""
        yield from self._records(sources, read)
        if not read.problems:
            told = f"left out {read.left_out}, repeated {read.repeated}, refused {read.refused}"
            raise DataError(f"the knowledge base would hold no record: {told}\n    look at exclude and at the sources")

    def _finished(self, store: KnowledgeStore, read: _Read) -> Mapping[str, Any]:
        store.close()
        figures: dict[str, Any] = {
            "problems": read.problems, "repeated": read.repeated, "left out": read.left_out, "refused": read.refused,
        }  # fmt: skip
        if read.unsolved:  # a part of those refused
            figures["without steps" if self._level == "steps" else "without solution or answer"] = read.unsolved
        return figures | ({"for example": read.first_refused} if read.first_refused else {})


def _sign(problem: str) -> int:
    """64 bits that tell problems apart, layout aside."""
    from hashlib import blake2b

    from treewright_math.retrieval.same_problem import problem_key

    plain = problem_key(problem).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(plain, digest_size=8).digest(), "little")


def _told(order: KnowledgeBuild) -> Any:
    return lambda done: order.progress("encode", done)
