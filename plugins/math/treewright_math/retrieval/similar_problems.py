"""The retriever ``math/similar-problems``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from treewright_registry import ConfigurationError, Hit, RetrieveRequest, as_text


class SimilarProblems:
    """Finds worked problems, or steps of their solutions, near to a text; never those of the problem being solved.

    Args:
        knowledge: folder of a knowledge base that ``treewright kb build math/problems`` made; or ``embedded/problems``,
            ``embedded/steps``: worked problems of the embedded world, which come with the plugin.
        least: similarity that a record must have to be brought, −1 to 1; −1 brings all.
        breadth: how much an approximate index looks at; 0 as it was built.
        show: a step stands in the prompt as a ``whole``, with its problem and the steps before it, or as the ``step``
            alone.

    Raises:
        ConfigurationError: no folder is given.
        DataError: the knowledge base cannot be used, or its encoder is not here.
    """

    def __init__(
        self, *, knowledge: str, least: float = -1.0, breadth: int = 0, show: Literal["whole", "step"] = "whole"
    ) -> None:
        from treewright_math.retrieval.problem_store import ProblemStore

        if not knowledge:
            build = "treewright kb build math/problems --source FILE --out DIR"
            raise ConfigurationError(f"knowledge: no folder is given\n    build one: {build}")
        if not -1.0 <= least <= 1.0 or breadth < 0:
            raise ValueError(f"least must lie between −1 and 1 ({least}), breadth not below 0 ({breadth})")
        self._store = ProblemStore(_folder(knowledge), breadth=breadth)
        self._least = least
        self._show: Literal["whole", "step"] = show

    def retrieve(self, requests: Sequence[RetrieveRequest]) -> list[list[Hit]]:
        """For each text the ``k`` nearest records, best first, as texts for a prompt."""
        return [self._hits(request) for request in requests]

    def _hits(self, request: RetrieveRequest) -> list[Hit]:
        from treewright_math.retrieval.problem_records import as_example

        query = as_text(request.query)
        solving = as_text(request.trajectory.problem.prompt) if request.trajectory is not None else query
        found = self._store.nearest(query, request.k, solving)
        return [as_example(hit, self._show) for hit in found if hit.similarity >= self._least]


def _folder(knowledge: str) -> Path:
    from treewright_math.retrieval.shipped_knowledge import LEVELS, shipped_store

    for level in LEVELS:
        if knowledge == f"embedded/{level}":
            return shipped_store(level)
    return Path(os.path.expandvars(os.path.expanduser(knowledge)))
