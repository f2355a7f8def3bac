"""Kill real runs with SIGKILL at random moments, resume them, and count what was paid."""

import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.cli.process import environment
from tests.plugins_broken.distributions import install
from tests.run.paid_parts import paid
from tests.run.running import results, summary

ENTRY = """\
from treewright_registry import hookimpl
TREEWRIGHT_API = "1"
@hookimpl
def treewright_register(registry):
    registry.task("words", "tests.engine.toys:Words")
    registry.scorer("vowels", "tests.engine.toys:Vowels")
    for name in ("Remote", "RemoteSamples", "RemoteRewriter", "Local"):
        registry.policy(name.lower(), f"tests.run.paid_parts:{name}")
    for name in ("LocalReward", "RemoteReward", "Panel"):
        registry.scorer(name.lower(), f"tests.run.paid_parts:{name}")
"""
CONCURRENCY, BATCH = 6, 4
REMOTE = f"log: log, delay: 0.006, call: {{concurrency: {CONCURRENCY}, retries: 0}}"
LOCAL = f"log: log, delay: 0.006, call: {{batch: {BATCH}}}"


class Case(NamedTuple):
    """A pipeline whose policy, or scorer, or both cost something."""

    search: str
    policy: str
    scorer: str
    workers: int = 1


CASES = {
    "best-of-n": Case("core/sample, n: 8, wave: 2", f"toy/remote, {REMOTE}", f"toy/localreward, {LOCAL}"),
    "best-of-n, single samples": Case("core/sample, n: 8", f"toy/remotesamples, {REMOTE}", "toy/vowels"),
    "beam": Case("core/beam, width: 2, branch: 2", f"toy/local, {LOCAL}", f"toy/remotereward, {REMOTE}"),
    "mcts, two workers": Case("core/mcts, branch: 2", f"toy/remote, {REMOTE}", f"toy/localreward, {LOCAL}", 2),
    "self-refine": Case("core/self-refine-mcts", f"toy/remoterewriter, {REMOTE}", f"toy/remotereward, {REMOTE}"),
    "islands, two workers": Case(
        "core/islands, islands: 2, drafts: 2, branch: 2", f"toy/remoterewriter, {REMOTE}", "toy/vowels", 2
    ),
    "composite": Case("core/beam, width: 2, branch: 2", f"toy/remote, {REMOTE}", "toy/panel"),
}


class Home:
    """A folder with the plugin, the pipeline and its runs; all runs share one log of paid calls."""

    def __init__(self, folder: Path, case: Case, count: int = 12) -> None:
        self.folder = folder
        self.workers = case.workers
        folder.mkdir(exist_ok=True)
        install(folder, "toy", ENTRY)
        (folder / "run.yaml").write_text(
            f"task: {{use: toy/words, count: {count}}}\n"
            f"policy: {{use: {case.policy}}}\n"
            f"scorer: {{use: {case.scorer}}}\n"
            f"search: {{use: {case.search}}}\n"
            "budget: {candidates: 16}\n"
            "live: 6\n"
        )

    def command(self, out: str) -> list[str]:
        """What starts a run into ``out``."""
        command = [sys.executable, "-m", "treewright", "run", "run.yaml"]
        return [*command, "--out", out, "--workers", str(self.workers)]

    def environment(self) -> dict[str, str]:
        """Where it finds the plugin, and no other."""
        return environment([self.folder], "toy")

    def start(self, out: str, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*self.command(out), *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def finish(self, out: str, *arguments: str) -> None:
        """Run to the end; every problem must have its answer."""
        process = self.start(out, *arguments)
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr.decode()
        assert stderr == b""

    def kill(self, out: str, after: int, delay: float, *arguments: str) -> None:
        """Start, and kill once ``after`` more calls are paid and ``delay`` seconds have passed."""
        target = self.paid() + after
        process = self.start(out, *arguments)
        wait_until(lambda: self.paid() >= target or process.poll() is not None)
        time.sleep(delay)
        process.kill()
        process.communicate(timeout=30)
        wait_until(lambda: not list(alive(process.pid)))  # workers notice that their parent is gone

    def paid(self) -> int:
        return len(paid(self.folder / "log"))

    def paid_since(self, line: int) -> list[str]:
        return paid(self.folder / "log")[line:]

    def committed(self, out: str) -> int:
        """Rows of the journal, read from a copy so that the files stay as the kill left them."""
        shutil.rmtree(self.folder / "look", ignore_errors=True)
        (self.folder / "look").mkdir()
        for path in (self.folder / out).glob("journal.sqlite*"):
            shutil.copy(path, self.folder / "look")
        connection = sqlite3.connect(self.folder / "look" / "journal.sqlite")
        [(rows, distinct)] = connection.execute(
            "SELECT count(*), count(DISTINCT problem || ' ' || env || ' ' || call || ' ' || request) FROM calls"
        )
        connection.close()
        assert rows == distinct, "a call was journalled twice"
        return int(rows)


def survive(home: Home, moments: random.Random, kills: int, whole: str = "whole") -> None:
    """Kill a run so many times, let it end, and compare it with an uninterrupted one.

    ``whole`` is the folder of that one; it is made if it is not there.
    """
    if not (home.folder / whole).exists():
        home.finish(whole)
    total = home.committed(whole)
    begin, out, lost = home.paid(), f"killed-{home.paid()}", 0
    for attempt in range(kills):
        left = total - (home.paid() - begin - lost)
        after = moments.randint(1, max(1, left * 9 // 10 // (kills - attempt)))
        home.kill(out, after, moments.uniform(0.0, 0.01), *(["--resume"] if attempt else []))
        before, lost = lost, home.paid() - begin - home.committed(out)
        # under way at the kill: answers on their way, and one batch of answers not yet committed
        assert 0 <= lost - before <= 2 * home.workers * 2 * (CONCURRENCY + BATCH)
    home.finish(out, "--resume")
    lines = home.paid_since(begin)
    assert home.committed(out) == total == len(set(lines))
    assert len(lines) - total == lost  # what was lost with a kill is paid again, and nothing else is
    assert uncached(results(home.folder / out)) == uncached(results(home.folder / whole))
    assert uncached(summary(home.folder / out)) == uncached(summary(home.folder / whole))


def uncached(value: Any) -> Any:
    """Without seconds, at any depth, and without the count of answers that came from the journal."""
    if isinstance(value, dict):
        return {name: uncached(each) for name, each in value.items() if name not in ("seconds", "cached_calls")}
    return [uncached(each) for each in value] if isinstance(value, list) else value


def wait_until(happened: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.001)


def alive(session: int) -> Iterator[int]:
    """Processes of a session that still run (zombies do not)."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = entry.read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it has just ended
            continue
        if int(its_session) == session and state != "Z":
            yield int(entry.parent.name)
