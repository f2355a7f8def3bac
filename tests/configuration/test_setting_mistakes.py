"""What is said of mistakes in --set and effort levels: the full text of each."""
# ruff: noqa: E501  messages stand here as they are printed

import pytest

from tests.configuration.parts import GOOD, complaint

CASES = {
    "effort unknown level": (
        GOOD + "effort: {hihg: {search.width: 3}}\n",
        (),
        """\
p.yaml:5:10: unknown effort level 'hihg'
    did you mean 'high'?
    known levels: low, medium, high""",
    ),
    "set unknown option": (
        GOOD,
        ("search.wdth=3",),
        """\
--set search.wdth=3: core/beam: unknown option 'wdth'; did you mean 'width'? (int = 4)""",
    ),
    "set unknown key": (
        GOOD,
        ("serch.width=3",),
        """\
--set serch.width=3: unknown key 'serch'
    did you mean 'search'?
    known keys: extends, name, summary, task, policy, scorer, retriever, search, aggregator, budget, seed, live, effort, versions""",
    ),
    "set mistyped": (
        GOOD,
        ("search.width=many",),
        """\
--set search.width=many: core/beam: option 'width' must be int, not text 'many'""",
    ),
    "set below scalar": (
        GOOD + "seed: 3\n",
        ("seed.x=3",),
        """\
--set seed.x=3: 'seed' is 3, so there is no 'seed.x'""",
    ),
    "set without equals": (
        GOOD,
        ("search.width",),
        """\
--set search.width: must look like  --set search.width=4""",
    ),
    "set bad yaml": (
        GOOD,
        ("search.width=[1",),
        """\
--set search.width=[1: is not valid YAML: expected ',' or ']', but got '<stream end>', while parsing a flow sequence""",
    ),
    "set unknown component": (
        GOOD,
        ("policy.use=toy/fil",),
        """\
--set policy.use=toy/fil: policy 'toy/fil' is not registered
    did you mean 'toy/fill'?
    known policies: toy/absent, toy/borrowing, toy/fill, toy/large, toy/likely, toy/no-class, toy/positional, toy/remote, toy/strange""",
    ),
    "set unknown role": (
        GOOD.replace("policy: {use: toy/fill}", "policy: {policy: {use: toy/fill}}"),
        ("policy.polcy.width=3",),
        """\
--set policy.polcy.width=3: the block 'policy.polcy' names no component ('use' is missing)
    did you mean 'policy'?""",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_in_set_is_explained(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, settings, expected = CASES[name]
    assert complaint(text, settings) == expected
