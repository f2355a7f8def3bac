"""What a search notes of itself stands in the records, and summed up in the summary."""

from pathlib import Path

import pytest

from tests.run.running import results, summary
from treewright import load_pipeline, run_pipeline

POLICIES = (
    "task: {use: puzzle/countdown, count: 4}\npolicy: {draft: {use: puzzle/drafter}, target: {use: puzzle/proposer}}\n"
)


@pytest.mark.parametrize(("probability", "accepted"), [(1.0, True), (0.0, False)])
def test_rounds_and_accepted_drafts_of_a_speculative_search_are_counted(
    tmp_path: Path, probability: float, accepted: bool
) -> None:
    search = f"search: {{use: core/rsd, omega: constant, probability: {probability}}}\n"
    file = tmp_path / "p.yaml"
    file.write_text(
        f"{POLICIES}scorer: {{use: puzzle/rules}}\n{search}aggregator: {{use: core/best}}\n", encoding="utf-8"
    )
    out = tmp_path / "out"
    run_pipeline(load_pipeline(str(file)), out)
    notes = [record["notes"] for record in results(out)]
    assert len(notes) == 4 and all(note["rounds"] >= 1 for note in notes)
    assert [note["accepted_drafts"] for note in notes] == [note["rounds"] if accepted else 0 for note in notes]
    told = summary(out)["notes"]
    assert told["rounds"] == {
        "sum": sum(note["rounds"] for note in notes),
        "mean": sum(note["rounds"] for note in notes) / 4,
        "n": 4,
    }
    assert told["accepted_drafts"]["sum"] == sum(note["accepted_drafts"] for note in notes)


def test_a_search_that_notes_nothing_leaves_the_notes_empty(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_pipeline(load_pipeline("puzzle/greedy", overrides=["task.count=2"]), out)
    assert [record["notes"] for record in results(out)] == [{}, {}]
    assert summary(out)["notes"] == {}
