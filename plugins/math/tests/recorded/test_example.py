import json

import pytest

from treewright import load_pipeline, run_pipeline
from treewright_math.data_files.places import existing_file
from treewright_registry import DataError


@pytest.mark.parametrize(("name", "accuracy"), [("math/recorded", 2 / 3), ("math/judge-steps", 2 / 3)])
def test_the_shipped_example_runs_without_any_data(name, accuracy, tmp_path, monkeypatch):
    monkeypatch.delenv("TREEWRIGHT_DATA", raising=False)
    summary = run_pipeline(load_pipeline(name), tmp_path / "run")
    assert (summary["n"], summary["failures"], summary["accuracy"]) == (3, 0, pytest.approx(accuracy))


@pytest.mark.parametrize("name", ["recorded", "judge-steps", "mr-gsm8k", "processbench", "prmbench"])
def test_pipelines_are_complete(name):
    assert load_pipeline(f"math/{name}").spec.task.name.startswith("math/")


def test_a_file_of_a_package_has_a_name():
    path = existing_file("treewright_math:recorded/example.jsonl", "task.path")
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 3
    with pytest.raises(DataError, match="there is no such file"):
        existing_file("treewright_math:recorded/none.jsonl", "task.path")
    with pytest.raises(DataError, match="no_such_package:x: there is no such file"):
        existing_file("no_such_package:x", "task.path")
