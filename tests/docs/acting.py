"""Does what a page's blocks say, in a folder of its own."""

import contextlib
import io
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from treewright.cli.main import main
from treewright.configuration import load_pipeline
from treewright_registry import Registry

from .pages import Block


class Page:
    """One reader, who follows a page from top to bottom.

    Attributes:
        folder: where the reader works.
        printed: what the last commands printed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = ""
        self._names: dict[str, Any] = {"__name__": "__page__"}

    def follow(self, block: Block) -> None:
        """Do what one block says."""
        if "file" in block.marks:
            (self.folder / block.marks["file"]).write_text(block.text, encoding="utf-8")
        if "output" in block.marks:
            assert block.text == self.printed, f"{block}: the output is now\n{self.printed}"
        elif "installs" in block.marks:
            self._install(self.folder / block.marks["installs"])
        elif "not run" in block.marks:
            assert block.marks["not run"], f"{block}: give the reason why it is not run"
        elif block.language == "python":
            self._execute(block)
        elif block.language == "yaml":
            self._check(block)
        elif block.language == "bash":
            self._type(block, block.text.splitlines())
        elif block.text.startswith("$ treewright"):  # a transcript: its figures may change
            typed = [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]
            self._type(block, typed)

    def _execute(self, block: Block) -> None:
        code = compile("\n" * block.line + block.text, str(block.page), "exec")
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, self._names)
        self.printed = out.getvalue()

    def _check(self, block: Block) -> None:
        path = self.folder / block.marks.get("file", f"block-{block.line}.yaml")
        path.write_text(block.text, encoding="utf-8")
        registry = Registry.load()
        loaded = load_pipeline(str(path), registry)
        for effort in loaded.efforts:
            load_pipeline(str(path), registry, effort=effort)

    def _type(self, block: Block, lines: list[str]) -> None:
        wanted = int(block.marks.get("exit code", 0))
        self.printed = ""
        for line in lines:
            words = shlex.split(line)
            assert words[0] == "treewright", f"{block}: '{line}' cannot be run here; mark the block"
            code, said = command(words[1:])
            self.printed += said
            assert code == wanted, f"{block}: {line}\nexit code {code}\n{said}"
        wanted_text = " ".join(block.marks.get("prints", "").split())
        assert wanted_text in " ".join(self.printed.split()), f"{block}: no '{wanted_text}' in\n{self.printed}"

    def _install(self, folder: Path) -> None:
        """Make a plugin visible as ``pip install -e`` would."""
        [package] = [path.name for path in folder.iterdir() if (path / "__init__.py").is_file()]
        name = folder.name.removeprefix("treewright-")
        info = folder / f"{package}-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {folder.name}\nVersion: 0.1.0\n")
        (info / "entry_points.txt").write_text(f"[treewright.plugins]\n{name} = {package}\n")
        sys.path.insert(0, str(folder))


def command(words: list[str]) -> tuple[int, str]:
    """Exit code and output of a command."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = main(words)
        except SystemExit as stopped:
            code = int(stopped.code or 0)
    return code, said.getvalue()


@contextlib.contextmanager
def reader(folder: Path) -> Any:
    """A reader in ``folder``; what she changes in this process is undone."""
    before, path, modules = Path.cwd(), list(sys.path), set(sys.modules)
    os.chdir(folder)
    try:
        yield Page(folder)
    finally:
        os.chdir(before)
        added = [entry for entry in sys.path if entry not in path]
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if any(file.startswith(entry) for entry in added):
                del sys.modules[name]
