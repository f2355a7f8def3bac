"""What a store's maker says of it: everything in the manifest that cannot be counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from treewright_registry import JSON

Metric: TypeAlias = Literal["cosine", "dot"]
METRICS: tuple[Metric, ...] = ("cosine", "dot")


@dataclass(frozen=True, slots=True)
class Encoder:
    """What turned records into vectors; queries must come from the same one.

    Attributes:
        name: for example ``chemistry/scorer`` or a model's name.
        version: a version, or the checksum of the weights.
    """

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One file or data set that the records were made from.

    Attributes:
        name: file name or data set, without folders of the machine it was built on.
        sha256: checksum of the file, empty where there is no single file.
        licence: the licence under which it may be used, in words.
        url: where it can be had.
    """

    name: str
    sha256: str = ""
    licence: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """What the manifest says of a store besides counts and checksums.

    Attributes:
        component: the registered knowledge base that built it and can search it, ``plugin/name``.
        options: that component's options.
        metric: ``cosine`` (vectors are scaled to length 1) or ``dot`` (stored as given).
        encoder: what made the vectors; ``None`` for a store without vectors.
        sources: what the records were made from.
        licence: the licence text of the store as a whole.
        created: an ISO date, passed in so that the same input gives the same bytes.
    """

    component: str = ""
    options: Mapping[str, JSON] = field(default_factory=dict)
    metric: Metric = "cosine"
    encoder: Encoder | None = None
    sources: tuple[Source, ...] = ()
    licence: str = ""
    created: str = ""

    def __post_init__(self) -> None:
        """Refuse metrics that there are not."""
        if self.metric not in METRICS:
            raise ValueError(f"metric {self.metric!r} is unknown; known metrics: {', '.join(METRICS)}")


def source_of(path: Path, *, licence: str = "", url: str = "") -> Source:
    """The source entry of a file: its name without folders, and its checksum."""
    from treewright_knowledge.checksums import sha256_of

    return Source(path.name, sha256_of(path), licence, url)
