"""A task with ``place`` sees every answer that a search offered; nobody else does."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.toys import Words, component, pipeline
from tests.run.running import results, run
from treewright.aggregators.votes import Majority
from treewright.engine import solving
from treewright.pipeline import PipelineSpec
from treewright.searches.sample import Sample
from treewright_registry import JSON


class Places(Words):
    def place(self, problem_id: str, answers: Sequence[JSON]) -> dict[str, Any]:
        return {"distinct": len(set(map(str, answers))), "offered": len(answers), "first": answers[0]}


class PlaceBreaks(Words):
    def place(self, problem_id: str, answers: Sequence[JSON]) -> dict[str, Any]:
        raise LookupError("no such place")


def spec(task: type[Any], **fields: Any) -> PipelineSpec:
    return replace(pipeline(search=component("search", Sample, n=64), **fields), task=component("task", task))


def test_a_task_with_place_gets_all_distinct_answers_best_first(tmp_path: Path) -> None:
    run(tmp_path / "out", spec(Places))
    for record in results(tmp_path / "out"):
        assert record["metrics"]["offered"] == record["metrics"]["distinct"]
        assert 40 < record["metrics"]["offered"] <= 64  # of 256 words, far more than the ten of the record
        assert record["metrics"]["first"] == record["answer"]
        assert len(record["runners_up"]) == 9
        assert "offered" not in record


def test_places_are_the_same_with_several_processes(tmp_path: Path) -> None:
    for workers in (1, 2):
        run(tmp_path / str(workers), spec(Places), workers=workers)
    alone, sharded = ([each["metrics"] for each in results(tmp_path / str(workers))] for workers in (1, 2))
    assert alone == sharded


def test_what_a_vote_leaves_out_is_handed_over_too(tmp_path: Path) -> None:
    run(tmp_path / "out", spec(Places, aggregator=component("aggregator", Majority)))
    for record in results(tmp_path / "out"):
        assert (record["metrics"]["offered"] > 40, record["metrics"]["first"]) == (True, record["answer"])


def test_no_more_than_the_limit_is_handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "MOST_OFFERED", 12)
    run(tmp_path / "out", spec(Places))
    assert {record["metrics"]["offered"] for record in results(tmp_path / "out")} == {12}


def test_place_that_raises_is_an_error_of_that_problem(tmp_path: Path) -> None:
    run(tmp_path / "out", spec(PlaceBreaks))
    for record in results(tmp_path / "out"):
        assert (record["error"], record["correct"]) == ("grading failed: LookupError: no such place", None)
