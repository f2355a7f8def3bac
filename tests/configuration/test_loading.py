"""What a good pipeline file becomes."""

from pathlib import Path

import pytest
import yaml

from tests.configuration.parts import GOOD, complaint, registry
from treewright.configuration import load_component, load_pipeline, pipeline_schema, text_setting
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
    assert (spec.seed, spec.live, spec.budget, spec.source) == (0, 64, {}, "p.yaml")


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


def test_the_schema_of_pipelines_covers_every_key_and_survives_broken_components():
    schema = pipeline_schema(registry())
    assert "search" in schema["properties"] and schema["additionalProperties"] is False
    policies = schema["properties"]["policy"]["anyOf"][0]["anyOf"]
    assert {"type": "object", "properties": {"use": {"const": "toy/absent"}}} in policies
