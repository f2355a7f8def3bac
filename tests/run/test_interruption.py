"""Ctrl-C in mid-run, in a real process with a real signal to its whole group, as a terminal sends it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.process import environment, interruptible
from tests.plugins_broken.distributions import install
from tests.run.hanging_parts import ANSWERED
from tests.run.running import asked, results, summary, timeless

ENTRY = """\
from treewright_registry import hookimpl
TREEWRIGHT_API = "1"
@hookimpl
def treewright_register(registry):
    registry.task("words", "tests.engine.toys:Words")
    registry.scorer("vowels", "tests.engine.toys:Vowels")
    for name in ("HangsInline", "HangsBusy", "HangsOnAThread", "HangsAtAnEndpoint"):
        registry.policy(name.lower(), f"tests.run.hanging_parts:{name}")
"""
ALL = [f"w{number}" for number in range(8)]
CASES = [
    ("hangsinline", "{batch: 1}", 1),
    ("hangsbusy", "{batch: 1}", 1),
    ("hangsonathread", "{batch: 1}", 1),
    ("hangsinline", "{batch: 1, deadline: 900}", 1),  # in a killable process
    ("hangsatanendpoint", "{}", 1),
    ("hangsinline", "{batch: 1}", 2),
    ("hangsbusy", "{batch: 1}", 2),
    ("hangsinline", "{batch: 1, deadline: 900}", 2),
]


class Home:
    """A folder with the plugin, a pipeline file and a closed gate."""

    def __init__(self, folder: Path, policy: str, call: str, workers: int) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.gate = folder / "gate"
        self.gate.touch()
        self.workers = workers
        install(folder, "toy", ENTRY)
        (folder / "run.yaml").write_text(
            "task: {use: toy/words, count: 8}\n"
            f"policy: {{use: toy/{policy}, gate: {self.gate}, call: {call}}}\n"
            "scorer: {use: toy/vowels}\n"
            "search: {use: core/sample, n: 4}\n"
            "live: 2\n"
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "treewright", "run", "run.yaml", "--workers", str(self.workers)]
        return subprocess.Popen(
            [*command, *arguments],
            cwd=self.folder,
            env=environment([self.folder], "toy"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=interruptible,
        )

    def run(self, *arguments: str) -> int:
        process = self.start(*arguments)
        process.communicate(timeout=60)
        return process.returncode

    def hangs_after_the_first_results(self) -> bool:
        path = self.out / "results.jsonl"
        written = path.read_text().count("\n") if path.exists() else 0
        return written >= len(ANSWERED) and (self.folder / "hanging").exists()


def wait_until(happened: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def alive(session: int) -> Iterator[int]:
    """Processes of a session that still run (zombies do not)."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = entry.read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it has just ended
            continue
        if int(its_session) == session and state != "Z":
            yield int(entry.parent.name)


@pytest.mark.parametrize(("policy", "call", "workers"), CASES)
def test_ctrl_c_keeps_what_is_finished_and_resume_completes_the_run(
    tmp_path: Path, policy: str, call: str, workers: int
) -> None:
    home = Home(tmp_path, policy, call, workers)
    process = home.start("--out", "out")
    wait_until(home.hangs_after_the_first_results)
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)

    assert (process.returncode, stderr) == (130, "")
    assert stdout.endswith("interrupted; to go on, repeat the command with  --resume --out out\n")
    wait_until(lambda: not list(alive(process.pid)), 5.0)  # no orphans
    assert [result["id"] for result in results(home.out)] == list(ANSWERED)
    found = summary(home.out)
    assert (found["interrupted"], found["n"], found["problems"], found["failures"]) == (True, 4, 8, 0)

    home.gate.unlink()
    assert home.run("--out", "out", "--resume") == 0
    assert sorted(asked(tmp_path)) == ALL  # nothing was asked twice
    assert home.run("--out", "whole") == 0
    assert timeless(results(home.out)) == timeless(results(tmp_path / "whole"))
    assert timeless(summary(home.out)) == timeless(summary(tmp_path / "whole"))


def test_ctrl_c_during_a_resumed_run_keeps_the_results_of_both_attempts(tmp_path: Path) -> None:
    home = Home(tmp_path, "hangsinline", "{batch: 1}", 1)
    for attempt in range(2):
        process = home.start("--out", "out", *(["--resume"] if attempt else []))
        wait_until(home.hangs_after_the_first_results)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 130
        assert [result["id"] for result in results(home.out)] == list(ANSWERED)
        (tmp_path / "hanging").unlink()
    assert sorted(asked(tmp_path)) == list(ANSWERED)


@pytest.mark.parametrize(("call", "workers"), [("{batch: 1, deadline: 900}", 1), ("{batch: 1}", 2)])
def test_killed_run_leaves_no_process_behind_and_resume_completes_it(tmp_path: Path, call: str, workers: int) -> None:
    home = Home(tmp_path, "hangsinline", call, workers)
    process = home.start("--out", "out")
    wait_until(home.hangs_after_the_first_results)
    process.kill()
    process.communicate(timeout=30)
    wait_until(lambda: not list(alive(process.pid)), 5.0)
    home.gate.unlink()
    assert home.run("--out", "out", "--resume") == 0
    assert sorted(asked(tmp_path)) == ALL
    assert [result["id"] for result in results(home.out)] == ALL
    assert summary(home.out)["interrupted"] is False
