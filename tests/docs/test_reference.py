import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import treewright_registry
from treewright.configuration.document import TOP_KEYS
from treewright.configuration.signature import RESERVED
from treewright.pipeline import CallSettings
from treewright.run.records import Record
from treewright.run.summary import summarise
from treewright_registry import COUNTERS, KINDS, Registry, hooks

from . import pages

REFERENCE = pages.DOCS / "reference"


def _text(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def _headings(name: str, level: int) -> list[str]:
    return re.findall(rf"^{'#' * level} `([^`]+)`$", _text(name), re.MULTILINE)


def _rows(name: str, section: str) -> list[str]:
    """First cells, in backticks, of the table below a heading."""
    _, found, after = _text(name).partition(f"\n## {section}\n")
    assert found, f"{name} has no section '{section}'"
    return re.findall(r"^\| `([^`]+)` \|", after.partition("\n## ")[0], re.MULTILINE)


def test_generated_blocks_are_fresh():
    done = subprocess.run(
        [sys.executable, str(pages.DOCS / "make_reference.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_every_public_name_has_a_heading_and_no_heading_is_stale():
    declared = {name for name in vars(hooks) if name.startswith("treewright_")}
    assert sorted(_headings("contracts.md", 3)) == sorted({*treewright_registry.__all__, *declared})


def test_every_kind_has_a_row_and_no_row_is_stale():
    assert tuple(_rows("contracts.md", "Kinds")[: len(KINDS)]) == KINDS


def test_every_key_of_a_pipeline_has_a_row_and_no_row_is_stale():
    assert sorted(_rows("configuration.md", "Keys of a pipeline")) == sorted(TOP_KEYS)
    assert sorted(_rows("configuration.md", "A component's block")) == sorted(RESERVED)


def test_call_settings_have_rows_with_their_defaults():
    assert _rows("configuration.md", "`call`") == [item.name for item in fields(CallSettings)]
    for item in fields(CallSettings):
        default = "null" if item.default is None else item.default
        assert re.search(rf"^\| `{item.name}` .*\| `{default}` \|$", _text("configuration.md"), re.MULTILINE)


def test_every_budget_counter_has_a_row():
    assert tuple(_rows("configuration.md", "`budget`")) == COUNTERS


def test_the_files_of_a_run_have_rows_for_every_key():
    assert _rows("run-folder.md", "`results.jsonl`") == [item.name for item in fields(Record)]
    summary = summarise([Record("one", correct=True)], problems=1, seconds=0.0)
    assert _rows("run-folder.md", "`summary.json`") == list(summary)


def test_every_search_aggregator_and_policy_of_the_engine_has_a_section():
    registry = Registry.load()
    ours = {
        item.name
        for kind in ("search", "aggregator", "policy")
        for item in registry.of_kind(kind)
        if item.name.startswith("core/")
    }
    assert set(_headings("searches.md", 2)) == ours


@pytest.mark.parametrize("page", pages.ALL, ids=lambda page: page.relative_to(pages.ROOT).as_posix())
def test_links_lead_somewhere(page: Path):
    text = page.read_text(encoding="utf-8")
    for target, _, anchor in re.findall(r"\]\(([^)#\s]*)(#([^)]*))?\)", text):
        if target.startswith("http"):
            continue
        other = (page.parent / target).resolve() if target else page
        assert other.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in _anchors(other), f"{page.name}: {target}#{anchor}"


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", pages.RUN, ids=lambda page: page.relative_to(pages.ROOT).as_posix())
def test_no_fence_escapes_the_tests(page: Path):
    fences = re.findall(r"^\s*```", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == 2 * len(pages.blocks(page))


def test_a_stale_page_is_noticed(tmp_path: Path):
    """The negative control of the first test."""
    for name in ("make_reference.py", "reference/searches.md"):
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(
            (pages.DOCS / name)
            .read_text(encoding="utf-8")
            .replace("| `width` | int | `4` |", "| `width` | int | `5` |")
        )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "make_reference.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "searches.md: is stale" in done.stdout
