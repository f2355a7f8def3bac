"""The run's own selection is graded as the figures are: each sample by its own label."""

import json

import pytest

from treewright import load_pipeline, run_pipeline
from treewright.cli.main import main
from treewright_math.recorded.task import RecordedTask
from treewright_registry import DataError

PROOFS = {"id": "proofs", "problem": "Prove it", "responses": ["proof A", "proof B"], "correct": [True, False]}
PARTLY = {"id": "partly", "problem": "P", "responses": ["\\boxed{1}", "\\boxed{2}"], "correct": [True, None]}
UNEQUAL = {"id": "unequal", "problem": "Q", "responses": ["bad \\boxed{1}", "\\boxed{1}"], "correct": [False, True]}
PLAIN = {"id": "plain", "problem": "R", "responses": ["\\boxed{1}", "\\boxed{2}"], "correct": [True, False]}
REWARDS = {"proofs": [0.9, 0.1], "partly": [0.9, 0.1], "unequal": [0.1, 0.9], "plain": [0.9, 0.1]}


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def own(tmp_path):
    rows = [{**row, "rewards": REWARDS[str(row["id"])]} for row in (PROOFS, PARTLY, UNEQUAL, PLAIN)]
    return written(tmp_path / "own.jsonl", rows)


def run(out, path, *overrides):
    summary = run_pipeline(load_pipeline("math/recorded", overrides=[f"task.path={path}", *overrides]), out)
    records = map(json.loads, (out / "results.jsonl").read_text().splitlines())
    return summary["metrics"], {record["id"]: record for record in records}


@pytest.mark.parametrize(
    ("aggregator", "figure", "right"),
    [
        ("math/best-or-majority", "best", 3),
        ("core/majority", "majority", 2),
        ("core/weighted-vote", "weighted_vote", 2),
    ],
)
def test_the_accuracy_is_the_figure_of_the_same_rule(aggregator, figure, right, own, tmp_path):
    metrics, records = run(tmp_path / "run", own, f"aggregator={{use: {aggregator}}}")
    for name in ("accuracy", figure):
        assert (metrics[name]["value"], metrics[name]["n"]) == (right / 3, 3)
    assert metrics["found"] == metrics["oracle"]
    assert metrics["oracle"]["value"] == 1.0
    assert records["proofs"]["correct"] is True


def test_a_sample_without_an_answer_has_its_label_all_the_same(own, tmp_path):
    _, records = run(tmp_path / "run", own)
    assert (records["proofs"]["answer"], records["proofs"]["correct"]) == ({"answer": None, "sample": 1}, True)
    assert records["proofs"]["metrics"] == {"answered": False, "found": True}


def test_equal_answers_are_graded_by_the_label_of_the_sample_that_was_chosen(own, tmp_path):
    _, best = run(tmp_path / "best", own)
    _, voted = run(tmp_path / "voted", own, "aggregator={use: core/majority}")
    assert (best["unequal"]["answer"], best["unequal"]["correct"]) == ({"answer": "1", "sample": 2}, True)
    assert (voted["unequal"]["answer"], voted["unequal"]["correct"]) == ({"answer": "1", "sample": 1}, False)


def test_a_problem_of_which_some_samples_have_no_label_is_in_no_figure_and_told(own, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["run", "math/recorded", "--set", f"task.path={own}", "--out", str(out)]) == 0
    said = "1 of 4 problems have labels for some of their samples only, and no reference: they are not graded"
    printed = capsys.readouterr().out
    assert said in printed and "neither labels" not in printed
    records = {r["id"]: r for r in map(json.loads, (out / "results.jsonl").read_text().splitlines())}
    assert (records["partly"]["correct"], "found" in records["partly"]["metrics"]) == (None, False)


def test_with_a_reference_the_samples_without_a_label_are_compared(tmp_path):
    rows = [{**PARTLY, "answer": "2"}, {**PROOFS, "correct": [None, False], "answer": "2"}]
    metrics, records = run(tmp_path / "run", written(tmp_path / "own.jsonl", rows))
    assert {name: metrics["mean"][name] for name in ("value", "n")} == {"value": 2 / 4, "n": 4}
    assert [record["correct"] for record in records.values()] == [True, False]


def test_labels_alone_are_nothing_to_math_verify(tmp_path, capsys):
    path = written(tmp_path / "own.jsonl", [PLAIN, {**PARTLY, "answer": "2", "rewards": [0, 1]}])
    options = ["--set", f"task.path={path}", "--set", "task.labels=math-verify"]
    assert main(["run", "math/recorded", *options, "--out", str(tmp_path / "run")]) == 0
    said = "1 of 2 problems have no reference, which task.labels=math-verify needs: they are not graded"
    assert said in capsys.readouterr().out
    metrics = json.loads((tmp_path / "run/summary.json").read_text())["metrics"]
    assert {(metrics[name]["value"], metrics[name]["n"]) for name in ("accuracy", "best", "found")} == {(1.0, 1)}


def test_one_sample_that_cannot_be_read_is_counted_and_told(tmp_path, capsys):
    row = {"id": "a", "problem": "P", "answer": "4", "responses": ["\\boxed{5}", "\\boxed{4}", None]}
    path = written(tmp_path / "own.jsonl", [{**row, "rewards": [0.1, 0.9, "high"], "correct": [0, "yes", None]}])
    assert main(["run", "math/recorded", "--set", f"task.path={path}", "--out", str(tmp_path / "run")]) == 0
    said = (
        "2 of 3 samples have something that cannot be read; they are taken without it:\n"
        f"  {path}: line 1: sample 2 has the label 'yes', neither true nor false\n"
        f"  {path}: line 1: sample 3 is None, neither a text nor an object; sample 3 has the score 'high', no number\n"
    )
    assert said in capsys.readouterr().out
    metrics = json.loads((tmp_path / "run/summary.json").read_text())["metrics"]
    assert (metrics["samples_with_faults"]["value"], metrics["samples_with_faults"]["n"]) == (2, 3)
    assert (metrics["accuracy"]["value"], metrics["mean"]["value"]) == (1.0, 1 / 3)


def test_what_is_said_of_missing_rewards_is_what_the_summary_counts(tmp_path, capsys):
    graded = {"problem": "P", "answer": "4", "responses": ["\\boxed{4}", "\\boxed{5}"], "rewards": [0.5, None]}
    path = written(tmp_path / "own.jsonl", [graded, {"problem": "Q", "responses": ["\\boxed{1}", "\\boxed{2}"]}])
    assert main(["run", "math/recorded", "--set", f"task.path={path}", "--out", str(tmp_path / "run")]) == 0
    assert "3 of 4 samples have no stored reward" in capsys.readouterr().out
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert (summary["samples_without_reward"], summary["metrics"]["samples_without_reward"]["n"]) == (3, 4)


def test_rows_of_one_problem_with_unequal_references_are_a_fault(tmp_path):
    one = {"id": 6, "problem": "P", "answer": "4", "response": "\\boxed{4}"}
    rows = [one, {**one, "answer": 4.0}, {**one, "answer": None}, {**one, "answer": "5"}]
    path = written(tmp_path / "own.jsonl", rows)
    first, second = RecordedTask(path=str(path)).problems()
    assert (first.id, len(first.metadata["samples"]), second.id) == ("6", 3, "recorded-4")
    said = "the reference is '5', in an earlier row of the same problem it is '4'"
    assert second.error == f"{path}: line 4: {said}"


def test_a_file_of_another_kind_is_refused_with_its_fault_once(tmp_path):
    path = written(tmp_path / "own.jsonl", [{"problem": f"P{n}", "answer": "4"} for n in range(30)])
    with pytest.raises(DataError) as raised:
        RecordedTask(path=str(path)).problems()
    first, second = str(raised.value).splitlines()
    assert first.startswith(f"{path}: line 1: no solution is there, neither 'samples' nor one of")
    assert second == "    so in 29 rows more"


def test_an_answer_that_is_none_of_the_samples_is_graded_as_an_answer(own):
    task = RecordedTask(path=str(own))
    task.problems()
    assert [task.grade("plain", answer).correct for answer in ("1", "2", None)] == [True, False, False]
    assert task.grade("plain", {"answer": "1", "sample": None}).correct is True
    assert task.grade("partly", {"answer": "1", "sample": 1}).correct is None
