"""What a good pipeline file becomes."""

from pathlib import Path

import pytest
import yaml

from tests.configuration.parts import GOOD, complaint, registry
from treewright.configuration import differences, load_component, load_pipeline, pipeline_schema, text_setting
from treewright.configuration.yaml_core import dump
from treewright.pipeline import CallSettings
from treewright_registry import ConfigurationError


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def load(text, *settings, effort=None):
    Path("p.yaml").write_text(text, encoding="utf-8")
    return load_pipeline("p.yaml", registry(), overrides=settings, effort=effort)


def test_defaults_are_filled_in():
    spec = load(GOOD).spec
    assert spec.roles["policy"].options == {"width": 8, "temperature": 1.0, "marks": ()}
    assert spec.aggregator.name == "core/best"
    assert spec.task.call == CallSettings(batch=64, concurrency=32, deadline=None, retries=2)
    assert (spec.seed, spec.live, spec.budget, spec.source) == (0, 4, {}, "p.yaml")


@pytest.mark.parametrize(
    ("text", "live"),
    [
        (GOOD, 4),
        (GOOD.replace("toy/fill", "toy/fill, call: {batch: 1}"), 4),
        (
            GOOD.replace(
                "{use: toy/rules}", "{scorer: {use: toy/rules}, main: {use: toy/judge, roles: {judge: policy}}}"
            ),
            4,
        ),
        (GOOD.replace("toy/fill", "toy/fill, call: {batch: 16}"), 64),
        (GOOD.replace("toy/fill", "toy/fill, call: {deadline: 5}"), 64),
        (GOOD.replace("toy/fill", "toy/remote"), 64),
        (GOOD.replace("toy/fill", "toy/large"), 64),
        (GOOD.replace("toy/fill", "toy/large") + "live: 3\n", 3),
        (GOOD + "live: 64\n", 64),
    ],
    ids=["inline", "ones", "composite", "batches", "deadline", "async", "expensive", "asked", "asked inline"],
)
def test_many_problems_are_live_where_that_fills_batches_or_pipes(text, live):
    assert load(text).spec.live == live


def test_only_settings_with_an_effect_are_filled_in():
    filled = yaml.safe_load(load(GOOD.replace("toy/fill", "toy/remote")).filled)
    assert list(filled["policy"]["call"]) == ["concurrency", "deadline", "retries", "rate", "patience"]
    assert list(filled["scorer"]["call"]) == ["batch", "deadline"]
    assert [key for key in ("task", "search", "aggregator") if "call" in filled[key]] == []


def test_a_role_that_nothing_uses_is_noted_with_its_place():
    loaded = load(GOOD + "retriever: {use: toy/records}\n")
    assert loaded.notes == (
        "p.yaml:5:18: note: nothing uses the retriever in role 'retriever'\n    roles that are used: policy, scorer",
    )


def test_roles_that_a_used_component_uses_are_used():
    text = GOOD.replace("{use: toy/rules}", "{judge: {use: toy/judge, roles: {judge: draft}}, x: {use: toy/rules}}")
    text = text.replace("policy: {use: toy/fill}", "policy: {policy: {use: toy/fill}, draft: {use: toy/fill}}")
    judged = text.replace("core/beam", "core/outcomes, roles: {scorer: judge}")
    assert [note.splitlines()[0] for note in load(judged).notes] == [
        "p.yaml:3:67: note: nothing uses the scorer in role 'x'"
    ]


def test_values_get_the_types_of_the_signature():
    spec = load(
        GOOD.replace("toy/fill", "toy/fill, temperature: 1e-3, marks: [a, no]")
        + "retriever: {use: toy/records, path: x/y}\n"
    ).spec
    assert spec.roles["policy"].options == {"width": 8, "temperature": 0.001, "marks": ("a", "no")}
    assert spec.roles["retriever"].options == {"path": Path("x/y")}


def test_scalars_follow_yaml_1_2_core():
    text = "{a: no, b: 1e-3, c: 3:30, d: 2024-01-01, e: true, f: 0o17, g: 0x1F, h: ~, i: 1_000, j: +1.}"
    options = load(GOOD.replace("toy/toy", "toy/loose, value: " + text)).spec.task.options["value"]
    assert options == {
        "a": "no",
        "b": 0.001,
        "c": "3:30",
        "d": "2024-01-01",
        "e": True,
        "f": 15,
        "g": 31,
        "h": None,
        "i": "1_000",
        "j": 1.0,
    }


def test_a_saved_configuration_gives_the_same_pipeline():
    text = (
        GOOD.replace("toy/fill", "toy/fill, marks: ['no', '1e-3', '3:30', 'null', '~', 'ä: #']")
        + "retriever: {use: toy/records, path: x/y}\nbudget: {candidates: 3, policy.calls: 0.5}\n"
        + "seed: 7\neffort: {low: {search.width: 2}}\nsummary: short\n"
    )
    loaded = load(text, "policy.call.batch=3", effort="low")
    Path("config.yaml").write_text(loaded.filled, encoding="utf-8")
    again = load_pipeline("config.yaml", registry())
    assert again.spec == loaded.spec
    assert again.filled == loaded.filled


def test_the_filled_configuration_names_versions_and_effort_is_resolved():
    filled = yaml.safe_load(load(GOOD + "effort: {low: {search.width: 2}}\n", effort="low").filled)
    assert filled["search"]["width"] == 2
    assert sorted(filled["versions"]) == ["plugins", "python", "treewright"]
    assert "effort" not in filled


def test_text_that_either_yaml_would_misread_is_quoted():
    values = ["no", "1e-3", "3:30", "2024-01-01", "0o17", "null", "", "~", "1.", "=", "<<"]
    Path("x.yaml").write_text(GOOD.replace("{use: toy/fill}", "{use: toy/fill, marks: []}"))
    text = dump({"marks": values})
    assert yaml.safe_load(text) == {"marks": values}
    marks = text.replace("\n", "\n  ")
    assert load(GOOD.replace("{use: toy/fill}", f"\n  use: toy/fill\n  {marks}")).spec.roles["policy"].options[
        "marks"
    ] == tuple(values)


def test_a_mapping_without_use_names_roles():
    text = GOOD.replace("policy: {use: toy/fill}", "policy: {policy: {use: toy/fill}, draft: {use: toy/likely}}")
    assert {role: part.name for role, part in load(text).spec.roles.items()} == {
        "policy": "toy/fill",
        "draft": "toy/likely",
        "scorer": "toy/rules",
    }


def test_own_roles_can_be_pointed_at_roles_of_the_pipeline():
    text = GOOD.replace("{use: toy/rules}", "{judge: {use: toy/rules}}")
    spec = load(text.replace("core/beam", "core/beam, roles: {scorer: judge}")).spec
    assert spec.search.roles == {"scorer": "judge"}


def test_a_pipeline_extends_another_and_merges_deeply():
    Path("base.yaml").write_text(GOOD + "summary: the base\nbudget: {calls: 3, seconds: 9}\nseed: 4\n")
    loaded = load("extends: base.yaml\nsearch: {width: 2}\nbudget: {calls: 5}\npolicy: {width: 1}\n")
    assert loaded.spec.search.options == {"width": 2, "rule": "uct"}
    assert loaded.spec.budget == {"calls": 5, "seconds": 9}
    assert loaded.spec.roles["policy"].options["width"] == 1
    assert loaded.spec.seed == 4
    assert "summary" not in yaml.safe_load(loaded.filled)


def test_another_component_replaces_the_whole_block():
    Path("base.yaml").write_text(GOOD.replace("toy/fill", "toy/fill, width: 3, call: {batch: 2}"))
    policy = load("extends: base.yaml\npolicy: {use: toy/likely}\n").spec.roles["policy"]
    assert (policy.name, policy.options["width"], policy.call.batch) == ("toy/likely", 8, 64)


def test_a_bare_name_of_the_same_component_merges():
    Path("base.yaml").write_text(GOOD.replace("core/beam", "core/beam, width: 3"))
    assert load("extends: base.yaml\nsearch: {use: beam, rule: puct}\n").spec.search.options == {
        "width": 3,
        "rule": "puct",
    }


def test_an_extended_file_is_looked_for_beside_its_extender():
    Path("deep").mkdir()
    Path("deep/base.yaml").write_text(GOOD)
    Path("deep/p.yaml").write_text("extends: base.yaml\nseed: 3\n")
    assert load_pipeline("deep/p.yaml", registry()).spec.seed == 3


def test_mistakes_in_the_extended_file_are_placed_there():
    Path("base.yaml").write_text(GOOD.replace("core/beam", "core/beam, wdth: 3"))
    said = "base.yaml:4:26: core/beam: unknown option 'wdth'; did you mean 'width'? (int = 4)"
    assert complaint("extends: base.yaml\n") == said


def test_settings_reach_options_budgets_and_new_blocks():
    spec = load(
        GOOD.replace("scorer: {use: toy/rules}\n", ""),
        "scorer.use=toy/rules",
        "scorer.mode=lax",
        "budget.policy.calls=7",
        "policy.marks=[a, b]",
        "seed=3",
    ).spec
    assert spec.roles["scorer"].options["mode"] == "lax"
    assert spec.budget == {"policy.calls": 7}
    assert spec.roles["policy"].options["marks"] == ("a", "b")
    assert spec.seed == 3


def test_choosing_another_component_drops_the_options_of_the_old_one():
    text = GOOD.replace("core/beam", "core/beam, rule: puct") + "budget: {calls: 2}\n"
    spec = load(text, "search.iterations=3", "search.use=core/endless").spec
    assert spec.search.options == {"iterations": 3}


def test_an_own_limit_stands_for_a_budget():
    assert load(GOOD.replace("core/beam", "core/endless, iterations: 3")).spec.budget == {}


def test_settings_win_over_effort():
    text = GOOD + "effort: {low: {search.width: 2, budget: {calls: 3}}}\n"
    spec = load(text, "search.width=5", effort="low").spec
    assert (spec.search.options["width"], spec.budget) == (5, {"calls": 3})


def test_an_effort_that_the_pipeline_lacks_is_explained():
    assert complaint(GOOD, effort="high") == (
        "--effort high: pipeline 'p.yaml' has no effort level 'high'\n    it has no 'effort' key"
    )


def test_anchors_and_aliases_are_followed():
    text = "task: {use: toy/toy}\npolicy: &p {use: toy/fill, width: 3}\nscorer: {use: toy/rules}\n"
    spec = load(text + "search: {use: core/beam}\nretriever: null\nsummary: &s x\nname: *s\n").spec
    assert (spec.roles["policy"].options["width"], spec.source) == (3, "x")


def test_a_huge_file_is_refused_unread():
    assert complaint("#" * 1_000_001) == (
        "p.yaml: has 1,000,001 bytes; a configuration may have 1,000,000\n"
        "    keep data in files of their own and name their path"
    )


def test_bytes_that_are_no_text_are_refused():
    Path("p.yaml").write_bytes(b"task: x\nsummary: \xff\xfe\n")
    with pytest.raises(ConfigurationError) as caught:
        load_pipeline("p.yaml", registry())
    assert str(caught.value) == "p.yaml:2:10: is not UTF-8 text\n    save the file as UTF-8"


def test_an_unknown_pipeline_is_explained():
    with pytest.raises(ConfigurationError) as caught:
        load_pipeline("toy/nothing", registry())
    said = "toy/nothing: pipeline 'toy/nothing' is not registered\n    known pipelines: none"
    assert str(caught.value) == said


def test_a_recipe_is_read_from_its_name_and_settings():
    spec = load_component("trainer", "recipe", registry(), overrides=["data=x.jsonl"])
    assert (spec.name, spec.options) == ("toy/recipe", {"data": "x.jsonl", "epochs": 3})


def test_a_recipe_without_its_data_is_explained():
    with pytest.raises(ConfigurationError) as caught:
        load_component("trainer", "recipe", registry())
    assert str(caught.value) == "recipe: toy/recipe: option 'data' is required (str)"


def test_input_for_a_task_without_input_is_explained():
    assert complaint(GOOD, [text_setting("task.input", "1", "--input 1")]) == (
        "--input 1: toy/toy: unknown option 'input'\n    known options: options (dict[str, list[int]] | null = null)"
    )


def test_the_schema_of_a_component_is_its_signature():
    schema = pipeline_schema(registry(), "core/beam")
    assert schema["properties"]["width"] == {"type": "integer", "default": 4}
    assert schema["properties"]["rule"] == {"enum": ["uct", "puct"], "type": "string", "default": "uct"}
    assert schema["additionalProperties"] is False


def test_the_schema_describes_call_settings_with_type_and_bounds():
    call = pipeline_schema(registry(), "toy/remote")["properties"]["call"]
    assert call["properties"]["retries"] == {
        "type": "integer",
        "minimum": 0,
        "default": 2,
        "description": "further attempts after a failed one",
    }
    assert call["properties"]["rate"] == {
        "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}],
        "default": None,
        "description": "most requests a minute, evenly spaced, retries included",
    }
    assert "batch" not in call["properties"]


def test_the_schema_of_a_search_has_its_roles_and_no_call():
    properties = pipeline_schema(registry(), "core/beam")["properties"]
    assert "call" not in properties
    assert properties["roles"]["properties"] == {
        "policy": {"type": "string", "default": "policy"},
        "scorer": {"type": "string", "default": "scorer"},
    }


def test_differences_are_told_by_key_and_value():
    before = load(GOOD + "seed: 1\n").filled
    after = load(GOOD.replace("core/beam", "core/endless, iterations: 2") + "live: 9\nbudget: {calls: 3}\n").filled
    assert differences(before, after) == [
        'search.use: "core/beam" -> "core/endless"',
        "search.width: 4 -> absent",
        'search.rule: "uct" -> absent',
        "seed: 1 -> 0",
        "search.iterations: absent -> 2",
        "budget.calls: absent -> 3",
    ]
    assert differences(before, load(GOOD + "seed: 1\nlive: 9\n", "policy.call.batch=3").filled) == []


def test_the_schema_of_pipelines_covers_every_key_and_survives_broken_components():
    schema = pipeline_schema(registry())
    assert "search" in schema["properties"] and schema["additionalProperties"] is False
    policies = schema["properties"]["policy"]["anyOf"][0]["anyOf"]
    assert {"type": "object", "properties": {"use": {"const": "toy/absent"}}} in policies
