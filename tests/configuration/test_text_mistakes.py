"""What is said of mistakes in the YAML text itself: the full text of each."""
# ruff: noqa: E501  messages stand here as they are printed

import pytest

from tests.configuration.parts import GOOD, complaint

CASES = {
    "duplicate key": (
        GOOD + "seed: 1\nseed: 2\n",
        (),
        """\
p.yaml:6:1: 'seed' is written twice
    first at p.yaml:5:1; remove one""",
    ),
    "bad yaml": (
        "task: [1, 2\n",
        (),
        """\
p.yaml:2:1: is not valid YAML: expected ',' or ']', but got '<stream end>', while parsing a flow sequence""",
    ),
    "tab": (
        "task:\n\tuse: x\n",
        (),
        "p.yaml:2:1: is not valid YAML: found character '\\t' that cannot start any token, while scanning for the next token",
    ),
    "control character": (
        "task: \x07\n",
        (),
        """\
p.yaml:1:7: is not valid YAML: the character U+0007 is not allowed""",
    ),
    "empty": (
        "",
        (),
        """\
p.yaml: is empty
    a pipeline names at least task, policy and search""",
    ),
    "not a mapping": (
        "- a\n",
        (),
        """\
p.yaml:1:1: is not a mapping
    write 'key: value' lines""",
    ),
    "two documents": (
        "a: 1\n---\nb: 2\n",
        (),
        """\
p.yaml:2:1: is not valid YAML: but found another document, expected a single document in the stream""",
    ),
    "tag": (
        GOOD + "seed: !!python/object:os.system 3\n",
        (),
        """\
p.yaml:5:7: tag 'tag:yaml.org,2002:python/object:os.system' is not allowed
    write plain YAML values
p.yaml:5:7: 'seed' must be a whole number from -9223372036854775807 to 9223372036854775807, not text '3'""",
    ),
    "key not text": (
        GOOD + "1: 2\n",
        (),
        """\
p.yaml:5:1: a key must be text
    put it in quotes""",
    ),
    "alias in itself": (
        GOOD + "summary: &a [*a]\n",
        (),
        """\
p.yaml:5:10: an alias stands inside the value that it names
p.yaml:5:10: 'summary' must be text, not a list""",
    ),
    "alias bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
        (),
        """\
p.yaml: holds more than 50,000 values once aliases are followed
    keep data in files of their own and name their path""",
    ),
    "too deep": (
        "a: " + "[" * 100 + "\n",
        (),
        """\
p.yaml:1:67: is not valid YAML: nested more than 64 levels deep""",
    ),
    "huge integer": (
        GOOD + "seed: " + "9" * 5000 + "\n",
        (),
        """\
p.yaml:5:7: not a number that can be read: 5,000 characters""",
    ),
    "extends unknown": (
        "extends: toy/base\n",
        (),
        """\
p.yaml:1:10: pipeline 'toy/base' is not registered
    known pipelines: none""",
    ),
    "extends absent file": (
        "extends: base.yaml\n",
        (),
        """\
p.yaml:1:10: there is no file 'base.yaml'
    YAML files there: p.yaml""",
    ),
    "extends itself": (
        "extends: p.yaml\n",
        (),
        """\
p.yaml:1:10: pipelines extend each other in a circle: p.yaml → p.yaml""",
    ),
    "extends a list": (
        "extends: [a, b]\n",
        (),
        """\
p.yaml:1:10: 'extends' must name one pipeline or one YAML file""",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_in_the_text_is_explained(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, settings, expected = CASES[name]
    assert complaint(text, settings) == expected
