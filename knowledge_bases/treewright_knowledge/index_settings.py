"""Which search structure a store has, and with what numbers."""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Final, Literal, TypeAlias, get_args

IndexKind: TypeAlias = Literal["exact", "hnsw", "ivf", "ivf-sq8"]
INDEXES: Final[tuple[IndexKind, ...]] = get_args(IndexKind)
LEAST_PER_LIST: Final = 40
"""Vectors per list that k-means is trained on: FAISS asks for 39 at least."""


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """The search structure of a store.

    The kinds: ``exact`` compares with every vector. ``hnsw`` walks a graph of neighbours (Malkov and Yashunin 2018):
    the fastest search and the slowest build, which holds the graph and a 16-bit copy of the vectors in memory. ``ivf``
    looks into the lists nearest to the query (inverted file, k-means): a fast build in bounded memory, a second copy
    of the vectors on disk. ``ivf-sq8`` keeps 8 bits a number in its lists, a quarter of the size, and compares the
    best candidates again with the full vectors.

    Similarities of hits are those of the full vectors with every kind; an approximate one may miss records.

    Attributes:
        kind: see above.
        breadth: how much one search looks at unless it says otherwise: candidates of the graph walk (efSearch), or
            lists (nprobe); 0 lets the build choose. More finds more and takes longer.
        links: of each vector in the graph (M).
        construction: candidates considered for them while building (efConstruction).
        lists: of the inverted file; 0 lets the build choose.
        seed: of the sample and of k-means.
    """

    kind: IndexKind = "exact"
    breadth: int = 0
    links: int = 32
    construction: int = 100
    lists: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no index can be."""
        if self.kind not in INDEXES:
            raise ValueError(f"index {self.kind!r} is unknown; known: {', '.join(INDEXES)}")
        for name, least in (("breadth", 0), ("links", 2), ("construction", 1), ("lists", 0), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} of the index must be a whole number of at least {least}, not {value!r}")

    @property
    def fields(self) -> dict[str, str | int]:
        """Those that matter for its kind, as the manifest lists them."""
        names = {"exact": (), "hnsw": ("breadth", "links", "construction")}.get(self.kind, ("breadth", "lists", "seed"))
        return {"kind": self.kind, **{name: getattr(self, name) for name in names}}

    def resolved(self, count: int) -> "IndexSettings":
        """The same with every choice made, for a store of so many vectors.

        Lists: 2·√count, and no more than k-means can be trained for. Breadth: 64 candidates, or a sixteenth of the
        lists. These are choices of this project, measured in ``benchmarks/knowledge_index.py``.
        """
        if self.kind == "exact":
            return self
        if self.kind == "hnsw":
            return replace(self, breadth=self.breadth or 64)
        most = max(1, count // LEAST_PER_LIST)
        lists = min(self.lists or round(2 * sqrt(count)), most)
        return replace(self, lists=lists, breadth=min(self.breadth or max(1, lists // 16), lists))

    def same_structure(self, other: "IndexSettings") -> bool:
        """Whether an index of these settings can be carried on with others: same kind, links and seed."""
        return (self.kind, self.links, self.construction, self.seed) == (
            other.kind, other.links, other.construction, other.seed,
        )  # fmt: skip


EXACT: Final = IndexSettings()
