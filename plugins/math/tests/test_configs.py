"""The files in ``configs``: good as they stand, and alike but for the models."""

from pathlib import Path

import pytest

from treewright import load_pipeline
from treewright.cli.main import main

FOLDER = Path(__file__).parents[3] / "configs"
FILES = sorted(FOLDER.glob("*.yaml"))
BOTH = [name.removesuffix("-local.yaml") for name in (file.name for file in FILES) if name.endswith("-local.yaml")]


def test_there_are_files_and_the_table_names_all_of_them():
    named = (FOLDER / "README.md").read_text()
    assert len(FILES) == 10
    for file in FILES:
        assert file.name in named or file.name.replace("-endpoint", "-local") in named


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_config_check_finds_nothing_wrong(file, capsys):
    assert main(["config", "check", str(file)]) == 0
    assert " is good" in capsys.readouterr().out


@pytest.mark.parametrize("name", BOTH)
def test_for_an_endpoint_only_policies_and_their_temperature_change(name):
    local, endpoint = (load_pipeline(FOLDER / f"{name}-{kind}.yaml").spec for kind in ("local", "endpoint"))
    assert local.search.name == endpoint.search.name
    assert local.budget == endpoint.budget
    changed = {role for role, block in local.roles.items() if block.name != endpoint.roles[role].name}
    assert changed == {role for role in local.roles if local.roles[role].name == "language/transformers"}
    for role in local.roles.keys() - changed:
        assert local.roles[role].options == endpoint.roles[role].options
    options = [{**each.search.options, "temperature": None} for each in (local, endpoint)]
    assert options[0] == options[1]
