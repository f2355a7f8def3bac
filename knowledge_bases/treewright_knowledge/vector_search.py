"""Search structures of a store: what they promise, how they are built and opened."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from treewright_knowledge.index_settings import IndexSettings

if TYPE_CHECKING:
    from treewright_knowledge.libraries import Floats, Positions

INDEX = "index.faiss"


class VectorSearch(Protocol):
    """A search structure over the vectors of a store; threads may share it."""

    def search(self, queries: "Floats", k: int, breadth: int = 0) -> "tuple[Floats, Positions]":
        """Similarities and positions, both (n, min(k, count)), best first, equals in the order of the records.

        Where an approximate structure finds fewer, the rest has position −1 and similarity −inf.

        Args:
            queries: shape (n, dimension).
            k: how many.
            breadth: how much to look at, as in ``IndexSettings``; 0 as the store's settings say.
        """
        ...


class Grown(NamedTuple):
    """An earlier index that the new one may be carried on from.

    Attributes:
        folder: of the store that it belongs to.
        settings: its own.
        kept: how many vectors it holds, if the new store begins with exactly these; else 0.
        total: how many vectors it holds in all.
    """

    folder: Path
    settings: IndexSettings
    kept: int
    total: int


def build_index(
    folder: Path, rows: "Floats", settings: IndexSettings, *, unit: bool, grown: Grown | None = None
) -> IndexSettings:
    """Write the index files of a store; returns the settings with every choice made.

    Args:
        folder: of the store being built.
        rows: its vectors, mapped, shape (count, dimension).
        settings: what to build.
        unit: whether all vectors have length 1.
        grown: an earlier index of the same settings to carry on from.
    """
    chosen = settings.resolved(len(rows))
    if len(rows) == 0 or chosen.kind == "exact":
        return chosen
    if chosen.kind == "hnsw":
        from treewright_knowledge.hnsw_search import build_graph

        build_graph(folder, rows, chosen, half=unit, grown=grown)
        return chosen
    from treewright_knowledge.ivf_search import build_lists

    return build_lists(folder, rows, chosen, grown=grown)


def open_search(folder: Path, rows: "Floats", settings: IndexSettings) -> VectorSearch:
    """The search structure of a store.

    Raises:
        DataError: its files are damaged, foreign, or do not belong to the vectors.
    """
    if settings.kind == "exact" or len(rows) == 0:
        from treewright_knowledge.exact_search import ExactSearch

        return ExactSearch(rows)
    if settings.kind == "hnsw":
        from treewright_knowledge.hnsw_search import GraphSearch

        return GraphSearch(folder, rows, settings)
    from treewright_knowledge.ivf_search import ListSearch

    return ListSearch(folder, rows, settings)
