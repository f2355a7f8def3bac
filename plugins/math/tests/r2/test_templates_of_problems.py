"""Templates read from whatever a policy wrote."""

import pytest

from treewright_math.r2.template import Template, parsed

WHOLE = Template("rate problem", "speed distance", "two trains", "add the speeds")


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ('{"problem_type": "rate problem", "key_terms": ["speed", "distance"], "conditions": "two trains",'
         ' "strategy": "add the speeds"}', WHOLE),
        ('Sure!\n```json\n{"Problem Type": "rate problem",\n "key-terms": {"a": "speed", "b": ["distance"]},'
         ' "conditions": ["two", "trains"], "strategy": "add   the\\nspeeds", "more": 3}\n``` Done {', WHOLE),
        ("**Problem type:** rate problem\n- Key terms: speed distance\nConditions: two trains\n"
         "Strategy: add the speeds", WHOLE),
        ('{"n": 1} {"strategy": "add"}', Template("", "", "", "add")),
        ("Strategy: add", Template("", "", "", "add")),
        ("The answer is 7.", None),
        ("", None),
        ('{"strategy": 7}', None),
        ('{"problem_type": "rate problem",\n "strategy": "add the', Template("rate problem", "", "", "add the")),
    ],
)  # fmt: skip
def test_templates_are_read_leniently(text, template):
    assert parsed(text) == template


@pytest.mark.parametrize("text", ["{" * 100_000, '{"strategy":' * 10_000, "strategy: " * 10_000, "[" * 100_000])
def test_hostile_texts_are_cut_and_harm_nothing(text):
    template = parsed(text)
    assert template is None or len(template.query) <= 2000
