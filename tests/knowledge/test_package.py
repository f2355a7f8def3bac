"""The package as a whole: light to import, its public names sorted and there."""

import subprocess
import sys

import pytest

import treewright_knowledge
from tests.cli.process import environment
from treewright_knowledge import KnowledgeStore, libraries
from treewright_registry import ConfigurationError


def test_importing_the_package_loads_no_heavy_library(tmp_path):
    program = "import sys, treewright_knowledge; print([n for n in ('numpy', 'faiss') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment([], None),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_public_names_are_sorted_and_exist():
    names = treewright_knowledge.__all__
    assert names == sorted(names, key=lambda name: (not name.isupper(), name))  # constants first
    assert [name for name in names if not hasattr(treewright_knowledge, name)] == []


def test_without_its_libraries_a_store_says_what_to_install(tmp_path, monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.setattr(libraries.importlib, "import_module", absent)
    with pytest.raises(ConfigurationError) as error:
        KnowledgeStore.open(tmp_path)
    assert str(error.value) == (
        "knowledge bases need numpy, which is not installed\n    install it: pip install 'treewright[knowledge]'"
    )


@pytest.mark.parametrize("arguments", [["--help"], ["build", "--help"], ["search", "--help"]], ids=" ".join)
def test_asking_for_help_loads_no_heavy_library(arguments, tmp_path):
    program = (
        "import sys\nfrom treewright.cli.main import main\n"
        "try: main(['kb', *sys.argv[1:]])\n"
        "except SystemExit as ended: code = ended.code\n"
        "heavy = [n for n in ('numpy', 'faiss', 'yaml', 'pydantic', 'rich') if n in sys.modules]\n"
        "print('LOADED', code, heavy)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tmp_path,
        env=environment([], None),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "LOADED 0 []"
