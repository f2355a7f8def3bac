"""What is said of mistakes in roles and capabilities: the full text of each."""
# ruff: noqa: E501  messages stand here as they are printed

import pytest

from tests.configuration.parts import GOOD, complaint

CASES = {
    "role absent": (
        GOOD.replace("scorer: {use: toy/rules}\n", ""),
        (),
        """\
p.yaml:3:15: search 'core/beam' needs a scorer in role 'scorer', and the pipeline has none (it must be able to: partial)
    add  scorer: {use: plugin/name}
    scorers that can: toy/rules""",
    ),
    "role under another name": (
        GOOD.replace("{use: toy/rules}", "{judge: {use: toy/rules}}"),
        (),
        """\
p.yaml:4:15: search 'core/beam' needs a scorer in role 'scorer', and the pipeline has none (it must be able to: partial)
    to use role 'judge' for it, write  roles: {scorer: judge}
    add  scorer: {use: plugin/name}
    scorers that can: toy/rules""",
    ),
    "capability lacking": (
        GOOD.replace("toy/rules", "toy/outcome"),
        (),
        """\
p.yaml:4:15: search 'core/beam' needs role 'scorer' to be able to 'partial', which toy/outcome cannot
    scorers that can: toy/rules""",
    ),
    "two roles one incapable": (
        GOOD.replace("core/beam", "core/draft").replace(
            "policy: {use: toy/fill}", "policy:\n  draft: {use: toy/fill}\n  target: {use: toy/fill}"
        ),
        (),
        """\
p.yaml:6:15: search 'core/draft' needs role 'target' to be able to 'log_likelihood', which toy/fill cannot
    policies that can: toy/likely""",
    ),
    "composite role absent": (
        GOOD.replace("{use: toy/rules}", "{scorer: {use: toy/rules}, main: {use: toy/judge}}"),
        (),
        """\
p.yaml:3:48: scorer 'toy/judge' needs a policy in role 'judge', and the pipeline has none
    to use role 'policy' for it, write  roles: {judge: policy}
    add  policy: {judge: {use: plugin/name}}
    known policies: toy/absent, toy/borrowing, toy/fill, toy/large, toy/likely, toy/no-class, toy/positional, toy/remote, toy/strange""",
    ),
    "expected kind absent": (
        GOOD.replace("{use: toy/fill}", "{use: toy/borrowing, width: 9}"),
        (),
        """\
p.yaml:2:15: policy 'toy/borrowing' needs a retriever in role 'retriever', and the pipeline has none
    add  retriever: {use: plugin/name}
    known retrievers: toy/records""",
    ),
    "role of another kind": (
        GOOD.replace("{use: toy/rules}", "{scorer: {use: toy/rules}, main: {use: toy/judge, roles: {judge: scorer}}}"),
        (),
        """\
p.yaml:3:48: scorer 'toy/judge' needs a policy in role 'scorer', and the pipeline has a scorer there
    write  roles: {judge: policy}  in block 'scorer.main'""",
    ),
    "unknown own role": (
        GOOD.replace("core/beam", "core/beam, roles: {polcy: policy}"),
        (),
        """\
p.yaml:4:34: core/beam uses no role 'polcy'
    its roles: policy, scorer""",
    ),
    "misspelt optional role": (
        GOOD.replace("{use: toy/rules}", "{scorrer: {use: toy/rules}}").replace("core/beam", "core/outcomes"),
        (),
        """\
p.yaml:3:25: nothing uses the scorer in role 'scorrer'; did you mean 'scorer'?
    roles that are used: policy, scorer""",
    ),
    "role filled twice": (
        GOOD.replace("{use: toy/rules}", "{policy: {use: toy/rules}}"),
        (),
        """\
p.yaml:3:10: the role 'policy' is filled twice, by a policy and a scorer
    give each role a name of its own
p.yaml:4:15: search 'core/beam' needs a scorer in role 'scorer', and the pipeline has none (it must be able to: partial)
    add  scorer: {use: plugin/name}
    scorers that can: toy/rules""",
    ),
    "bad role name": (
        GOOD.replace("{use: toy/rules}", "{scorer: {use: toy/rules}, 'a.b': {use: toy/rules}}"),
        (),
        """\
p.yaml:3:36: role name 'a.b' must be lower-case letters, digits, '_' or '-'""",
    ),
    "budget of unknown role": (
        GOOD + "budget: {polcy.calls: 3}\n",
        (),
        """\
p.yaml:5:10: budget of an unknown role 'polcy'
    did you mean 'policy'?
    known roles: policy, scorer""",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_in_roles_is_explained(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, settings, expected = CASES[name]
    assert complaint(text, settings) == expected
