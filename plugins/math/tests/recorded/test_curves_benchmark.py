"""``benchmarks/recorded_curves.py`` on files of one's own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[4] / "benchmarks/recorded_curves.py"
GOOD = {"problem": "P", "answer": "4", "responses": ["\\boxed{4}", "\\boxed{5}"], "rewards": [0.9, 0.1]}


def curves(*words):
    return subprocess.run([sys.executable, str(SCRIPT), *map(str, words)], capture_output=True, text=True, timeout=120)


def test_bad_rows_are_named_and_left_out(tmp_path):
    path, out = tmp_path / "own.jsonl", tmp_path / "curves.json"
    rows = [json.dumps(GOOD), "{broken", json.dumps({"problem": "no solution"}), json.dumps({**GOOD, "answer": None})]
    path.write_text("\n".join(rows) + "\n")
    ended = curves(path, "--json", out)
    assert ended.returncode == 0
    said = ended.stderr.splitlines()
    assert said[0].startswith(f"left out: {path}: line 2: not JSON")
    assert said[1].startswith(f"left out: {path}: line 3: no solution is there")
    assert said[2] == "left out: 1 problems without labels and reference"
    found = {(row["work"], row["metric"]): row["value"] for row in json.loads(out.read_text())}
    assert found["own: best, k = 2", "accuracy"] == found["own: oracle, k = 2", "accuracy"] == 1.0
    assert found["own: oracle, k = 1", "accuracy"] == 0.5


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**GOOD, "answer": None}, "no problem has labels for its samples (correct) or a reference (answer)"),
        ({"x": 1}, "no row holds a problem with stored solutions"),
    ],
)
def test_what_has_no_curve_is_refused_without_a_traceback(row, message, tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(row) + "\n")
    ended = curves(path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert message in ended.stderr and "Traceback" not in ended.stderr
