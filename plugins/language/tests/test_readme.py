"""The README says what the code does."""

import json
import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml

from treewright.configuration import load_pipeline
from treewright.configuration.signature import options_of
from treewright.pipeline import CallSettings
from treewright_language.openai_policy import OpenAIPolicy
from treewright_language.transformers_policy import TransformersPolicy
from treewright_registry import Registry

README = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
ENTRIES = [
    EntryPoint("core", "treewright.builtin", "treewright.plugins"),
    EntryPoint("language", "treewright_language", "treewright.plugins"),
]


class Questions:
    def problems(self):
        return []


POLICIES = {
    "openai": (OpenAIPolicy, "Qwen/Qwen2.5-7B-Instruct", CallSettings(concurrency=16, deadline=60, retries=2)),
    "transformers": (TransformersPolicy, "./models/Qwen2.5-1.5B-Instruct", CallSettings(batch=64)),
}


def section(name):
    """What the README says of a policy."""
    [text] = re.findall(rf"^## Policy `language/{name}`\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    return text


@pytest.mark.parametrize("name", POLICIES)
def test_the_first_block_is_a_policy_of_a_pipeline_that_loads(name, tmp_path):
    block = re.findall(r"```yaml\n(.*?)```", section(name), re.DOTALL)[0]
    component, model, call = POLICIES[name]
    registry = Registry.load(ENTRIES)
    registry.add("task", "my/questions", Questions)
    file = tmp_path / "pipeline.yaml"
    rest = "task: {use: my/questions}\nsearch: {use: core/sample}\naggregator: {use: core/majority}\n"
    file.write_text(block + rest)
    policy = load_pipeline(str(file), registry).spec.roles["policy"]
    assert policy.descriptor.load() is component
    assert policy.options["model"] == model
    assert policy.call == call


@pytest.mark.parametrize("name", POLICIES)
def test_the_table_lists_every_option_with_its_default(name):
    component = POLICIES[name][0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", section(name), re.MULTILINE)
    defaults = {
        option.name: "required" if option.required else _plain(option.default)
        for option in options_of(component).values()
    }
    assert {name: _written(text) for name, text in rows} == defaults


def _plain(default):
    return json.loads(json.dumps(default))


def _written(text):
    return "required" if text == "required" else yaml.safe_load(text.strip("`"))
