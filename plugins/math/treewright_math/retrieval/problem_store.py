"""A knowledge base of problems, opened: found by text, without the problem that is being solved."""

from pathlib import Path
from typing import Any, get_args

from treewright_knowledge import KnowledgeStore, TextEncoder
from treewright_math.retrieval.encoders import encoder_named
from treewright_math.retrieval.problem_records import Key, problem_of
from treewright_math.retrieval.templates import normalised, template_of
from treewright_registry import DataError, Hit

_SPARE = 2  # hits asked for beyond those wanted, for those that are the problem itself


class ProblemStore:
    """Searches a store that ``math/problems`` built; threads may share it.

    Args:
        folder: of the store.
        breadth: how much an approximate index looks at; 0 as it was built.
        encoder: as in ``encoder_named``; empty for the one that the store was built with.

    Raises:
        DataError: the store cannot be used, is of another component, or another encoder made its vectors.
    """

    def __init__(self, folder: Path, *, breadth: int = 0, encoder: str = "") -> None:
        self._store = KnowledgeStore.open(folder, verify="fast")
        about = self._store.info().description
        options: dict[str, Any] = dict(about.options)
        if about.component != "math/problems" or options.get("by") not in get_args(Key):
            what = f"was built by '{about.component or 'nothing'}', not by math/problems"
            raise DataError(f"{folder}: {what}\n    build one: treewright kb build math/problems")
        self._by: Key = options["by"]
        self._encoder = _fitting(self._store, encoder or str(options.get("encoder", "embedded")))
        self._breadth = breadth

    def nearest(self, query: str, k: int, solving: str = "") -> list[Hit]:
        """The ``k`` records nearest to a text, best first; none that belongs to the problem ``solving``.

        A record belongs to it if its problem has the same letters, digits and signs, case and white space aside.
        """
        text = template_of(query) if self._by == "template" else query
        vector = self._encoder.encode([text])
        barred = normalised(solving)
        wide = k + _SPARE if barred else k
        while True:
            (found,) = self._store.search(vector, wide, self._breadth)
            hits = [hit for hit in found if not barred or normalised(problem_of(hit)) != barred]
            if len(hits) >= k or len(found) < wide:
                return hits[:k]
            wide *= 2  # many steps of the very problem

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()


def _fitting(store: KnowledgeStore, name: str) -> TextEncoder:
    encoder = encoder_named(name)
    made_by = store.info().description.encoder
    if made_by is None or (made_by.name, made_by.version) != (encoder.identity.name, encoder.identity.version):
        told = f"{made_by.name} {made_by.version}" if made_by else "none"
        here = f"{encoder.identity.name} {encoder.identity.version}"
        what = f"its vectors were made by another encoder ({told}) than '{name}' here ({here})"
        raise DataError(f"{store.folder}: {what}\n    build the knowledge base anew: treewright kb build --replace")
    return encoder
