"""The figures of a run: which problems are in the accuracy, and where the metrics stand."""

from treewright.run.records import Record
from treewright.run.summary import summarise

FIGURE = {"value": 0.5, "low": 0.25, "high": 0.75, "n": 4}


def test_a_failed_problem_is_wrong_and_one_without_reference_is_in_no_accuracy():
    records = [
        Record("right", correct=True),
        Record("wrong", correct=False),
        Record("failed", error="it broke"),
        Record("unknown", correct=None),
    ]
    summary = summarise(records, problems=4, seconds=0.0)
    assert (summary["accuracy"], summary["metrics"]["accuracy"]["n"]) == (1 / 3, 3)
    assert "accuracy" not in summarise(records, problems=4, seconds=0.0, references=False)
    assert "accuracy" not in summarise(records[3:], problems=1, seconds=0.0)


def test_the_value_of_each_metric_stands_at_the_top_too():
    records = [Record("one", correct=True, metrics={"found": True, "steps": 3})]
    summary = summarise(records, problems=1, seconds=0.0, set_metrics={"majority": FIGURE})
    assert (summary["majority"], summary["found"], summary["steps"]) == (0.5, 1.0, 3.0)
    assert summary["metrics"]["majority"] == FIGURE


def test_a_metric_named_like_a_key_of_the_summary_takes_nothing_away():
    taken = {name: FIGURE for name in ("n", "cost", "seconds", "metrics", "notes", "failures")}
    summary = summarise([Record("one")], problems=1, seconds=7.0, set_metrics={**taken, "error": "it broke"})
    assert (summary["n"], summary["seconds"], summary["failures"]) == (1, 7.0, 0)
    assert summary["cost"]["total"] is not FIGURE
    assert summary["metrics"]["n"] == FIGURE
    assert "error" not in summary
