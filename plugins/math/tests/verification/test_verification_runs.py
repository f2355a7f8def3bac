import json
import os
from collections import Counter
from types import SimpleNamespace

import pytest

from treewright import load_pipeline, run_pipeline
from treewright_math.verification.given_steps import GivenSteps
from treewright_math.verification.mr_gsm8k import MrGsm8k
from treewright_math.verification.prmbench import PrmBench
from treewright_math.verification.processbench import ProcessBench
from treewright_math.verification.recorded_step_scores import RecordedStepScores
from treewright_registry import TO_END, CallFailed, Problem, ProposeRequest, ScoreRequest, Step, Trajectory

needs_data = pytest.mark.skipif(not os.environ.get("TREEWRIGHT_DATA"), reason="TREEWRIGHT_DATA is not set")
ROOT = Trajectory(Problem("p", "P", {"steps": ["one", "two"], "stored_step_scores": [0.9, 0.2]}))


def figures(summary):
    return {name: metric["value"] for name, metric in summary["metrics"].items()}


def test_given_steps_are_written_one_by_one_or_at_once():
    policy = GivenSteps()
    [first] = policy.propose([ProposeRequest(ROOT, 4, 0)])[0].steps
    [second] = policy.propose([ProposeRequest(ROOT.extend(first), 1, 9)])[0].steps
    assert [(first.content, first.finish), (second.content, second.finish)] == [("one\n\n", "step"), ("two", "stop")]
    [whole] = policy.propose([ProposeRequest(ROOT, 1, 0, TO_END)])[0].steps
    assert (whole.content, whole.finish) == ("one\n\ntwo", "stop")
    with pytest.raises(CallFailed, match="has only 2 steps"):
        policy.propose([ProposeRequest(ROOT.extend(first).extend(second), 1, 0)])
    with pytest.raises(CallFailed, match="use a task of step verification"):
        policy.propose([ProposeRequest(Trajectory(Problem("q", "Q")), 1, 0)])


def test_stored_step_scores_are_given_as_far_as_the_solution_is_written():
    one = ROOT.extend(Step("one"))
    two = one.extend(Step("two", finish="stop"))
    scores = RecordedStepScores().score([ScoreRequest(path, 0) for path in (one, two, two.extend(Step("three")))])
    assert [score.steps for score in scores] == [(0.9,), (0.9, 0.2), ()]
    assert [score.value for score in scores[:2]] == [0.9, 0.2]
    assert scores[2].failed and scores[2].reason == "2 step scores are stored with this problem, 3 wanted"


ROWS = [
    {"id": "a", "problem": "P", "steps": ["x", "y"], "label": 1, "step_scores": [0.9, 0.2]},
    {"id": "b", "problem": "P", "steps": ["x", "y"], "label": -1, "step_scores": [0.9, 0.8]},
    {"id": "c", "problem": "Q", "steps": ["x"], "label": -1.0, "step_scores": [0.1]},
    {"id": "d", "problem": "R", "steps": ["x"], "label": 0},
    {"id": "e", "problem": "R", "steps": [], "label": 0},
    {"id": "f", "problem": "R", "steps": ["x"], "label": 1},
    {"id": "g", "problem": "R", "steps": ["x"], "label": 0, "step_scores": [1, 2]},
]


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return str(path)


def test_a_run_over_ones_own_solutions(own, tmp_path):
    pipeline = load_pipeline("math/mr-gsm8k", overrides=[f"task={{use: math/processbench, path: {own}}}"])
    summary = run_pipeline(pipeline, tmp_path / "run")
    records = [json.loads(line) for line in (tmp_path / "run/results.jsonl").read_text().splitlines()]
    assert [record["correct"] for record in records] == [True, True, False, None, None, None, None]
    assert records[0]["answer"] == {"step_scores": [0.9, 0.2]}
    errors = [record["error"] for record in records[3:]]
    assert "0 step scores are stored with this problem, 1 wanted" in errors[0]
    assert "line 5: the field steps must be a list of texts, the steps" in errors[1]
    assert "line 6: the field label is 1; it must be the number of a step, 0 to 0, or -1" in errors[2]
    assert "line 7: the field step_scores must be a list of 1 numbers" in errors[3]
    found = figures(summary)
    assert (found["acc_err"], found["acc_cor"]) == (1 / 2, 1 / 2)  # what could not be scored is no hit


def test_all_solutions_of_a_problem_are_on_one_side(own):
    for tuning in (0.2, 0.5, 0.8):
        task = ProcessBench(path=own, tuning=tuning)
        task.problems()
        sides = {name: task._is_tuning(solution) for name, solution in task._solutions.items()}
        assert sides["a"] == sides["b"]


def test_options_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"tuning must be in \[0, 1\), not 1"):
        ProcessBench(tuning=1)
    with pytest.raises(ValueError, match="limit must be at least 1"):
        PrmBench(limit=0)


@needs_data
def test_math_shepherd_on_mr_gsm8k_is_reproduced(tmp_path):
    summary = run_pipeline(load_pipeline("math/mr-gsm8k", overrides=["task.tuning=0.3"]), tmp_path / "run")
    found = json.loads((tmp_path / "run/summary.json").read_text())["metrics"]
    first = found["first_error_accuracy"]
    assert (summary["n"], summary["failures"], first["n"]) == (590, 0, 590)
    assert first["value"] == summary["accuracy"] == 330 / 590
    assert found["tuned_first_error_accuracy"]["n"] + found["tuned_threshold"]["n"] == 590
    assert found["tuned_threshold"]["n"] == pytest.approx(0.3 * 590, abs=60)


@needs_data
@pytest.mark.parametrize(("split", "correct", "wrong"), [("gsm8k", 193, 207), ("math", 406, 594)])
def test_processbench_has_its_counts(split, correct, wrong):
    task = ProcessBench(split=split)
    problems = task.problems()
    labels = [task._solutions[problem.id].label for problem in problems]
    assert (sum(label == -1 for label in labels), sum(label >= 0 for label in labels)) == (correct, wrong)
    assert all("label" not in problem.metadata for problem in problems)


PRM_ROWS = [
    {"idx": "a", "classification": "deception", "original_question": "P", "original_process": ["x", "y", "z"],
     "modified_question": "P", "modified_process": ["x", "Y", "Z", "z"], "error_steps": [2, 3]},
    {"idx": "a", "classification": "circular", "original_question": "P", "original_process": ["x", "y", "z"],
     "modified_question": "P", "modified_process": ["x", "y", "Z", "z"], "error_steps": [3]},
    {"idx": "b", "classification": "multi_solutions", "modified_question": "Q", "modified_process": ["x", "y"],
     "error_steps": []},
]  # fmt: skip
JUDGED = [[0.9, 0.8, 0.9], [0.9, 0.6, 0.1, 0.9], [0.2, 0.9, 0.1, 0.9], [0.9, 0.9]]
"""Of the original, and of the three changed solutions."""


def prm_figures(tmp_path, scores, **options):
    path = tmp_path / "prmbench.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in PRM_ROWS))
    task = PrmBench(path=str(path), **options)
    names = [problem.id for problem in task.problems()]
    records = [SimpleNamespace(id=n, answer={"step_scores": s}) for n, s in zip(names, scores, strict=True)]
    return task, names, task.metrics(records)


def test_prmbenchs_figures_worked_out_by_hand(tmp_path):
    _, names, metrics = prm_figures(tmp_path, JUDGED)
    assert names[0].startswith("original-") and names[1:] == ["a", "a (prmbench-2)", "b"]
    found = figures({"metrics": metrics})
    # right steps: x z | x y z | x y, of which one is called wrong; wrong steps: Y Z | Z, of which one is called right
    assert found["right_step_accuracy"] == pytest.approx(6 / 7)
    assert found["wrong_step_accuracy"] == pytest.approx(2 / 3)
    assert found["step_accuracy"] == pytest.approx(8 / 10)
    assert found["step_f1"] == pytest.approx(12 / 14)
    assert found["step_negative_f1"] == pytest.approx(4 / 6)
    assert found["prm_score"] == pytest.approx((12 / 14 + 4 / 6) / 2)
    assert found["first_error_called_wrong"] == 1 / 2  # Y is called right; Z of the other is called wrong
    assert found["similarity"] == pytest.approx((abs(3 / 4 - 1) + abs(2 / 4 - 1)) / 2)
    assert found["right_step_accuracy_original"] == 1.0
    assert found["processbench_acc_err"] == 0.0  # there x is called wrong before
    assert found["processbench_acc_cor"] == 1.0
    assert "first_error_accuracy" not in found and "acc_err" not in found


def test_a_kind_without_wrong_steps_has_no_prm_score_but_its_share_of_right_ones(tmp_path):
    found = figures({"metrics": prm_figures(tmp_path, JUDGED)[2]})
    assert {"prm_score_deception", "prm_score_circular"} <= set(found)
    assert "prm_score_multi_solutions" not in found and "prm_score_original" not in found
    assert (found["step_f1_multi_solutions"], found["right_step_accuracy_multi_solutions"]) == (1.0, 1.0)


def test_without_the_originals_there_is_no_similarity(tmp_path):
    _, names, metrics = prm_figures(tmp_path, JUDGED[1:], originals=False)
    assert names == ["a", "a (prmbench-2)", "b"]
    assert "similarity" not in metrics and metrics["prm_score"]["n"] == 10


def test_the_chosen_threshold_of_prmbench_is_best_by_its_own_headline(tmp_path):
    task, _, _ = prm_figures(tmp_path, JUDGED)
    pairs = list(
        zip(task._solutions.values(), [[0.0], [5.0, 2.0, 1.0, 7.0], [6.0, 5.0, 3.0, 8.0], [4.0, 9.0]], strict=True)
    )
    threshold = task._best_threshold(pairs)
    assert 3.0 < threshold < 4.0  # the original has no say in it
    assert task._figures(pairs, threshold, "")["prm_score"]["value"] == 1.0


@needs_data
def test_prmbench_is_scored_by_its_wrong_steps():
    task = PrmBench()
    problems = task.problems()
    assert (len(problems), sum(problem.error is not None for problem in problems)) == (394 + 299, 0)
    kinds = Counter(solution.kind for solution in task._solutions.values())
    assert (len(kinds), kinds["multi_solutions"], kinds["deception"], kinds["original"]) == (10, 10, 48, 299)

    def records(score):
        return [
            SimpleNamespace(id=name, answer={"step_scores": [score(n in s.wrong) for n in range(len(s.steps))]})
            for name, s in task._solutions.items()
        ]

    knowing = figures({"metrics": task.metrics(records(lambda wrong: 0.1 if wrong else 0.9))})
    perfect = ("prm_score", "first_error_called_wrong", "step_accuracy", "prm_score_deception", "processbench_f1")
    assert {knowing[name] for name in perfect} == {1.0}
    assert knowing["step_f1_multi_solutions"] == 1.0
    trusting = figures({"metrics": task.metrics(records(lambda wrong: 0.9))})
    assert (trusting["step_negative_f1"], trusting["first_error_called_wrong"], trusting["similarity"]) == (0, 0, 0)
    assert trusting["prm_score"] == trusting["step_f1"] / 2


@needs_data
def test_mr_gsm8k_has_only_wrong_solutions():
    task = MrGsm8k()
    task.problems()
    assert all(solution.label >= 0 for solution in task._solutions.values())
