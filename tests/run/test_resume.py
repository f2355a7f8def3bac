"""Going on with a run: nothing finished is paid twice, and the end is that of an uninterrupted run."""

from collections import Counter
from pathlib import Path

import pytest

from tests.engine.toys import pipeline
from tests.run.running import asked, counting, results, run, summary, timeless


def test_resume_of_a_complete_run_asks_no_policy_and_changes_no_result(tmp_path: Path) -> None:
    spec = pipeline(policy=counting(tmp_path))
    run(tmp_path / "out", spec)
    before, calls = results(tmp_path / "out"), len(asked(tmp_path))
    run(tmp_path / "out", spec, resume=True)
    assert results(tmp_path / "out") == before
    assert len(asked(tmp_path)) == calls == 8


def test_resume_solves_only_what_is_missing(tmp_path: Path) -> None:
    spec = pipeline(policy=counting(tmp_path))
    run(tmp_path / "out", spec, limit=5)
    run(tmp_path / "out", spec, resume=True)
    assert asked(tmp_path) == [f"w{number}" for number in range(8)]
    assert [result["id"] for result in results(tmp_path / "out")] == [f"w{number}" for number in range(8)]


def test_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    run(tmp_path / "cut", limit=5)
    run(tmp_path / "cut", resume=True)
    run(tmp_path / "whole")
    assert timeless(results(tmp_path / "cut")) == timeless(results(tmp_path / "whole"))
    assert timeless(summary(tmp_path / "cut")) == timeless(summary(tmp_path / "whole"))
    for name in (f"w{number}.jsonl" for number in range(8)):
        assert (tmp_path / "cut" / "traces" / name).exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_resume_repeats_failed_problems_and_only_those(tmp_path: Path, workers: int) -> None:
    spec = pipeline(policy=counting(tmp_path, broken="w2 w5"))
    first = run(tmp_path / "out", spec, workers=workers)
    assert first["failures"] == 2
    (tmp_path / "broken").write_text("")
    before = Counter(asked(tmp_path))
    second = run(tmp_path / "out", spec, resume=True, workers=workers)
    again = Counter(asked(tmp_path)) - before
    assert again == {"w2": 1, "w5": 1}
    assert second["failures"] == 0
    run(tmp_path / "whole", pipeline(policy=counting(tmp_path)))
    assert timeless(results(tmp_path / "out")) == timeless(results(tmp_path / "whole"))


def test_line_torn_by_a_crash_is_dropped_and_its_problem_solved_again(tmp_path: Path) -> None:
    spec = pipeline(policy=counting(tmp_path))
    run(tmp_path / "out", spec)
    whole = timeless(results(tmp_path / "out"))
    path = tmp_path / "out" / "results.jsonl"
    text = path.read_text()
    path.write_text(text[: len(text) - 40])
    (tmp_path / "asked").unlink()
    run(tmp_path / "out", spec, resume=True)
    assert asked(tmp_path) == ["w7"]
    assert timeless(results(tmp_path / "out")) == whole


def test_resume_with_a_smaller_limit_keeps_what_lies_beyond_it(tmp_path: Path) -> None:
    spec = pipeline(policy=counting(tmp_path))
    run(tmp_path / "out", spec)
    shorter = run(tmp_path / "out", spec, resume=True, limit=3)
    assert shorter["n"] == 3
    run(tmp_path / "out", spec, resume=True)
    assert len(asked(tmp_path)) == 8  # no paid result was thrown away
