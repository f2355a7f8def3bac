"""A broken plugin never takes another down, and is listed with cause and repair."""

import json

import pytest

from tests.cli.process import treewright
from tests.plugins_broken.distributions import install_all

ALL = "good,absent,future,misspelt,raising"


@pytest.fixture
def installed(tmp_path):
    install_all(tmp_path)
    return tmp_path


def test_the_good_plugin_is_listed_beside_four_broken_ones(installed):
    done = treewright("plugins", "list", "--kind", "policy", cwd=installed, paths=[installed], plugins=ALL)
    assert done.stdout == (
        "policies\n  core/budget-forcing  makes a thinking model think longer, or stop\n"
        "  good/one             a policy that works\n\n4 plugins are broken; see: treewright plugins list --broken\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_each_broken_plugin_is_listed_with_cause_and_repair(installed):
    done = treewright("plugins", "list", "--broken", cwd=installed, paths=[installed], plugins=ALL)
    assert (
        done.stdout
        == """\
BROKEN absent  treewright-absent 0.3  (import)
    ModuleNotFoundError: No module named 'a_module_that_is_not_there'
    repair: install the module 'a_module_that_is_not_there', or reinstall treewright-absent
BROKEN future  treewright-future 0.3  (api)
    written for API 2, this is API 1
    repair: install the plugin's release for this API, or the treewright release for that one
BROKEN misspelt  treewright-misspelt 0.3  (validate)
    PluginValidationError: Plugin 'misspelt' for hook 'treewright_register'
    hookimpl definition: treewright_register(regsitry)
    Argument(s) {'regsitry'} are declared in the hookimpl but can not be found in the hookspec
    repair: correct the hook's name or arguments: treewright_register(registry)
BROKEN raising  treewright-raising 0.3  (register)
    ValueError: no luck
    repair: report it to the author of treewright-raising 0.3, or uninstall it
"""
    )


def test_the_half_registered_component_of_a_broken_plugin_is_not_there(installed):
    done = treewright("plugins", "list", "--json", cwd=installed, paths=[installed], plugins=ALL)
    listing = json.loads(done.stdout)
    policies = [item["name"] for item in listing["components"] if item["kind"] == "policy"]
    assert policies == ["core/budget-forcing", "good/one"]
    assert [item["plugin"] for item in listing["broken"]] == ["absent", "future", "misspelt", "raising"]


def test_a_configuration_that_names_a_broken_plugin_says_so(installed):
    (installed / "p.yaml").write_text("policy: {use: absent/one}\n")
    done = treewright("config", "check", "p.yaml", cwd=installed, paths=[installed], plugins=ALL)
    assert done.returncode == 2
    assert (
        "p.yaml:1:15: policy 'absent/one' belongs to plugin 'absent', which failed to load (import)\n"
        "    ModuleNotFoundError: No module named 'a_module_that_is_not_there'\n"
        "    details: treewright plugins list --broken\n"
    ) in done.stderr


def test_checking_a_broken_plugin_gives_its_cause_and_exit_code_1(installed):
    done = treewright("plugins", "check", "future", cwd=installed, paths=[installed], plugins=ALL)
    assert done.returncode == 1
    assert "FAILED   plugin:future::check_loads" in done.stdout
    assert "written for API 2, this is API 1" in done.stdout


def test_a_selected_plugin_that_is_not_there_is_named_in_the_listing(installed):
    done = treewright("plugins", "list", cwd=installed, paths=[installed], plugins="puzzel")
    assert done.stdout.splitlines()[-1] == "TREEWRIGHT_PLUGINS names 'puzzel', and no such plugin is installed"
