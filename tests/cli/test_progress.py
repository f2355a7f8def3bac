"""What a run shows while it goes on, with a clock that the test moves."""

import io
import os
import subprocess
import sys
from pathlib import Path

from tests.cli.process import environment
from tests.cli.scaffolded import scaffolded
from treewright.cli.progress import PlainLines
from treewright.cli.summary import duration, report
from treewright.run.records import Record


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def record(number, correct=True, error=None):
    cost = {"policy": {"candidates": 600, "generated_tokens": 7}, "scorer": {"candidates": 0}}
    return Record(f"p{number}", correct=None if error else correct, error=error, cost=cost)


def shown(total, done_before, records, **options):
    out, clock = io.StringIO(), Clock()
    lines = PlainLines(out, clock, **options)
    lines.started(total, done_before)
    for each in records:
        clock.now += 2
        lines.finished(each)
    return out.getvalue().splitlines()


def test_each_problem_of_a_small_run_gets_a_line():
    records = [record(1), record(2, correct=False), record(3, error="gone")]
    assert shown(3, 0, records) == [
        "3 problems",
        "1/3  accuracy 1.000, 600 candidates, 7 tokens  2.0 s, 4.0 s left",
        "2/3  accuracy 0.500, 1,200 candidates, 14 tokens  4.0 s, 2.0 s left",
        "3/3  accuracy 0.333, 1 failed, 1,800 candidates, 21 tokens  6.0 s",
    ]


def test_where_nothing_can_be_graded_a_failure_is_no_wrong_answer():
    assert shown(2, 0, [record(1, error="gone"), record(2, correct=None)], references=False) == [
        "2 problems",
        "1/2  1 failed, 600 candidates, 7 tokens  2.0 s, 2.0 s left",
        "2/2  1 failed, 1,200 candidates, 14 tokens  4.0 s",
    ]


def test_a_large_run_gets_about_twenty_lines():
    lines = shown(1000, 0, [record(number) for number in range(1000)])
    assert len(lines) == 21
    assert lines[1].startswith("50/1000  ") and lines[-1].startswith("1000/1000  ")


def test_a_resumed_run_estimates_from_its_own_problems_only():
    lines = shown(4, 2, [record(1)])
    assert lines == [
        "4 problems, 2 of them done before",
        "3/4  accuracy 1.000, 600 candidates, 7 tokens  2.0 s, 2.0 s left",
    ]


def test_the_summary_is_a_small_table():
    summary = {
        "n": 9,
        "problems": 10,
        "failures": 6,
        "metrics": {"accuracy": {"value": 0.5, "low": 0.25, "high": 0.75, "n": 9}, "fid": 3.25},
        "cost": {"total": {"candidates": 12345, "generated_tokens": 0}},
        "seconds": 61.0,
    }
    failures = [record(number, error=f"reason\n{number}") for number in range(6)]
    assert (
        report("toy/beam", summary, Path("runs/x"), failures)
        == """\
toy/beam
  problems    9 of 10
  accuracy    0.500  (95 %: 0.250 to 0.750)
  fid         3.250
  candidates  12,345
  time        1 min 01 s
  failed      6
  folder      runs/x
failed problems:
  p0: reason 0
  p1: reason 1
  p2: reason 2
  p3: reason 3
  p4: reason 4
  and 1 more, see results.jsonl"""
    )


def test_durations_read_well():
    words = [duration(seconds) for seconds in (None, 0.04, 59.94, 60, 3599, 7384)]
    assert words == ["0.0 s", "0.0 s", "59.9 s", "1 min 00 s", "59 min 59 s", "2 h 03 min"]


def test_on_a_terminal_a_bar_shows_accuracy_and_cost(tmp_path):
    home = scaffolded(tmp_path, "digits")
    master, slave = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "treewright", "run", "digits/demo", "--out", "o"],
        cwd=tmp_path,
        env={**environment([home], None), "TERM": "xterm"},
        stdout=slave,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            chunk = os.read(master, 4096)
        except OSError:  # Linux says so when the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(master)
    assert process.wait(timeout=60) == 0
    text = shown.decode()
    assert "━" in text and "10/10" in text and "accuracy" in text and "80 candidates" in text
    assert text.count("\x1b[?25h") >= 1  # the cursor is visible again
    assert "folder" in text
