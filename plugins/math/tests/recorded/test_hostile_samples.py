"""A file of hostile generations goes through a whole run: every problem has a record, and none is right."""

import json

from treewright import load_pipeline, run_pipeline

HOSTILE = {
    "tower": "\\boxed{9^{9^{9^9}}}",
    "megabyte": "\\boxed{" + "1" * 10**6 + "}",
    "nul": "\\boxed{1\x008}",
    "surrogate": "The answer is 18\ud800.",
    "nested": "\\boxed{" + "(" * 800 + "1" + ")" * 800 + "}",
    "open": "\\boxed{" * 2000,
    "dots": "The answer is 1" + "." * 10**5,
    "empty": "",
}


def test_hostile_generations_are_graded_wrong_and_the_run_ends(tmp_path):
    rows = [
        {"id": name, "problem": "P\x00\ud800", "gold": "\\sqrt{7919}", "samples": [text, {"text": text, "score": 1.0}]}
        for name, text in HOSTILE.items()
    ]
    rows.append({"id": "good", "problem": "P", "gold": "\\sqrt{8}", "samples": ["\\boxed{2\\sqrt{2}}", "\\boxed{3}"]})
    path = tmp_path / "hostile.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    overrides = [f"task.path={path}", "task.deadline=0.5", "aggregator={use: core/majority}"]
    summary = run_pipeline(load_pipeline("math/recorded", overrides=overrides), tmp_path / "run")
    lines = (tmp_path / "run/results.jsonl").read_text(encoding="utf-8").splitlines()
    records = {record["id"]: record for record in map(json.loads, lines)}
    assert [name for name, record in records.items() if record["correct"]] == ["good"]
    assert [name for name, record in records.items() if record["error"]] == []
    assert list(records) == [*HOSTILE, "good"]
    assert summary["accuracy"] == 1 / len(rows)
