"""Templates: by rule, and read from whatever a policy wrote."""

import pytest

from treewright_math.r2.template import Template, by_rule, parsed


def test_by_rule_numbers_and_names_are_masked_and_operations_stand_apart():
    template = by_rule("Each day, Ann sells 3 boxes to Tom. How many boxes does Ann sell in 12 days altogether?")
    assert template == Template(
        "",
        "sells boxes sell days",
        "each day x sells # boxes to x how many boxes does x sell in # days altogether",
        "each altogether",
    )
    assert template.query.startswith("sells boxes sell days each day x sells #")


def test_problems_that_differ_in_numbers_and_names_alone_have_one_template():
    assert by_rule("Then Ann has 12 more than Ben, 7.") == by_rule("Then Eva has 5 more than Max, 81.")
    assert by_rule("Then Ann has 12 more.") != by_rule("Then Ann has 12 fewer.")


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
