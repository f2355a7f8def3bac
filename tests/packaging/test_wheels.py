"""What is built is what runs: wheels hold code, types, data and pipelines, and no tests."""

import email
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECTS = [
    ROOT,
    *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml")),
    ROOT / "tests/foreign_plugin",
]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One wheel for each distribution, by its name, built offline."""
    folder = tmp_path_factory.mktemp("wheels")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder)]
    subprocess.run([*PIP, "wheel", *options, *map(str, PROJECTS)], check=True, timeout=300)
    return {path.name.partition("-")[0]: path for path in folder.glob("*.whl")}


def contents(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.installs
def test_root_wheel_holds_the_four_packages_their_types_and_pipelines(wheels: dict[str, Path]) -> None:
    names = contents(wheels["treewright"])
    for package in ("treewright", "treewright_registry", "treewright_knowledge", "treewright_language"):
        assert f"{package}/__init__.py" in names
        assert f"{package}/py.typed" in names
    assert "treewright/pipelines/best-of-n.yaml" in names
    assert any(name.startswith("treewright/cli/template/") for name in names)


@pytest.mark.installs
def test_installing_the_engine_brings_no_heavy_library(wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels["treewright"]) as wheel:
        [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(wheel.read(name))
    requirements = [text for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text]
    names = sorted(re.split(r"[^A-Za-z0-9._-]", text)[0].lower() for text in requirements)
    # exact, so that whoever adds one has to say so here
    assert names == ["pluggy", "pydantic", "pyyaml", "rich"]


@pytest.mark.installs
def test_no_wheel_holds_tests_or_caches(wheels: dict[str, Path]) -> None:
    assert len(wheels) == len(PROJECTS)
    for wheel in wheels.values():
        strays = [name for name in contents(wheel) if "/tests/" in name or "__pycache__" in name]
        assert [name for name in strays if "template" not in name] == []


@pytest.mark.installs
def test_every_data_file_of_a_plugin_is_in_its_wheel(wheels: dict[str, Path]) -> None:
    for project in PROJECTS[1:]:
        package = next(project.glob("treewright_*"))
        kept = subprocess.run(
            ["git", "-C", str(ROOT), "ls-files", str(package)], capture_output=True, text=True, check=True
        ).stdout.split()
        expected = {str(Path(ROOT / name).relative_to(project)) for name in kept}
        missing = expected - contents(wheels[f"treewright_{project_name(project)}"])
        assert missing == set()


def project_name(project: Path) -> str:
    return {"foreign_plugin": "puzzle"}.get(project.name, project.name)


@pytest.mark.installs
def test_engine_and_one_domain_run_from_their_wheels(wheels: dict[str, Path], tmp_path: Path) -> None:
    place = tmp_path / "installed"
    chosen = [str(wheels["treewright"]), str(wheels["treewright_puzzle"])]
    subprocess.run(
        [*PIP, "install", "--no-deps", "--no-index", "--target", str(place), *chosen], check=True, timeout=300
    )
    environment = {**os.environ, "PYTHONPATH": str(place), "TREEWRIGHT_PLUGINS": "puzzle"}

    def python(*arguments: str) -> str:
        command = [sys.executable, "-P", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        return done.stdout

    assert python("-c", "import treewright; print(treewright.__file__)").startswith(str(place))
    assert "puzzle/countdown" in python("-m", "treewright", "plugins", "list")
    python("-m", "treewright", "run", "puzzle/beam", "--limit", "3", "--out", "run")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["n"], summary["failures"]) == (3, 0)
