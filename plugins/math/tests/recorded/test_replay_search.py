"""The search ``math/replay``: how many solutions it asks for, and of whom."""

import json

import pytest

from treewright import load_pipeline, run_pipeline
from treewright.cli.main import main
from treewright_registry import Proposals, Registry, Step

ROW = {"id": "a", "problem": "2 + 2?", "answer": "4", "responses": ["\\boxed{4}", "\\boxed{5}", "\\boxed{4}"]}


class Asked:
    """Answers with four, and keeps how many answers were asked for."""

    def __init__(self, *, log: str) -> None:
        self._log = log

    def propose(self, requests):
        with open(self._log, "a", encoding="utf-8") as log:
            log.writelines(f"{request.n}\n" for request in requests)
        return [Proposals([Step("\\boxed{4}", finish="stop")] * request.n) for request in requests]


def run(tmp_path, task, *overrides):
    log, file = tmp_path / "asked.txt", tmp_path / "own.yaml"
    log.write_text("")
    file.write_text(
        f"task: {task}\npolicy: {{use: my/asked, log: '{log}'}}\nsearch: {{use: math/replay}}\n"
        "aggregator: {use: core/majority}\n"
    )
    registry = Registry.load()
    registry.add("policy", "my/asked", Asked)
    summary = run_pipeline(load_pipeline(file, registry=registry, overrides=overrides), tmp_path / "run")
    records = [json.loads(line) for line in (tmp_path / "run/results.jsonl").read_text().splitlines()]
    return summary, records, [int(line) for line in log.read_text().split()]


def test_a_problem_without_stored_solutions_is_refused_before_anything_is_asked_for(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("2 + 2?\n")
    summary, [record], asked = run(tmp_path, f"{{use: math/questions, input: '{path}'}}")
    assert (asked, summary["failures"]) == ([], 1)
    assert "problem 'question-1' holds no recorded samples; use the task math/recorded" in record["error"]
    assert record["cost"] == {}


@pytest.mark.parametrize(("n", "drawn"), [(4096, 3), (3, 3), (2, 2)])
def test_no_more_solutions_are_asked_for_than_are_stored(n, drawn, tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(ROW) + "\n")
    _, [record], asked = run(tmp_path, f"{{use: math/recorded, path: '{path}'}}", f"search.n={n}")
    assert (asked, record["correct"]) == ([drawn], True)


def test_a_pipeline_of_written_answers_with_this_search_costs_nothing(tmp_path, capsys):
    """By the embedded model, which once wrote 4,096 answers here to each problem."""
    out = tmp_path / "run"
    assert main(["run", "math/majority", "--set", "search.use=math/replay", "--limit", "1", "--out", str(out)]) == 1
    assert "holds no recorded samples; use the task math/recorded" in capsys.readouterr().out
    [record] = map(json.loads, (out / "results.jsonl").read_text().splitlines())
    assert record["cost"].get("policy", {}).get("candidates", 0) == 0
