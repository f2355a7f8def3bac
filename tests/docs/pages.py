"""The documentation's fenced blocks, and what the comments before them say of them.

<!-- not run: REASON -->     the block is not run
<!-- file: NAME -->          the block is a file that later blocks use
<!-- exit code: N -->        what the commands of the block return
<!-- installs: FOLDER -->    the block installs the plugin in that folder
<!-- output -->              the block is what the commands before it print
<!-- prints: TEXT -->        what the commands of the block print holds this, whatever the number of blanks
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RUN = [ROOT / "README.md", DOCS / "tutorial.md", *sorted((DOCS / "how-to").glob("*.md"))]
ALL = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]

_BLOCK = re.compile(r"((?:^<!-- [^\n]* -->\n)*)^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- (not run|file|exit code|installs|output|prints)(?:: (.*?))? -->")
_LANGUAGES = {"python", "yaml", "bash", "text"}


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: Path
    line: int
    language: str
    text: str
    marks: dict[str, str]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        marks = {mark[1]: mark[2] or "" for mark in _MARK.finditer(match[1])}
        line = text.count("\n", 0, match.start(2)) + 1
        found.append(Block(page, line, match[2], match[3], marks))
    return found


def unknown_languages(page: Path) -> list[str]:
    return [f"{block}: '{block.language}'" for block in blocks(page) if block.language not in _LANGUAGES]
