"""What a run leaves on disk."""

import json
from pathlib import Path

import pytest

from tests.engine.toys import AsyncSpeller, Words, component, pipeline
from tests.run.running import FILLED, results, run, summary, timeless
from treewright.run.run_folder import RunFolder, file_name
from treewright_registry import ConfigurationError


def test_folder_holds_configuration_results_summary_and_traces(tmp_path: Path) -> None:
    run(tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {".lock", "config.yaml", "results.jsonl", "summary.json", "traces"}
    assert (tmp_path / "out" / "config.yaml").read_text() == FILLED


@pytest.mark.parametrize("workers", [1, 2])
def test_results_stand_in_task_order_whatever_the_order_of_completion(tmp_path: Path, workers: int) -> None:
    finished: list[str] = []

    class Listener:
        def started(self, total: int, already_done: int) -> None: ...
        def finished(self, record: object) -> None:
            finished.append(record.id)  # type: ignore[attr-defined]

        def ended(self, summary: object) -> None: ...

    spec = pipeline(policy=component("policy", AsyncSpeller, delay=0.05), count=12)
    run(tmp_path / "out", spec, observer=Listener(), workers=workers)
    order = [f"w{number}" for number in range(12)]
    assert [result["id"] for result in results(tmp_path / "out")] == order
    assert sorted(finished) == sorted(order)
    assert finished != order  # else this test shows nothing


def test_each_result_tells_answer_verdict_metrics_score_runners_up_and_cost(tmp_path: Path) -> None:
    run(tmp_path / "out")
    gold = Words()
    gold.problems()
    for result in results(tmp_path / "out"):
        assert " ".join(result) == ("id answer correct metrics score runners_up cost error failed_calls seconds notes")
        verdict = gold.grade(result["id"], result["answer"])
        assert (result["correct"], result["metrics"]) == (verdict.correct, verdict.metrics)
        assert result["cost"]["policy"]["candidates"] == 4
        scores = [result["score"], *(other["score"] for other in result["runners_up"])]
        assert scores == sorted(scores, reverse=True)
        assert result["error"] is None


def test_summary_counts_and_gives_exact_wilson_intervals(tmp_path: Path) -> None:
    returned = run(tmp_path / "out", pipeline(count=40))
    found = summary(tmp_path / "out")
    assert found == returned
    records = results(tmp_path / "out")
    correct = sum(record["correct"] for record in records)
    n, z = 40, 1.959963984540054
    share = correct / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    assert found["accuracy"] == share
    assert found["metrics"]["accuracy"] == {
        "value": share,
        "low": pytest.approx(max(0.0, centre - half), abs=1e-12),
        "high": pytest.approx(centre + half, abs=1e-12),
        "n": 40,
    }
    assert (found["n"], found["problems"], found["failures"], found["interrupted"]) == (40, 40, 0, False)
    assert found["cost"]["total"]["candidates"] == 160
    assert found["cost"]["scorer"]["reward_calls"] == 160


def test_summary_means_numeric_metrics_with_a_normal_interval(tmp_path: Path) -> None:
    run(tmp_path / "out", pipeline(count=10))
    values = [record["metrics"]["same_letters"] for record in results(tmp_path / "out")]
    mean = sum(values) / 10
    deviation = (sum((value - mean) ** 2 for value in values) / 9) ** 0.5
    half = 1.959963984540054 * deviation / 10**0.5
    assert summary(tmp_path / "out")["metrics"]["same_letters"] == {
        "value": pytest.approx(mean),
        "low": pytest.approx(mean - half),
        "high": pytest.approx(mean + half),
        "n": 10,
    }


def test_trace_holds_a_row_for_each_node_with_parent_step_score_and_cost(tmp_path: Path) -> None:
    run(tmp_path / "out", pipeline(count=2))
    [result, _] = results(tmp_path / "out")
    lines = (tmp_path / "out" / "traces" / "w0.jsonl").read_text().splitlines()
    root, *nodes = [json.loads(line) for line in lines]
    assert (root["node"], root["parent"], root["scores"]) == (0, None, {})
    assert [node["node"] for node in nodes] == [1, 2, 3, 4]
    assert {node["parent"] for node in nodes} == {0}
    assert {node["finish"] for node in nodes} == {"stop"}
    best = max(nodes, key=lambda node: node["scores"]["scorer"])
    assert (best["step"], best["scores"]["scorer"]) == (result["answer"], result["score"])
    assert sum(node["cost"]["generated_tokens"] for node in nodes) == result["cost"]["policy"]["generated_tokens"]


def test_limit_solves_only_the_first_problems(tmp_path: Path) -> None:
    run(tmp_path / "out", pipeline(count=8), limit=3)
    assert [result["id"] for result in results(tmp_path / "out")] == ["w0", "w1", "w2"]
    assert summary(tmp_path / "out")["problems"] == 3


def test_two_workers_leave_the_same_folder_as_one(tmp_path: Path) -> None:
    for workers in (1, 2):
        run(tmp_path / str(workers), workers=workers)
    assert timeless(results(tmp_path / "1")) == timeless(results(tmp_path / "2"))
    assert timeless(summary(tmp_path / "1")) == timeless(summary(tmp_path / "2"))


def test_existing_run_is_refused_without_resume_and_left_alone(tmp_path: Path) -> None:
    run(tmp_path, pipeline(count=2))
    before = (tmp_path / "results.jsonl").read_bytes()
    with pytest.raises(ConfigurationError) as refused:
        run(tmp_path, pipeline(count=2))
    assert str(refused.value) == (
        f"{tmp_path}: holds a run already\n    go on with it: add --resume;  start anew: choose another --out"
    )
    assert (tmp_path / "results.jsonl").read_bytes() == before


def test_resume_with_another_configuration_is_refused_with_the_keys_that_differ(tmp_path: Path) -> None:
    run(tmp_path, pipeline(count=2))
    with pytest.raises(ConfigurationError) as refused:
        run(tmp_path, pipeline(count=2), FILLED.replace("seed: 0", "seed: 1"), resume=True)
    assert str(refused.value) == (
        f"{tmp_path}/config.yaml: belongs to another configuration, so this run cannot go on with it\n"
        "    seed: 0 -> 1\n"
        "    use the same settings, or choose another --out"
    )


def test_resume_with_other_versions_calls_and_live_problems_is_accepted(tmp_path: Path) -> None:
    run(tmp_path, pipeline(count=2))
    run(tmp_path, pipeline(count=2), FILLED + "live: 3\n", resume=True)
    run(tmp_path, pipeline(count=2), FILLED.replace("treewright: 1", "treewright: 2"), resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_folder_that_another_run_is_writing_to_is_refused(tmp_path: Path, resume: bool) -> None:
    holder = RunFolder(tmp_path)
    holder.open(FILLED, resume=False)
    if not resume:
        (tmp_path / "config.yaml").unlink()  # the other run has only just begun
    with pytest.raises(ConfigurationError) as refused:
        run(tmp_path, resume=resume)
    assert str(refused.value) == f"{tmp_path}: another run is writing to this folder"
    holder.close()
    run(tmp_path, resume=True)


def test_names_of_trace_files_are_plain_and_distinct() -> None:
    assert file_name("w1") == "w1"
    strange = ["a/b", "a_b", "../x", "", "ä" * 200, ".hidden", "a b"]
    names = [file_name(id_) for id_ in strange]
    assert len(set(names)) == len(strange)
    assert all("/" not in name and name and not name.startswith(".") and len(name) < 100 for name in names)
