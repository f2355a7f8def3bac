"""``treewright plugins new``: a plugin from the template beside this module."""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from treewright_registry import ConfigurationError

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SUFFIX = ".txt"  # templates are no Python: tools leave them alone
_TAKEN = ("core", "language")


def write_plugin(name: str, folder: Path) -> list[Path]:
    """Write a new plugin; returns the files.

    Raises:
        ConfigurationError: the name is malformed or taken, or the folder is not empty.
    """
    _check(name, folder)
    package = f"treewright_{name.replace('-', '_')}"
    words = {"{{name}}": name, "{{package}}": package}
    written = []
    for template, relative in _templates(files("treewright.cli").joinpath("template"), Path()):
        parts = [package if part == "package" else part for part in relative.parts]
        path = folder.joinpath(*parts).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(template.read_text(encoding="utf-8"), words), encoding="utf-8")
        written.append(path)
    return sorted(written)


def _check(name: str, folder: Path) -> None:
    if not _NAME.fullmatch(name):
        repair = "use lower-case words joined by '-', e.g. sudoku or word-games"
        raise ConfigurationError(f"'{name}' cannot name a plugin\n    {repair}")
    if name in _TAKEN:
        raise ConfigurationError(f"the plugin name '{name}' is taken by treewright itself")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} is there already\n    choose another place with --dir")


def _templates(folder: Traversable, path: Path) -> list[tuple[Traversable, Path]]:
    found: list[tuple[Traversable, Path]] = []
    for item in folder.iterdir():
        if item.is_dir():
            found += _templates(item, path / item.name)
        elif item.name.endswith(_SUFFIX):
            found.append((item, path / item.name))
    return found


def _filled(text: str, words: dict[str, str]) -> str:
    for placeholder, word in words.items():
        text = text.replace(placeholder, word)
    return text
