"""What is said of mistakes in naming components: the full text of each."""

import pytest

from tests.configuration.parts import GOOD, complaint

CASES = {
    "unknown component": (
        GOOD.replace("toy/rules", "toy/ruls"),
        (),
        """\
p.yaml:3:15: scorer 'toy/ruls' is not registered
    did you mean 'toy/rules'?
    known scorers: toy/judge, toy/outcome, toy/rules""",
    ),
    "component of absent plugin": (
        GOOD.replace("toy/rules", "chemistry/validity"),
        (),
        """\
p.yaml:3:15: scorer 'chemistry/validity' belongs to plugin 'chemistry', which is not installed
    install it: pip install . ./plugins/chemistry   (from the repository root)""",
    ),
    "component of another kind": (
        GOOD.replace("toy/rules", "toy/fill"),
        (),
        """\
p.yaml:3:15: scorer 'toy/fill' is not registered
    'toy/fill' is a policy, not a scorer
    known scorers: toy/judge, toy/outcome, toy/rules""",
    ),
    "no task no search": (
        "policy: {use: toy/fill}\n",
        (),
        """\
p.yaml:1:1: the pipeline has no task
    add  task: {use: plugin/name}   or  --set task.use=plugin/name
    known tasks: toy/lines, toy/loose, toy/toy
p.yaml:1:1: the pipeline has no search
    add  search: {use: plugin/name}   or  --set search.use=plugin/name
    known searches: core/beam, core/draft, core/endless, core/outcomes""",
    ),
    "block is text": (
        GOOD.replace("{use: core/beam}", "core/beam"),
        (),
        """\
p.yaml:4:9: 'search' must be a block, not text 'core/beam'
    write  search: {use: plugin/name, option: value}""",
    ),
    "block without use": (
        GOOD.replace("{use: core/beam}", "{width: 3}"),
        (),
        """\
p.yaml:4:10: the block 'search' names no component ('use' is missing)
    write  search: {use: plugin/name, option: value}""",
    ),
    "import fails": (
        GOOD.replace("toy/fill", "toy/absent"),
        (),
        """\
p.yaml:2:15: policy 'toy/absent' cannot be imported
    ModuleNotFoundError: No module named 'a_module_that_is_not_there'
    install the module 'a_module_that_is_not_there', or reinstall a_module_that_is_not_there:Policy""",
    ),
    "class absent": (
        GOOD.replace("toy/fill", "toy/no-class"),
        (),
        """\
p.yaml:2:15: policy 'toy/no-class' cannot be imported
    AttributeError: module 'json' has no attribute 'NoSuchClass'
    report it to the author of json:NoSuchClass""",
    ),
    "positional constructor": (
        GOOD.replace("toy/fill", "toy/positional"),
        (),
        """\
p.yaml:2:15: policy 'toy/positional' has a constructor that cannot be configured
    parameter 'width' is not keyword-only; put '*' before it
    report it to the author of tests.configuration.parts:Positional""",
    ),
    "strange type": (
        GOOD.replace("toy/fill", "toy/strange"),
        (),
        """\
p.yaml:2:15: policy 'toy/strange' has a constructor that cannot be configured
    parameter 'thing': type Fill | null cannot be read from YAML
    report it to the author of tests.configuration.parts:Strange""",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_in_naming_is_explained(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, settings, expected = CASES[name]
    assert complaint(text, settings) == expected
