"""The engine's pipelines for policies that revise: complete once a task, a policy and a scorer are filled in."""

from pathlib import Path

import pytest

from tests.engine.toys import Rewriter
from tests.searches.letter_tree import AnyWord
from tests.searches.scripted import Outcomes, Silent
from treewright.configuration import load_pipeline
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright_registry import ConfigurationError, Registry

NAMES = ("self-refine-mcts", "islands", "ab-mcts")


def registry() -> Registry:
    found = Registry.load()
    for kind, cls in (("policy", Rewriter), ("policy", Silent), ("scorer", Outcomes), ("task", AnyWord)):
        found.add(kind, f"toy/{cls.__name__.lower()}", cls)
    return found


def filled(folder: Path, name: str, policy: str) -> str:
    path = folder / "p.yaml"
    path.write_text(
        f"extends: core/{name}\ntask: {{use: toy/anyword}}\n"
        f"policy: {{use: toy/{policy}}}\nscorer: {{use: toy/outcomes}}\n",
        encoding="utf-8",
    )
    return str(path)


@pytest.mark.parametrize(("effort", "candidates"), [(None, 64), ("low", 16), ("medium", 64), ("high", 256)])
@pytest.mark.parametrize("name", NAMES)
def test_a_revising_policy_and_a_scorer_complete_the_pipeline(
    name: str, effort: str | None, candidates: int, tmp_path: Path
) -> None:
    spec = load_pipeline(filled(tmp_path, name, "rewriter"), registry(), effort=effort).spec
    assert (spec.search.name, spec.aggregator.name) == (f"core/{name}", "core/best")
    assert spec.budget == {"candidates": candidates}


@pytest.mark.parametrize("name", NAMES)
def test_the_completed_pipeline_solves_a_problem_within_its_effort(name: str, tmp_path: Path) -> None:
    spec = load_pipeline(filled(tmp_path, name, "rewriter"), registry(), effort="low").spec
    solutions: list[Solution] = []
    run_local(spec, ListFeed(AnyWord().problems()), solutions.append)
    [solution] = solutions
    assert (solution.error, solution.score) == (None, 0.5)
    assert solution.cost["policy"]["candidates"] == 16


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_that_cannot_revise_is_refused_before_anything_runs(name: str, tmp_path: Path) -> None:
    message = f"search 'core/{name}' needs role 'policy' to be able to 'revises', which toy/silent cannot"
    with pytest.raises(ConfigurationError, match=message):
        load_pipeline(filled(tmp_path, name, "silent"), registry())
