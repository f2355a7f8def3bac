"""A knowledge base of problems, opened: found by text, without the problem that is being solved."""

from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

from treewright_knowledge import KnowledgeStore, TextEncoder
from treewright_math.retrieval.encoders import encoder_named
from treewright_math.retrieval.problem_records import Key, Level, keyed, problem_of
from treewright_math.retrieval.same_problem import same_problem
from treewright_registry import DataError, Hit

BUILD: Final = "build one: treewright kb build math/problems --source FILE --out DIR"
_SPARE = 2  # hits asked for beyond those wanted, for those that are the problem itself


class Found(NamedTuple):
    """What a search brought.

    Attributes:
        hits: best first.
        withheld: records left out before the last of them, as they belong to the problem that is being solved.
    """

    hits: list[Hit]
    withheld: int


class Layout(NamedTuple):
    """What a store of problems was built as."""

    level: Level
    by: Key
    encoder: str


class ProblemStore:
    """Searches a store that ``math/problems`` built; threads may share it.

    Args:
        folder: of the store.
        breadth: how much an approximate index looks at; 0 as it was built.
        encoder: as in ``encoder_named``; empty for the one that the store was built with.

    Raises:
        DataError: the store cannot be used, holds nothing, is of another component, or another encoder made its
            vectors.
    """

    def __init__(self, folder: Path, *, breadth: int = 0, encoder: str = "") -> None:
        self._store = KnowledgeStore.open(folder, verify="fast")
        layout = _layout(self._store)
        self.level: Level = layout.level
        self._by: Key = layout.by
        self._encoder = _fitting(self._store, encoder or layout.encoder)
        self._breadth = breadth

    def nearest(self, query: str, k: int, solving: str = "") -> Found:
        """The ``k`` records nearest to a text, which is compared as the records are; none of the problem ``solving``.

        Which records belong to that problem, ``same_problem`` says.
        """
        vector = self._encoder.encode([keyed(query, self._by)])
        wide = k + _SPARE if solving else k
        while True:
            (found,) = self._store.search(vector, wide, self._breadth)
            places = [at for at, hit in enumerate(found) if not solving or not same_problem(solving, problem_of(hit))]
            if len(places) >= k or len(found) < wide:
                return _first([found[at] for at in places[:k]], places[:k], len(found))
            wide *= 2  # many steps of the very problem

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()


def layout_of(folder: Path) -> Layout:
    """What the store in a folder was built as; loads no encoder.

    Raises:
        DataError: it cannot be used, holds nothing, or is of another component.
    """
    with KnowledgeStore.open(folder, verify="fast") as store:
        return _layout(store)


def _layout(store: KnowledgeStore) -> Layout:
    about = store.info().description
    options: dict[str, Any] = dict(about.options)
    if about.component != "math/problems" or options.get("by") not in get_args(Key):
        what = f"was built by '{about.component or 'nothing'}', not by math/problems"
        raise DataError(f"{store.folder}: {what}\n    {BUILD}")
    if not len(store):
        raise DataError(f"{store.folder}: the knowledge base holds no record\n    {BUILD}")
    level: Level = "steps" if options.get("level") == "steps" else "problems"
    return Layout(level, options["by"], str(options.get("encoder", "embedded")))


def _first(hits: list[Hit], places: list[int], found: int) -> Found:
    """Withheld are those that stand before the last hit; all that were found, if none is left."""
    return Found(hits, places[-1] + 1 - len(hits) if hits else found)


def _fitting(store: KnowledgeStore, name: str) -> TextEncoder:
    encoder = encoder_named(name)
    made_by = store.info().description.encoder
    if made_by is None or (made_by.name, made_by.version) != (encoder.identity.name, encoder.identity.version):
        told = f"{made_by.name} {made_by.version}" if made_by else "none"
        here = f"{encoder.identity.name} {encoder.identity.version}"
        what = f"its vectors were made by another encoder ({told}) than '{name}' here ({here})"
        raise DataError(f"{store.folder}: {what}\n    build the knowledge base anew: treewright kb build --replace")
    return encoder
