"""Tasks that hand over the wrong problems, or cannot grade."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.toys import Speller, Words, component, pipeline
from tests.run.running import results, run
from treewright.pipeline import PipelineSpec
from treewright_registry import JSON, DataError, Problem, Proposals, ProposeRequest, Step, Verdict


class TwiceTheSame(Words):
    def problems(self) -> list[Problem]:
        return [*super().problems(), Problem("w3", "again")]


class Empty(Words):
    def problems(self) -> list[Problem]:
        return []


class CannotGradeW2(Words):
    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        if problem_id == "w2":
            raise KeyError("w2")
        return super().grade(problem_id, answer)


class MetricsInAList(Words):
    def metrics(self, records: Any) -> Any:
        return [1, 2]


class Diversity(Words):
    def metrics(self, records: Any) -> Any:
        return {"distinct": {"value": len({record.answer for record in records})}}


def spec(task: type[Any]) -> PipelineSpec:
    return replace(pipeline(), task=component("task", task))


def test_problem_id_that_occurs_twice_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        run(tmp_path / "out", spec(TwiceTheSame))
    assert str(refused.value) == "task toy/twicethesame: the problem id 'w3' occurs twice"
    assert not (tmp_path / "out").exists()


def test_task_without_problems_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        run(tmp_path / "out", spec(Empty))
    assert str(refused.value) == "task toy/empty has no problems; check its path and filters"
    assert not (tmp_path / "out").exists()


def test_grading_that_raises_is_an_error_of_that_problem_and_counts_as_wrong(tmp_path: Path) -> None:
    found = run(tmp_path / "out", spec(CannotGradeW2))
    [broken] = [result for result in results(tmp_path / "out") if result["error"]]
    assert (broken["id"], broken["error"]) == ("w2", "grading failed: KeyError: 'w2'")
    assert broken["correct"] is None
    assert len(broken["answer"]) == 4  # the answer itself is kept
    assert (found["n"], found["failures"]) == (8, 1)


def test_metrics_of_the_whole_set_join_the_summary(tmp_path: Path) -> None:
    found = run(tmp_path / "out", spec(Diversity))
    answers = {result["answer"] for result in results(tmp_path / "out")}
    assert found["metrics"]["distinct"] == {"value": len(answers)}


def test_metrics_that_are_no_mapping_are_told_and_the_results_are_kept(tmp_path: Path) -> None:
    found = run(tmp_path / "out", spec(MetricsInAList))
    assert found["metrics"]["error"].startswith("metrics of the set failed: ")
    assert found["n"] == 8
    assert len(results(tmp_path / "out")) == 8


class NanMetrics(Words):
    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        return Verdict(True, {"odd": float("nan")})


def test_metrics_that_cannot_be_written_are_an_error_of_their_problem(tmp_path: Path) -> None:
    found = run(tmp_path / "out", spec(NanMetrics))
    assert (found["n"], found["failures"]) == (8, 8)
    assert results(tmp_path / "out")[0]["error"].startswith("grading failed: ValueError")


class CannotPresent(Words):
    def present(self, records: object, folder: Path) -> str:
        raise RuntimeError("no display")


def test_presentation_that_fails_is_told_and_harms_nothing(tmp_path: Path) -> None:
    found = run(tmp_path / "out", spec(CannotPresent))
    assert (found["n"], found["failures"]) == (8, 0)
    assert len(results(tmp_path / "out")) == 8


class OddContent(Speller):
    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        return [Proposals([Step({1, 2}, finish="stop")]) for _ in requests]  # type: ignore[arg-type]


def test_steps_that_are_no_json_end_their_problems_with_a_reason(tmp_path: Path) -> None:
    odd = replace(spec(Words), roles={**spec(Words).roles, "policy": component("policy", OddContent)})
    found = run(tmp_path / "out", odd)
    assert (found["n"], found["failures"]) == (8, 8)
    assert "JSON" in results(tmp_path / "out")[0]["error"]


def test_seconds_of_a_resumed_run_include_the_earlier_attempt(tmp_path: Path) -> None:
    first = run(tmp_path / "out", spec(Words))
    second = run(tmp_path / "out", spec(Words), resume=True)
    assert second["seconds"] > first["seconds"]


def test_damaged_results_name_file_and_line(tmp_path: Path) -> None:
    run(tmp_path / "out", spec(Words))
    file = tmp_path / "out" / "results.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], "garbage", *lines[2:]]) + "\n")
    with pytest.raises(DataError) as raised:
        run(tmp_path / "out", spec(Words), resume=True)
    assert str(raised.value).startswith(f"{file}:2: not a record of a run: ")
    assert str(raised.value).endswith("delete that line; its problem is solved again")
