"""The retriever ``math/similar-problems``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

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
        level: what the knowledge base must hold: whole ``problems``, single ``steps``, or ``any`` of the two.

    Raises:
        ConfigurationError: no folder is given, or the knowledge base is of another level.
        DataError: the knowledge base cannot be used, or its encoder is not here.
    """

    @staticmethod
    def check_options(options: Mapping[str, Any]) -> None:
        """Refuse options out of range, and a knowledge base that is not there, empty, or of another kind or level."""
        given: dict[str, Any] = {**(SimilarProblems.__init__.__kwdefaults__ or {}), **options}
        _check_numbers(given["least"], given["breadth"])
        knowledge = str(given.get("knowledge", ""))
        _check_level(knowledge, _level_of(knowledge), given["level"])

    def __init__(
        self,
        *,
        knowledge: str,
        least: float = -1.0,
        breadth: int = 0,
        show: Literal["whole", "step"] = "whole",
        level: Literal["any", "problems", "steps"] = "any",
    ) -> None:
        from treewright_math.retrieval.problem_store import ProblemStore

        _check_given(knowledge)
        _check_numbers(least, breadth)
        self._store = ProblemStore(_folder(knowledge), breadth=breadth)
        _check_level(knowledge, self._store.level, level)
        self._least = least
        self._show: Literal["whole", "step"] = show

    def retrieve(self, requests: Sequence[RetrieveRequest]) -> list[list[Hit]]:
        """For each text the ``k`` nearest records, best first, as texts for a prompt."""
        return [self._hits(request) for request in requests]

    def _hits(self, request: RetrieveRequest) -> list[Hit]:
        from treewright_math.retrieval.problem_records import as_example
        from treewright_math.retrieval.withheld import with_withheld

        query = as_text(request.query)
        solving = as_text(request.trajectory.problem.prompt) if request.trajectory is not None else query
        found, withheld = self._store.nearest(query, request.k, solving)
        return with_withheld([as_example(hit, self._show) for hit in found if hit.similarity >= self._least], withheld)


def _check_given(knowledge: str) -> None:
    if not knowledge:
        from treewright_math.retrieval.problem_store import BUILD

        raise ConfigurationError(f"knowledge: no folder is given\n    {BUILD}")


def _check_numbers(least: float, breadth: int) -> None:
    if not -1.0 <= least <= 1.0 or breadth < 0:
        raise ValueError(f"least must lie between −1 and 1 ({least}), breadth not below 0 ({breadth})")


def _check_level(knowledge: str, level: str, wanted: str) -> None:
    if wanted not in ("any", level):
        what = f"knowledge '{knowledge}' holds {level}, and {wanted} are wanted here"
        raise ConfigurationError(f"{what}\n    build one: treewright kb build math/problems --set level={wanted}")


def _level_of(knowledge: str) -> str:
    from treewright_math.retrieval.problem_store import BUILD, layout_of
    from treewright_math.retrieval.shipped_knowledge import LEVELS

    _check_given(knowledge)
    for level in LEVELS:
        if knowledge == f"embedded/{level}":
            return level
    folder = _folder(knowledge)
    if not folder.is_dir():
        shipped = " or ".join(f"embedded/{level}" for level in LEVELS)
        raise ConfigurationError(f"knowledge '{knowledge}': there is no folder {folder}\n    {BUILD}\n    or {shipped}")
    return layout_of(folder).level


def _folder(knowledge: str) -> Path:
    from treewright_math.retrieval.shipped_knowledge import store_named

    return store_named(knowledge) or Path(os.path.expandvars(os.path.expanduser(knowledge)))
