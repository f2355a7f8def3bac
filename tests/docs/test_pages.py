import re
from pathlib import Path

import pytest

from treewright_registry import Registry

from . import pages
from .acting import reader

_PLUGINS = {
    "docs/how-to/run-on-your-own-data.md": "language,math,puzzle",
    "docs/how-to/language-models.md": "language,math,puzzle",
    "docs/how-to/knowledge-bases.md": "language,math,puzzle",
}


def _named(page: Path) -> str:
    return page.relative_to(pages.ROOT).as_posix()


@pytest.mark.parametrize("page", pages.RUN, ids=_named)
def test_every_block_works_from_top_to_bottom(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # lists of known names in messages must not depend on what else is installed; sums is the tutorial's
    monkeypatch.setenv("TREEWRIGHT_PLUGINS", _PLUGINS.get(_named(page), "language,puzzle,sums"))
    with reader(tmp_path) as someone:
        for block in pages.blocks(page):
            someone.follow(block)


@pytest.mark.parametrize("page", pages.RUN, ids=_named)
def test_every_block_has_a_known_language(page: Path):
    assert pages.unknown_languages(page) == []


def test_the_example_of_the_readme_is_short():
    [example] = [block for block in pages.blocks(pages.ROOT / "README.md") if block.language == "python"]
    assert len([line for line in example.text.splitlines() if line.strip()]) <= 25


def test_the_table_of_plugins_names_nothing_that_is_not_there():
    text = (pages.ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Plugins\n")[2]
    rows = re.findall(r"^\| `([a-z]+)` \| (.*) \|$", text, re.MULTILINE)
    registered = {item.name for item in Registry.load()}
    named = [f"{plugin}/{name}" for plugin, cell in rows for name in re.findall(r"`([a-z0-9-]+)`", cell)]
    assert len(rows) >= 4
    assert [name for name in named if name not in registered] == []
