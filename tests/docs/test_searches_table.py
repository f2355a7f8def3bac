"""The table "which search needs what" says what the classes say."""

import inspect
import re
from typing import Any

import pytest
import yaml

from treewright.configuration.signature import options_of
from treewright.pipeline import capabilities_of, needs_of
from treewright_registry import Capability, Registry

from . import pages

PAGE = pages.DOCS / "searches.md"
COLUMNS = ("name", "roles", "further", "options", "source")
ROWS = [
    dict(zip(COLUMNS, map(str.strip, line.strip("|").split("|")), strict=True))
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| `core/")
]
COMPONENTS = {
    item.name: item.load()
    for kind in ("search", "policy")
    for item in Registry.load().of_kind(kind)
    if item.name.startswith("core/")
}
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"].strip("`"))


def component(row: dict[str, str]) -> Any:
    return COMPONENTS[row["name"].strip("`")]


def roles_cell(cls: Any) -> str:
    cells = []
    for role, need in needs_of(cls, {}).items():
        able = ", ".join(f"`{name}`" for name in sorted(need.capabilities))
        cells.append(f"`{role}`" + (" (optional)" if need.optional else "") + (f": {able}" if able else ""))
    return "; ".join(cells)


def test_every_search_and_policy_of_the_engine_has_one_row() -> None:
    assert sorted(row["name"].strip("`") for row in ROWS) == sorted(COMPONENTS)


@each_row
def test_roles_are_those_of_the_class(row: dict[str, str]) -> None:
    assert row["roles"] == roles_cell(component(row))


@each_row
def test_options_to_begin_with_exist(row: dict[str, str]) -> None:
    named = re.findall(r"`(\w+)`", row["options"])
    assert named
    assert set(named) <= set(options_of(component(row)))


@each_row
def test_an_option_that_is_said_to_bring_needs_brings_them(row: dict[str, str]) -> None:
    cls = component(row)
    for name, text in re.findall(r"`(\w+): ([\w-]+)`", row["further"]):
        options = {name: yaml.safe_load(text)}
        if needs_of(cls, options) == needs_of(cls, {}):
            with pytest.raises(ValueError, match="needs"):
                cls(**options)


@each_row
def test_a_limit_is_said_to_be_needed_where_it_is(row: dict[str, str]) -> None:
    assert ("a limit" in row["further"]) == getattr(component(row), "needs_budget", False)


@each_row
def test_the_source_is_named_in_the_file_too(row: dict[str, str]) -> None:
    text = inspect.getsource(inspect.getmodule(component(row)))  # type: ignore[arg-type]
    for source in row["source"].split(", "):
        assert source.rpartition("/")[2] in text


def test_what_is_said_of_endpoints_as_draft_and_target_is_so() -> None:
    [policy] = Registry.load().named("language/openai")
    able = capabilities_of(policy.load(), {"logprobs": True})
    assert Capability.LOG_PROBABILITY in able
    assert Capability.LOG_LIKELIHOOD not in able
    assert Capability.LOG_LIKELIHOOD in capabilities_of(policy.load(), {"scoring": "echo"})
