"""Who may import whom: the house of DESIGN § 1, read from the sources."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {
    "treewright_registry": ROOT / "registry",
    "treewright_knowledge": ROOT / "knowledge_bases",
    "treewright": ROOT / "core",
    "treewright_language": ROOT / "plugins/language",
    **{path.name: path.parent for path in ROOT.glob("plugins/*/treewright_*") if path.name != "treewright_language"},
}
DOMAINS = set(OURS) - {"treewright_registry", "treewright_knowledge", "treewright", "treewright_language"}
ALLOWED = {
    "treewright_registry": set(),
    "treewright_knowledge": {"treewright_registry"},
    "treewright": {"treewright_registry", "treewright_knowledge"},
    "treewright_language": {"treewright_registry", "treewright"},
    **{
        domain: {"treewright_registry", "treewright_knowledge", "treewright", "treewright_language"}
        for domain in DOMAINS
    },
}
HEAVY = {"torch", "transformers", "faiss", "rdkit", "cv2", "numpy", "pydantic", "openai"}


def imported(source: str) -> Iterator[str]:
    """Top-level names of all modules that a source file imports, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("package", OURS)
def test_package_imports_only_what_the_design_allows(package: str) -> None:
    files = list((OURS[package] / package).rglob("*.py"))
    assert files, f"{package} has no sources"
    forbidden = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        if "template" not in path.parts
        for name in imported(path.read_text(encoding="utf-8"))
        if name in OURS and name != package and name not in ALLOWED[package]
    }
    assert forbidden == set()


@pytest.mark.parametrize("package", ["treewright_registry", "treewright"])
def test_engine_and_registry_never_import_a_model_library(package: str) -> None:
    heavy = HEAVY - {"pydantic"}  # the configuration validates with pydantic, built lazily
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (OURS[package] / package).rglob("*.py")
        for name in imported(path.read_text(encoding="utf-8"))
        if name in heavy
    }
    assert found == set()


def test_the_foreign_plugin_imports_only_public_packages() -> None:
    for path in (ROOT / "tests/foreign_plugin/treewright_puzzle").rglob("*.py"):
        ours = {name for name in imported(path.read_text(encoding="utf-8")) if name.startswith("treewright")}
        assert ours <= {"treewright", "treewright_registry", "treewright_puzzle"}, path


def test_the_check_sees_a_forbidden_import() -> None:
    """The negative control."""
    assert set(imported("def f():\n    from treewright_math.x import y\n    import torch")) == {
        "treewright_math",
        "torch",
    }


@pytest.mark.parametrize("package", OURS)
def test_every_package_is_typed(package: str) -> None:
    assert (OURS[package] / package / "py.typed").is_file()
