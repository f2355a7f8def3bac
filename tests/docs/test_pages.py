from pathlib import Path

import pytest

from . import pages
from .acting import reader


def _named(page: Path) -> str:
    return page.relative_to(pages.ROOT).as_posix()


@pytest.mark.parametrize("page", pages.RUN, ids=_named)
def test_every_block_works_from_top_to_bottom(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # lists of known names in messages must not depend on what else is installed; sums is the tutorial's
    monkeypatch.setenv("TREEWRIGHT_PLUGINS", "language,puzzle,sums")
    with reader(tmp_path) as someone:
        for block in pages.blocks(page):
            someone.follow(block)


@pytest.mark.parametrize("page", pages.RUN, ids=_named)
def test_every_block_has_a_known_language(page: Path):
    assert pages.unknown_languages(page) == []
