"""Tiny components that the configuration tests describe; nothing here ever runs."""
# ruff: noqa: RUF012  class attributes as plugin authors write them

from pathlib import Path
from typing import Any, Literal

import pytest

from treewright.configuration import load_pipeline
from treewright_registry import ConfigurationError, Need, Registry


class Fill:
    def __init__(self, *, width: int = 8, temperature: float = 1.0, marks: tuple[str, ...] = ()) -> None:
        pass

    def propose(self, requests):
        raise NotImplementedError


class Likely(Fill):
    capabilities = frozenset({"log_probability"})

    def log_likelihood(self, requests):
        raise NotImplementedError


class Remote(Fill):
    async def propose(self, requests):
        raise NotImplementedError


class Large(Fill):
    expensive = True


class Borrowing(Fill):
    """Works with records that the search retrieves."""

    @staticmethod
    def expects_for(options):
        return {"retriever": Need("retriever")} if options["width"] > 8 else {}


class Rules:
    level = "step"

    def __init__(self, *, mode: Literal["strict", "lax"] = "strict", sanitize: bool = True) -> None:
        pass


class Outcome:
    level = "outcome"

    def __init__(self, *, weight: float | None = None) -> None:
        pass


class Judge:
    level = "outcome"
    needs = {"judge": Need("policy"), "look-up": Need("retriever", optional=True)}

    def __init__(self, *, k: int = 3) -> None:
        pass


class Records:
    def __init__(self, *, path: Path | None = None) -> None:
        pass


class Lines:
    def __init__(self, *, path: str, limit: int = 10) -> None:
        pass


class Toy:
    def __init__(self, *, options: dict[str, list[int]] | None = None) -> None:
        pass


class Loose:
    def __init__(self, *, value: dict[str, Any]) -> None:
        pass


class Beam:
    needs = {"policy": Need("policy"), "scorer": Need("scorer", frozenset({"partial"}))}

    def __init__(self, *, width: int = 4, rule: Literal["uct", "puct"] = "uct") -> None:
        if width < 1:
            raise ValueError(f"width must be at least 1, not {width}")
        if rule == "puct" and width == 1:
            raise ValueError("puct needs siblings: allow a width above 1")


class Outcomes:
    needs = {"policy": Need("policy"), "scorer": Need("scorer", optional=True)}

    def __init__(self) -> None:
        pass


class Endless:
    needs = {"policy": Need("policy")}
    needs_budget = True
    own_limits = ("iterations",)

    def __init__(self, *, iterations: int | None = None) -> None:
        pass


class Draft:
    needs = {"draft": Need("policy"), "target": Need("policy", frozenset({"log_likelihood"}))}

    def __init__(self) -> None:
        pass


class Best:
    def __init__(self) -> None:
        pass


class Vote:
    def __init__(self, *, ties: str = "first") -> None:
        if ties not in ("first", "last"):
            raise ValueError("there is no such rule")


class Positional:
    def __init__(self, width: int = 3) -> None:
        pass


class Strange:
    def __init__(self, *, thing: Fill | None = None) -> None:
        pass


class Recipe:
    def __init__(self, *, data: str, epochs: int = 3) -> None:
        pass


def registry() -> Registry:
    table = Registry()
    for kind, name, target in (
        ("policy", "toy/borrowing", Borrowing),
        ("policy", "toy/fill", Fill),
        ("policy", "toy/likely", Likely),
        ("policy", "toy/remote", Remote),
        ("policy", "toy/large", Large),
        ("policy", "toy/positional", Positional),
        ("policy", "toy/strange", Strange),
        ("policy", "toy/absent", "a_module_that_is_not_there:Policy"),
        ("policy", "toy/no-class", "json:NoSuchClass"),
        ("scorer", "toy/rules", Rules),
        ("scorer", "toy/outcome", Outcome),
        ("scorer", "toy/judge", Judge),
        ("retriever", "toy/records", Records),
        ("task", "toy/lines", Lines),
        ("task", "toy/toy", Toy),
        ("task", "toy/loose", Loose),
        ("search", "core/beam", Beam),
        ("search", "core/endless", Endless),
        ("search", "core/outcomes", Outcomes),
        ("search", "core/draft", Draft),
        ("aggregator", "core/best", Best),
        ("aggregator", "core/vote", Vote),
        ("trainer", "toy/recipe", Recipe),
    ):
        table.add(kind, name, target, summary=f"{name} for tests")
    return table


GOOD = """\
task: {use: toy/toy}
policy: {use: toy/fill}
scorer: {use: toy/rules}
search: {use: core/beam}
"""


def complaint(text: str, settings=(), effort: str | None = None) -> str:
    """What is said of a pipeline file ``p.yaml`` in the current folder."""
    Path("p.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_pipeline("p.yaml", registry(), overrides=settings, effort=effort)
    return str(caught.value)
