"""Each check of plugins, construction and pipelines fails for exactly what breaks its rule."""

import sys
from pathlib import Path

import pytest

from tests.testing_kit.parts import GOOD
from treewright.testing import (
    Outcome,
    check_plugin,
    construction_checks,
    perform,
    pipeline_checks,
    plugin_checks,
)
from treewright.testing.construction_checks import ConstructionSubject
from treewright.testing.pipeline_checks import PipelineSubject
from treewright.testing.subjects import PluginSubject
from treewright_registry import Descriptor, Registry

GOOD_ENTRY = 'TREEWRIGHT_API = "1"\n'
GOOD_PARTS = "class Part:\n    pass\n"
GOOD_PLUGIN = {
    "name": "toy",
    "entry": GOOD_ENTRY,
    "parts": GOOD_PARTS,
    "target": "{module}_parts:Part",
    "summary": "a part",
}
BROKEN_PLUGINS = {
    "check_entry_module_is_light": {"entry": "import yaml\n" + GOOD_ENTRY},
    "check_api_version": {"entry": 'TREEWRIGHT_API = "7"\n'},
    "check_name": {"name": "Toy_1"},
    "check_summaries": {"summary": " "},
    "check_components_resolve": {"target": "{module}_parts:Nothing"},
    "check_component_modules_are_light": {"parts": "import numpy\n" + GOOD_PARTS},
}


@pytest.fixture
def plugin(tmp_path, monkeypatch, request):
    """Writes a plugin whose modules no other test has imported."""
    monkeypatch.syspath_prepend(tmp_path)
    # importing numpy or yaml in this process is not what is looked at: a child process is
    module = f"kit_{abs(hash(request.node.name))}"

    def write(**changes) -> PluginSubject:
        words = {**GOOD_PLUGIN, **changes}
        Path(tmp_path, f"{module}.py").write_text(words["entry"])
        Path(tmp_path, f"{module}_parts.py").write_text(words["parts"])
        target = words["target"].format(module=module)
        descriptor = Descriptor("policy", f"{words['name']}/part", target, words["summary"])
        return PluginSubject(words["name"], module, [descriptor])

    yield write
    for name in (module, f"{module}_parts"):
        sys.modules.pop(name, None)


def failures(checks, subject):
    outcomes = [perform(check, "x", subject) for check in checks]
    return [outcome.id.partition("::")[2] for outcome in outcomes if outcome.failure]


def test_a_good_plugin_passes_every_check(plugin):
    assert failures(plugin_checks.CHECKS, plugin()) == []


@pytest.mark.parametrize("check", BROKEN_PLUGINS)
def test_a_broken_plugin_fails_exactly_its_check(check, plugin):
    pytest.importorskip("numpy") if "numpy" in str(BROKEN_PLUGINS[check]) else None
    assert failures(plugin_checks.CHECKS, plugin(**BROKEN_PLUGINS[check])) == [check]


def test_no_check_of_plugins_lacks_a_plugin_that_breaks_it():
    assert [check.__name__ for check in plugin_checks.CHECKS] == list(BROKEN_PLUGINS)


class Keywords:
    def __init__(self, *, width: int = 4, marks: tuple[str, ...] = ("a",)) -> None:
        self.width = width


class Positional:
    def __init__(self, width: int = 4) -> None:
        self.width = width


class Refuses:
    def __init__(self, *, width: int = 4) -> None:
        raise ValueError("never enough")


class WrongDefault:
    def __init__(self, *, marks: list[str] = ("a",)) -> None:
        self.marks = marks


class Demanding:
    def __init__(self, *, path: str) -> None:
        self.path = path


def construction(component):
    return ConstructionSubject(Descriptor("policy", "toy/x", component))


def test_a_component_with_keyword_options_passes():
    assert failures(construction_checks.CHECKS, construction(Keywords)) == []


def test_positional_options_fail():
    [check, *_] = construction_checks.CHECKS
    outcome = perform(check, "x", construction(Positional))
    assert outcome.failure == "parameter 'width' is not keyword-only; put '*' before it"


def test_a_constructor_that_refuses_its_defaults_fails_only_that_check():
    assert failures(construction_checks.CHECKS, construction(Refuses)) == ["check_can_be_built"]


def test_required_options_that_no_pipeline_sets_fail_only_that_check():
    assert failures(construction_checks.CHECKS, construction(Demanding)) == ["check_can_be_built"]


def test_a_default_of_another_type_fails_only_that_check():
    assert failures(construction_checks.CHECKS, construction(WrongDefault)) == ["check_options_survive_json"]


@pytest.fixture
def piped(tmp_path, monkeypatch):
    """Registers a pipeline file in a package of its own."""
    package = tmp_path / "kit_pipelines"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)

    def write(text) -> PipelineSubject:
        (package / "p.yaml").write_text(text)
        registry = Registry()
        for kind, part in GOOD.items():
            registry.add(kind, f"toy/{kind}", part)
        registry.add("search", "toy/search", Keywords)
        registry.add("aggregator", "core/best", Keywords)
        registry.add("pipeline", "toy/p", "kit_pipelines:p.yaml")
        return PipelineSubject("toy/p", registry)

    yield write
    sys.modules.pop("kit_pipelines", None)


GOOD_PIPELINE = "task: {use: toy/task}\nsearch: {use: toy/search}\n"


def test_a_pipeline_that_configures_passes(piped):
    subject = piped(GOOD_PIPELINE + "effort: {low: {search.width: 1}}\n")
    assert failures(pipeline_checks.CHECKS, subject) == []


def test_a_pipeline_with_a_mistake_fails(piped):
    assert failures(pipeline_checks.CHECKS, piped(GOOD_PIPELINE + "sed: 1\n")) == ["check_configuration"]


def test_a_pipeline_with_a_mistake_in_an_effort_level_fails(piped):
    subject = piped(GOOD_PIPELINE + "effort: {low: {search.wdth: 1}}\n")
    assert failures(pipeline_checks.CHECKS, subject) == ["check_configuration"]


def test_a_pipeline_without_task_is_a_part_for_others(piped):
    [outcome] = [perform(check, "x", piped("search: {use: toy/search}\n")) for check in pipeline_checks.CHECKS]
    assert outcome.skipped == "it names no task: a part for other pipelines to extend"


def test_all_checks_of_a_plugin_run_on_its_own_problems_and_policies():
    registry = Registry()
    for kind, part in GOOD.items():
        registry.add(kind, f"toy/{kind}", part, summary="for tests")
    outcomes = list(check_plugin("toy", registry))
    assert [outcome.id for outcome in outcomes if outcome.failure] == []
    made = {outcome.id for outcome in outcomes if not outcome.skipped}
    assert {
        "policy:toy/policy::check_at_most_n_steps",
        "scorer:toy/scorer::check_scores_in_range",
        "retriever:toy/retriever::check_best_hit_first",
        "task:toy/task::check_no_gold_by_name",
    } <= made


def test_a_composite_component_is_skipped_with_the_reason():
    registry = Registry()
    registry.add("scorer", "toy/judge", type("Judge", (GOOD["scorer"],), {"needs": {"policy": object()}}))
    outcomes = [item for item in check_plugin("toy", registry) if "check_scores" in item.id]
    reason = "composite: it needs an engine around it; run a pipeline that uses it"
    assert [outcome.skipped for outcome in outcomes] == [reason] * 2
    assert isinstance(outcomes[0], Outcome)
