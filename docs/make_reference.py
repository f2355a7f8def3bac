"""Fill the generated blocks of the documentation from the code.

    python docs/make_reference.py            write them
    python docs/make_reference.py --check    say which pages are stale; exit code 1 if any is

A block stands between two comments and says what it holds:

    <!-- generated: names Policy Scorer -->      public names of the contracts, with signatures
    <!-- generated: hooks -->                    the plugin hooks
    <!-- generated: options core/beam -->        the options of a component
    <!-- generated: commands -->                 every command of the command line
    <!-- generated: scaffold sums __init__.py -->    a file that ``plugins new sums`` writes
    <!-- end -->

Nothing here depends on the Python version's way of printing: signatures are taken from the source,
and options from the parser's own table.
"""

import argparse
import ast
import inspect
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import treewright_registry
from treewright.cli.main import parser as command_parser
from treewright.cli.scaffold import write_plugin
from treewright.configuration.signature import options_of
from treewright_registry import Registry, hooks

HERE = Path(__file__).parent
BLOCK = re.compile(r"(<!-- generated: (\w+) ?([^>]*?) -->\n).*?(<!-- end -->)", re.DOTALL)
_SECTIONS = ("Args", "Attributes", "Class or instance attributes", "Raises", "Returns")


# -- contracts ------------------------------------------------------------------------------------


def names(*wanted: str) -> str:
    """Sections of public names of the contracts."""
    found = _definitions()
    return "\n".join(_section(name, found[name]) for name in wanted)


def hook_specifications() -> str:
    """Sections of the hooks, with exact signatures."""
    tree = ast.parse(inspect.getsource(hooks))
    parts = [
        f"### `{node.name}`\n\n```python\n{_signature(node)}\n```\n\n{_prose(ast.get_docstring(node))}\n"
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    ]
    return "\n".join(parts)


def _definitions() -> dict[str, ast.stmt]:
    """Public name → where its module defines it."""
    folder = Path(treewright_registry.__file__).parent
    found: dict[str, ast.stmt] = {}
    for path in sorted(folder.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for name in _defined(node):
                found[name] = node
    return found


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def _section(name: str, node: ast.stmt) -> str:
    if isinstance(node, ast.ClassDef):
        code, text = _stub(node), _prose(ast.get_docstring(node))
    elif isinstance(node, ast.FunctionDef):
        code, text = _signature(node), _prose(ast.get_docstring(node))
    else:
        code, text = ast.unparse(node), ""
    return (
        f"### `{name}`\n\n{text}\n\n```python\n{code}\n```\n" if text else f"### `{name}`\n\n```python\n{code}\n```\n"
    )


def _stub(node: ast.ClassDef) -> str:
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    lines = [f"@{ast.unparse(item)}" for item in node.decorator_list if "dataclass" in ast.unparse(item)]
    lines.append(f"class {node.name}({bases}):" if bases else f"class {node.name}:")
    for child in node.body:
        if isinstance(child, ast.AnnAssign) and not ast.unparse(child.target).startswith("_"):
            lines.append(f"    {ast.unparse(child)}")
        if isinstance(child, ast.Assign) and not _defined(child)[0].startswith("_"):
            lines.append(f"    {ast.unparse(child)}")
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and _public(child):
            lines += _method(child)
    return "\n".join(lines) if len(lines) > 1 and not lines[-1].startswith("class") else f"{lines[-1]} ..."


def _public(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return node.name in ("__init__", "__call__") or not node.name.startswith("_")


def _method(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    yield ""
    for item in node.decorator_list:
        yield f"    @{ast.unparse(item)}"
    yield from (f"    {line}" for line in _signature(node).splitlines())
    summary = (ast.get_docstring(node) or "").split("\n\n")[0]
    if summary:
        yield f"        # {' '.join(summary.split())}"


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"{word} {node.name}({ast.unparse(node.args)}){returns}"
    if len(line) <= 96:
        return line
    arguments = _split(ast.unparse(node.args))
    return f"{word} {node.name}(\n    " + ",\n    ".join(arguments) + f",\n){returns}"


def _split(arguments: str) -> list[str]:
    """Arguments at the commas that stand outside of brackets."""
    parts, depth = [""], 0
    for letter in arguments:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _prose(documentation: str | None) -> str:
    """A docstring as Markdown: sections become lists, double backticks single ones."""
    blocks = (documentation or "").replace("``", "`").split("\n\n")
    return "\n\n".join(_block(block) for block in blocks).strip()


def _block(block: str) -> str:
    head, _, rest = block.partition("\n")
    if head.removesuffix(":") not in _SECTIONS or not head.endswith(":"):
        return block if block.startswith(("    ", "\n")) else "\n".join(line.strip() for line in block.splitlines())
    return f"{head}\n\n" + "\n".join(f"- {_entry(name, text)}" for name, text in _entries(rest))


def _entry(name: str, text: str) -> str:
    return f"`{name}`: {text}" if name else text


def _entries(text: str) -> list[tuple[str, str]]:
    """The ``name: text`` entries of a docstring's section, continuation lines joined."""
    lines = inspect.cleandoc(text).splitlines()
    entries: list[tuple[str, str]] = []
    for line in lines:
        name, colon, rest = line.partition(": ")
        if not line.startswith(" ") and colon and re.fullmatch(r"[\w, ]+", name):
            entries.append((name, rest))
        elif entries:
            entries[-1] = (entries[-1][0], f"{entries[-1][1]} {line.strip()}")
        else:
            entries.append(("", line.strip()))
    return entries


# -- components -----------------------------------------------------------------------------------


def options(name: str) -> str:
    """A table of the options of a component, meanings from its class's docstring."""
    [descriptor] = [item for item in Registry.load().named(name) if item.kind != "pipeline"]
    component = descriptor.load()
    meanings = _meanings(component)
    rows = []
    for option in options_of(component).values():
        cells = (_cell(option.type_name), _default(option), _cell(meanings.get(option.name, "")))
        rows.append(f"| `{option.name}` | {' | '.join(cells)} |")
    if not rows:
        return "It has no options.\n"
    return "\n".join(["| option | type | default | meaning |", "|---|---|---|---|", *rows, ""])


def _meanings(component: type[Any]) -> dict[str, str]:
    documentation = (inspect.getdoc(component) or "").replace("``", "`")
    _, _, section = documentation.partition("Args:\n")
    found = {}
    for name, text in _entries(section.split("\n\n")[0]) if section else ():
        for single in name.split(", "):
            found[single] = text
    return found


def _default(option: Any) -> str:
    if option.required:
        return "required"
    value = option.default
    if value is None or isinstance(value, bool):  # not by equality: 1 == True
        return f"`{json.dumps(value)}`"
    return f"`{value:.6g}`" if isinstance(value, float) else f"`{value!s}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# -- command line ---------------------------------------------------------------------------------


def commands() -> str:
    """Every command with its arguments, as the parser knows them."""
    return "\n".join(_command(*item) for item in _parsers(command_parser(), ""))


def _parsers(parser: argparse.ArgumentParser, summary: str) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    yield parser, summary
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, child in action.choices.items():
                yield from _parsers(child, helps.get(name, ""))


def _command(parser: argparse.ArgumentParser, summary: str) -> str:
    text = parser.description or summary
    parts = [f"## `{parser.prog}`", "", text[:1].upper() + text[1:].rstrip(".") + ".", ""]
    rows = [_row(action) for action in parser._actions if _shown(action, parser)]
    if rows:
        parts += ["| argument | meaning |", "|---|---|", *rows, ""]
    if parser.epilog:
        parts += ["```text", parser.epilog.rstrip(), "```", ""]
    return "\n".join(parts)


def _shown(action: argparse.Action, parser: argparse.ArgumentParser) -> bool:
    """Help is everywhere and needs no row; ``--debug`` stands with the program itself."""
    common = action.dest == "debug" and " " in parser.prog
    return not isinstance(action, argparse._HelpAction) and not common


def _row(action: argparse.Action) -> str:
    if isinstance(action, argparse._SubParsersAction):
        return f"| `{action.metavar}` | one of: {', '.join(f'`{name}`' for name in action.choices)} |"
    value = str(action.metavar or ("" if action.nargs == 0 else action.dest.upper()))
    if action.choices is not None:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    if not action.option_strings:
        shown = str(action.metavar or action.dest)
        shown = f"[{shown}]" if action.nargs == "?" else shown
    else:
        shown = f"{', '.join(action.option_strings)} {value}".strip()
    required = "; required" if action.required and action.option_strings else ""
    return f"| `{_cell(shown)}` | {_cell(action.help or '')}{required} |"


# -- files of the scaffold ------------------------------------------------------------------------


def scaffold(name: str, path: str) -> str:
    """A file that ``treewright plugins new NAME`` writes, included rather than retyped."""
    with tempfile.TemporaryDirectory() as folder:
        written = {file.relative_to(folder).as_posix(): file for file in write_plugin(name, Path(folder))}
        text = written[path].read_text(encoding="utf-8").rstrip()
    language = {"py": "python", "yaml": "yaml", "toml": "toml"}[path.rpartition(".")[2]]
    mark = "<!-- not run: belongs to a plugin that is installed below -->\n" if language == "yaml" else ""
    return f"{mark}```{language}\n{text}\n```\n"


# -- pages ----------------------------------------------------------------------------------------

MAKERS: dict[str, Callable[..., str]] = {
    "names": names,
    "hooks": hook_specifications,
    "options": options,
    "commands": commands,
    "scaffold": scaffold,
}


def filled(page: str) -> str:
    """A page's text with all its blocks made anew."""

    def block(match: re.Match[str]) -> str:
        return f"{match[1]}\n{MAKERS[match[2]](*match[3].split())}\n{match[4]}"

    return BLOCK.sub(block, page)


def stale(write: bool = False) -> list[Path]:
    """The pages whose blocks differ from the code; they are written if that is wanted."""
    found = []
    for path in sorted(HERE.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        fresh = filled(text)
        if fresh != text:
            found.append(path)
            if write:
                path.write_text(fresh, encoding="utf-8")
    return found


def main() -> int:
    """Write or check; returns the exit code."""
    arguments = argparse.ArgumentParser(description="Fill the generated blocks of the documentation.")
    arguments.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a page is stale")
    check = arguments.parse_args().check
    pages = stale(write=not check)
    for path in pages:
        print(f"{path}: {'is stale; run  python docs/make_reference.py' if check else 'written'}")
    return 1 if check and pages else 0


if __name__ == "__main__":
    sys.exit(main())
