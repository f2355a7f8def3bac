"""The engine's pipelines for two models: complete once a task, both policies and a scorer are filled in."""

from pathlib import Path

import pytest

from tests.searches.letter_tree import AnyWord
from tests.searches.scripted import Known, Steps
from treewright.configuration import load_pipeline
from treewright_registry import Registry


@pytest.mark.parametrize(
    ("name", "effort", "n"),
    [("rsd", None, None), ("specs", None, 8), ("specs", "low", 4), ("gsi", None, 16), ("gsi", "high", 64)],
)
def test_two_policies_and_a_scorer_complete_the_pipeline(
    name: str, effort: str | None, n: int | None, tmp_path: Path
) -> None:
    registry = Registry.load()
    for kind, cls in (("policy", Known), ("scorer", Steps), ("task", AnyWord)):
        registry.add(kind, f"toy/{cls.__name__.lower()}", cls)
    path = tmp_path / "p.yaml"
    path.write_text(
        f"extends: core/{name}\ntask: {{use: toy/anyword}}\n"
        "policy: {draft: {use: toy/known}, target: {use: toy/known}}\nscorer: {use: toy/steps}\n",
        encoding="utf-8",
    )
    spec = load_pipeline(str(path), registry, effort=effort).spec
    assert spec.search.name == f"core/{name}"
    assert spec.search.options["n"] == (1 if n is None else n)
    assert set(spec.roles) == {"draft", "target", "scorer"}
