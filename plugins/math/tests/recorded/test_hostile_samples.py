"""A file of hostile generations goes through a whole run: every problem has a record, and none is right."""

import json

from hypothesis import given, settings
from hypothesis import strategies as some

from treewright import load_pipeline, run_pipeline
from treewright_math.data_files.rows import Row
from treewright_math.data_files.texts import TEXTS
from treewright_math.recorded.marks import EITHER, LABELS, REWARDS
from treewright_math.recorded.stored_problems import stored_problems

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


NAMES = (
    "problem",
    "id",
    "samples",
    "responses",
    "choices",
    "messages",
    "answer",
    "pred",
    "doc",
    "filter",
    "role",
    "type",
)
PLAIN = some.none() | some.booleans() | some.integers() | some.floats() | some.sampled_from(["", "a", "1", "user"])
VALUES = some.recursive(
    PLAIN,
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.sampled_from([*NAMES, *TEXTS, *REWARDS, *LABELS, *EITHER]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(some.lists(some.dictionaries(some.sampled_from([*NAMES, "response", *EITHER]), VALUES, max_size=6), max_size=4))
@settings(max_examples=300, deadline=None)
def test_rows_of_any_shape_are_problems_or_have_a_fault(rows):
    found = stored_problems([Row(f"line {n}", n, fields) for n, fields in enumerate(rows, 1)])
    assert len({each.name for each in found}) == len(found)
    for each in found:
        assert (each.problem is None) == (each.fault is not None)
        assert each.problem is None or (each.problem.prompt.strip() and each.problem.samples)


def test_a_row_that_is_nested_too_deeply_is_a_fault():
    deep = "a"
    for _ in range(5000):
        deep = {"message": deep}
    [found] = stored_problems([Row("line 1", 1, {"problem": "P", "response": deep})])
    assert found.fault == "line 1: nested too deeply"
