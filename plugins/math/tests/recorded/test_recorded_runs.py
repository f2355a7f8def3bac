import gzip
import json
import os
from pathlib import Path

import pytest

from treewright import load_pipeline, run_pipeline
from treewright.cli.main import main
from treewright_math.recorded.task import RecordedTask
from treewright_registry import DataError

needs_data = pytest.mark.skipif(not os.environ.get("TREEWRIGHT_DATA"), reason="TREEWRIGHT_DATA is not set")
DATA = "$TREEWRIGHT_DATA/math"
ROWS = [
    {"id": "a", "problem": "2+2?", "gold": "4", "samples": [
        {"text": "\\boxed{5}", "score": 0.1}, {"text": "\\boxed{4}", "score": 0.9}, {"text": "#### 5", "score": 0.2},
    ]},
    {"id": "b", "problem": "Half?", "gold": "\\frac{1}{2}", "samples": [
        {"text": "\\boxed{0.5}", "score": 0.3}, {"text": "\\boxed{2}", "score": 0.8}, {"text": "#### 1/2", "score": 0},
    ]},
]  # fmt: skip


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.jsonl.gz"
    lines = [json.dumps(ROWS[0]), "{broken", json.dumps(ROWS[1])]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return str(path)


def run(out, path, *overrides, workers=1, **options):
    pipeline = load_pipeline("math/recorded", overrides=[f"task.path={path}", *overrides])
    summary = run_pipeline(pipeline, out, workers=workers, **options)
    records = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    return summary, {record["id"]: record for record in records}


def chosen(answer, number):
    return {"answer": answer, "sample": number}


def figures(summary):
    return {name: metric["value"] for name, metric in summary["metrics"].items()}


def test_ones_own_generations_are_ranked_and_a_broken_line_is_a_failed_problem(own, tmp_path):
    summary, records = run(tmp_path / "run", own)
    assert [records[name]["answer"] for name in ("a", "b")] == [chosen("4", 2), chosen("2", 2)]
    assert [records[name]["correct"] for name in ("a", "b")] == [True, False]
    assert "line 2: not JSON" in records["recorded-2"]["error"]
    assert summary["failures"] == 1
    found = figures(summary)
    assert found["accuracy"] == pytest.approx(1 / 3)
    assert (found["pass_at_1"], found["best"], found["oracle"]) == (pytest.approx(1 / 3), 1 / 3, 2 / 3)
    assert found["majority"] == 1 / 3  # by strings 0.5, 2 and 1/2 are three answers
    assert {summary["metrics"][name]["n"] for name in ("accuracy", "pass_at_1", "majority", "best", "oracle")} == {3}


def test_votes_by_meaning_are_an_option(own, tmp_path):
    vote = ["aggregator={use: core/majority}", "search.n=3"]
    by_string, _ = run(tmp_path / "string", own, *vote)
    by_meaning, records = run(tmp_path / "canonical", own, *vote, "task.equality=canonical")
    assert (records["a"]["answer"], records["b"]["answer"]) == (chosen("5", 1), chosen("0.5", 1))
    assert figures(by_meaning)["majority"] == 1 / 3
    assert figures(by_string)["weighted_vote"] == 1 / 3


def test_without_references_and_labels_there_is_a_ranking_and_no_accuracy(tmp_path):
    path = tmp_path / "bare.jsonl"
    path.write_text(
        json.dumps({"prompt": "P", "responses": ["\\boxed{1}", "\\boxed{2}"], "rewards": [0.1, 0.2]}) + "\n"
    )
    summary, records = run(tmp_path / "run", str(path))
    assert (records["recorded-1"]["answer"], records["recorded-1"]["correct"]) == (chosen("2", 2), None)
    assert "accuracy" not in summary
    assert set(summary["metrics"]) == {"answered"}


def graders():
    """Grading workers that this process has."""
    here = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    children = [child for each in here for child in each.read_text().split()]
    return [child for child in children if b"grading.worker" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_a_run_leaves_no_grading_worker(own, tmp_path, monkeypatch):
    seen = []
    present = RecordedTask.present
    monkeypatch.setattr(RecordedTask, "present", lambda self, *given: seen.append(graders()) or present(self, *given))
    monkeypatch.setattr("treewright_math.grading.grader.compare_quickly", lambda reference, answer: None)
    before = graders()
    run(tmp_path / "run", own)
    assert len(seen[0]) == len(before) + 1
    assert graders() == before


def test_two_workers_find_the_same(own, tmp_path):
    alone, shared = (run(tmp_path / str(n), own, "search.n=2", workers=n)[1] for n in (1, 2))
    kept = ("answer", "correct", "score", "runners_up", "metrics")
    assert {n: [r[k] for k in kept] for n, r in alone.items()} == {n: [r[k] for k in kept] for n, r in shared.items()}


@needs_data
def test_math_cot_100_is_reproduced(tmp_path):
    summary, _ = run(tmp_path / "run", f"{DATA}/math_cot_100.jsonl.gz")
    found = figures(json.loads((tmp_path / "run/summary.json").read_text()))
    assert (summary["n"], summary["failures"]) == (100, 0)
    expected = {"pass_at_1": 0.91, "majority": 0.93, "best": 0.94, "oracle": 0.96, "accuracy": 0.94, "found": 0.96}
    assert {name: round(found[name], 6) for name in expected} == expected
    points = json.loads((tmp_path / "run/curves.json").read_text())
    last = {point["method"]: point["accuracy"] for point in points if point["k"] == 8}
    assert (last["majority"], last["best"], last["oracle"]) == (0.93, 0.94, 0.96)


@needs_data
@pytest.mark.parametrize(("aggregator", "accuracy"), [("majority", 0.93), ("weighted-vote", 0.94), ("best", 0.94)])
def test_a_runs_own_selection_agrees_with_the_field(aggregator, accuracy, tmp_path):
    file = f"{DATA}/math_cot_100.jsonl.gz"
    summary, _ = run(tmp_path / "run", file, f"aggregator={{use: core/{aggregator}}}")
    found = figures(summary)
    assert found["accuracy"] == found[aggregator.replace("-", "_")] == accuracy


@needs_data
def test_math_verify_in_place_of_the_stored_labels_differs_in_one_sample(tmp_path):
    summary, _ = run(tmp_path / "run", f"{DATA}/math_cot_100.jsonl.gz", "task.labels=math-verify")
    found = figures(summary)
    assert found["mean"] == 729 / 800  # 728 stored; 10{,}000 is 10000
    assert (found["majority"], found["best"], found["oracle"]) == (0.93, 0.95, 0.97)


@needs_data
@pytest.mark.parametrize(
    ("file", "size", "mean", "majority", "oracle"),
    [("llm_samples_gsm8k", 654, 79.30, 94.19, 99.08), ("llm_samples_math_l5", 368, 38.66, 72.83, 97.55)],
)
def test_samples_of_many_models_are_reproduced(file, size, mean, majority, oracle, tmp_path):
    options = ["aggregator={use: core/majority}"]
    summary, _ = run(tmp_path / "run", f"{DATA}/{file}.jsonl.gz", *options)
    found = {name: round(100 * value, 2) for name, value in figures(summary).items()}
    assert summary["n"] == size
    assert (found["mean"], found["majority"], found["oracle"]) == (mean, majority, oracle)
    assert (found["accuracy"], found["found"]) == (majority, oracle)


@needs_data
def test_the_samples_of_chosen_models_only(tmp_path):
    models = "task.models=[Meta-Llama-3-8B-Instruct]"
    summary, records = run(tmp_path / "run", f"{DATA}/llm_samples_gsm8k.jsonl.gz", models, "task.limit=20")
    assert summary["n"] == 20
    assert all(record["cost"]["policy"]["candidates"] == 1 for record in records.values())


def test_models_of_which_the_file_has_nothing_are_refused(tmp_path):
    path = tmp_path / "models.jsonl"
    samples = [{"text": "\\boxed{1}", "model": "large"}, {"text": "\\boxed{2}", "model": "small"}]
    path.write_text(json.dumps({"problem": "P", "gold": "1", "samples": samples}) + "\n")
    with pytest.raises(DataError) as raised:
        RecordedTask(path=str(path), models=("small", "smal")).problems()
    assert str(raised.value) == "task.models: no sample is by smal\n    the file has: large, small"


REWARDS = [
    ([0.1, 0.9, 0.2], "4", "of all stored samples:"),
    ([None, None, None], "5", "no sample has a stored reward: by default the most frequent answer wins"),
    ([-3, None, -2], "5", "1 of 3 samples have no stored reward: they lose to those that have one"),
    ([None, -3, None], "4", "2 of 3 samples have no stored reward"),
    ([None, -3, -2], "5", "1 of 3 samples have no stored reward"),
]


@pytest.mark.parametrize(("rewards", "answer", "said"), REWARDS)
def test_the_headline_is_the_best_reward_and_without_rewards_the_majority(rewards, answer, said, tmp_path, capsys):
    path, out = tmp_path / "own.jsonl", str(tmp_path / "run")
    texts = ["\\boxed{5}", "\\boxed{4}", "\\boxed{5}"]
    path.write_text(json.dumps({"problem": "2+2?", "gold": "4", "responses": texts, "rewards": rewards}) + "\n")
    assert main(["run", "math/recorded", "--set", f"task.path={path}", "--out", out]) == 0
    assert said in capsys.readouterr().out
    [record] = [json.loads(line) for line in (tmp_path / "run/results.jsonl").read_text().splitlines()]
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert (record["answer"]["answer"], summary["failed_calls"]["n"]) == (answer, 0)
    if any(reward is not None for reward in rewards):
        assert figures(summary)["best"] == summary["accuracy"] == (answer == "4")
    else:
        assert figures(summary)["majority"] == summary["accuracy"] == 0.0


def test_a_scorer_of_the_pipeline_takes_the_place_of_the_stored_rewards(own, tmp_path):
    scorer = "scorer={use: math/recorded-score, missing: zero}"
    _, records = run(tmp_path / "run", own, scorer)
    assert records["a"]["cost"]["scorer"]["reward_calls"] == 3
    assert (records["a"]["answer"], records["a"]["score"]) == (chosen("4", 2), 0.9)


def test_budget_curves_lie_in_the_run_folder(own, tmp_path):
    summary, _ = run(tmp_path / "run", own)
    points = json.loads((tmp_path / "run/curves.json").read_text())
    assert {point["method"] for point in points} == {"majority", "best", "weighted vote", "oracle"}
    assert {point["k"] for point in points} == {1, 2, 3}
    last = {point["method"]: point for point in points if point["k"] == 3}
    assert last["oracle"]["accuracy"] == figures(summary)["oracle"] == pytest.approx(2 / 3)
    assert last["best"]["accuracy"] == figures(summary)["best"]
    assert all(point["low"] <= point["accuracy"] <= point["high"] and point["n"] == 3 for point in points)


def test_rows_of_one_problem_are_put_together(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [
        {"id": 7, "problem": "P", "answer": "4", "response": f"\\boxed{{{n}}}", "correct": int(n == 4)} for n in (4, 5)
    ]
    rows.insert(1, {"id": 8, "problem": "Q", "answer": "4", "response": "\\boxed{4}"})
    rows.append({"id": 7, "problem": "another", "answer": "4", "response": "\\boxed{4}"})
    rows += [{"problem": "no id", "answer": "4", "response": f"\\boxed{{{n}}}"} for n in (3, 4, 4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary, records = run(tmp_path / "run", str(path))
    sizes = {name: record["cost"]["policy"]["candidates"] for name, record in records.items()}
    assert sizes == {"7": 2, "8": 1, "7 (recorded-4)": 1, "recorded-5": 3}
    assert figures(summary)["oracle"] == 1.0
    assert records["recorded-5"]["answer"] == chosen("4", 2)


def test_the_rows_of_an_evaluation_harness_are_taken_once_for_all_filters(tmp_path):
    path = tmp_path / "lm_eval.jsonl"
    doc = {"question": "P", "answer": "2 + 2 = 4\n#### 4"}
    rows = [
        {"doc_id": 0, "doc": doc, "target": "4", "resps": [["It is \\boxed{4}", "\\boxed{5}"]], "filter": name}
        for name in ("strict-match", "flexible-extract")
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary, records = run(tmp_path / "run", str(path))
    assert [record["cost"]["policy"]["candidates"] for record in records.values()] == [2]
    assert (list(records), figures(summary)["pass_at_1"]) == (["0"], 0.5)


def test_an_object_of_rows_by_id_is_a_file_of_problems(tmp_path):
    path = tmp_path / "table.json"
    path.write_text(json.dumps({name: {"question": name, "gt": "4", "responses": ["\\boxed{4}"]} for name in "xy"}))
    _, records = run(tmp_path / "run", str(path))
    assert [(name, record["correct"]) for name, record in records.items()] == [("x", True), ("y", True)]


def test_the_limit_counts_problems(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"problem": p, "answer": "4", "response": "\\boxed{4}"} for p in "PPPQ"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, records = run(tmp_path / "run", str(path), "task.limit=1")
    assert [record["cost"]["policy"]["candidates"] for record in records.values()] == [3]


def test_a_problem_that_nothing_grades_is_in_no_figure(tmp_path, capsys):
    path, out = tmp_path / "own.jsonl", tmp_path / "run"
    rows = [{"problem": "P", "answer": "4", "responses": ["\\boxed{4}"]}, {"problem": "Q", "responses": ["no answer"]}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    assert main(["run", "math/recorded", "--set", f"task.path={path}", "--out", str(out)]) == 1
    assert "1 of 2 problems have neither labels nor a reference: they are not graded" in capsys.readouterr().out
    metrics = json.loads((out / "summary.json").read_text())["metrics"]
    named = ("accuracy", "majority", "oracle")
    assert {(metrics[name]["value"], metrics[name]["n"]) for name in named} == {(0.5, 2)}


def test_a_file_that_is_not_there_is_wrong_configuration(tmp_path):
    missing = str(tmp_path / "none.jsonl")
    assert main(["run", "math/recorded", "--set", f"task.path={missing}", "--out", str(tmp_path / "run")]) == 2
    assert not (tmp_path / "run").exists()
