"""What can happen to a journal's file: it is survived, or refused with what to do about it."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.toys import component, pipeline
from tests.run.killing import CASES, Home
from tests.run.paid_parts import Remote, paid
from tests.run.running import results, run
from tests.run.test_journal import uncached
from treewright import __version__
from treewright.engine import journal_file
from treewright.engine.journal_file import FORMAT, JournalFile
from treewright.pipeline import CallSettings, PipelineSpec
from treewright.searches.sample import Sample
from treewright_registry import ConfigurationError, DataError, StorageError


def specification(folder: Path, **options: Any) -> PipelineSpec:
    policy = component("policy", Remote, CallSettings(retries=0, concurrency=2), log=str(folder / "log"), **options)
    return pipeline(policy=policy, search=component("search", Sample, n=8, wave=1), count=4)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A run folder as a kill left it when 20 of 32 calls were paid; none of its problems is finished."""
    run(tmp_path / "out", specification(tmp_path, copy_at=20, run=str(tmp_path / "out")))
    (tmp_path / "log").unlink()
    (tmp_path / "out-copy" / "results.jsonl").unlink(missing_ok=True)
    return tmp_path / "out-copy"


def goes_on(folder: Path) -> int:
    """Resume the copy; how many calls had to be paid."""
    log = folder.parent / "log"
    log.unlink(missing_ok=True)
    run(folder, specification(folder.parent), resume=True)
    assert uncached(results(folder)) == uncached(results(folder.parent / "out"))
    return len(paid(log))


def kept(folder: Path) -> int:
    """How many answers the journal holds, read from a copy."""
    look = shutil.copytree(folder, folder.with_name("look"))
    file = JournalFile(look / "journal.sqlite")
    count = file.count()
    file.close()
    shutil.rmtree(look)
    return count


# -- torn and damaged files -------------------------------------------------------------------


def test_log_torn_at_any_byte_costs_only_the_calls_that_it_lost(stopped: Path) -> None:
    log = stopped / "journal.sqlite-wal"
    whole, moments, costs = log.read_bytes(), random.Random(5), []
    committed = kept(stopped)
    lengths = sorted([0, 31, len(whole) - 1, len(whole), *(moments.randrange(len(whole)) for _ in range(8))])
    for length in lengths:
        torn = shutil.copytree(stopped, stopped.with_name(f"torn-{length}"))
        (torn / "journal.sqlite-wal").write_bytes(whole[:length])
        costs.append(goes_on(torn))
    assert costs == sorted(costs, reverse=True)  # the longer the log, the less is paid
    assert (costs[0], costs[-1]) == (32, 32 - committed)


def test_damaged_page_of_the_log_costs_only_the_calls_behind_it(stopped: Path) -> None:
    log = stopped / "journal.sqlite-wal"
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 0xFF
    committed = kept(stopped)
    log.write_bytes(data)
    assert 32 - committed < goes_on(stopped) < 32


def test_missing_journal_of_a_resumed_run_costs_the_calls_of_unfinished_problems(stopped: Path) -> None:
    for path in stopped.glob("journal.sqlite*"):
        path.unlink()
    assert goes_on(stopped) == 32


def moved_into_the_file(folder: Path) -> Path:
    """The journal without a log."""
    JournalFile(folder / "journal.sqlite").close()
    assert not (folder / "journal.sqlite-wal").exists()
    return folder / "journal.sqlite"


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 5000)


def garbled(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to be taken for one" * 200)


def page_overwritten(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[3 * 4096 : 4 * 4096] = random.Random(3).randbytes(4096)
    path.write_bytes(data)


def result_overwritten(path: Path) -> None:
    data = path.read_bytes()
    at = data.rindex(b',"stop"]')
    path.write_bytes(data[:at] + b',"stap"]' + data[at + 8 :])


@pytest.mark.parametrize("damage", [truncated, garbled, page_overwritten, result_overwritten])
def test_damaged_file_is_refused_and_left_alone(stopped: Path, damage: Callable[[Path], None]) -> None:
    path = moved_into_the_file(stopped)
    damage(path)
    before = path.read_bytes()
    with pytest.raises(DataError) as refused:
        goes_on(stopped)
    text = str(refused.value)
    assert text.startswith(f"{path}: is damaged: ")
    assert text.endswith(
        "\n    finished problems are safe in results.jsonl; to go on, remove journal.sqlite,"
        " journal.sqlite-wal and journal.sqlite-shm\n"
        "    and repeat with --resume: calls of unfinished problems are then made (and paid) again"
    )
    assert path.read_bytes() == before
    assert paid(stopped.parent / "log") == []
    for each in stopped.glob("journal.sqlite*"):  # do as the message says
        each.unlink()
    assert goes_on(stopped) == 32


# -- files of somebody else -------------------------------------------------------------------


def test_journal_of_a_newer_format_is_refused_with_the_version_that_wrote_it(stopped: Path) -> None:
    path = moved_into_the_file(stopped)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
        connection.execute("UPDATE meta SET value = '9.9' WHERE name = 'treewright'")
    connection.close()
    with pytest.raises(ConfigurationError) as refused:
        goes_on(stopped)
    assert str(refused.value) == (
        f"{path}: has format {FORMAT + 1}, written by treewright 9.9; this version reads format {FORMAT}\n"
        "    go on with that version, or choose another --out"
    )


def test_database_of_another_program_is_refused_and_left_alone(stopped: Path) -> None:
    path = stopped / "journal.sqlite"
    for each in stopped.glob("journal.sqlite*"):
        each.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes(name TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(DataError) as refused:
        goes_on(stopped)
    assert str(refused.value) == (
        f"{path}: is an SQLite file, but no journal of treewright\n    move it away, or choose another --out"
    )
    assert path.read_bytes() == before


@pytest.mark.parametrize("resume", [False, True])
def test_journal_without_its_configuration_is_refused_and_left_alone(stopped: Path, resume: bool) -> None:
    (stopped / "config.yaml").unlink()
    path = moved_into_the_file(stopped)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError) as refused:
        run(stopped, specification(stopped.parent), resume=resume)
    assert str(refused.value) == (
        f"{path}: is there, but the config.yaml of its run is missing\n    restore that file, or choose another --out"
    )
    assert path.read_bytes() == before
    assert not (stopped / "config.yaml").exists()


def test_journal_tells_format_configuration_and_version(stopped: Path) -> None:
    file = JournalFile(stopped / "journal.sqlite")
    assert sorted(file.meta()) == ["configuration", "treewright"]
    assert file.meta()["treewright"] == __version__
    file.close()


# -- locks ------------------------------------------------------------------------------------

HOLD = """\
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


def held(path: Path, seconds: float) -> "subprocess.Popen[bytes]":
    """Another process that holds a lock on ``path`` for so long."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path), str(seconds)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_lock_that_is_given_back_is_waited_for(stopped: Path) -> None:
    committed = kept(stopped)
    holder = held(stopped / "journal.sqlite", 0.5)
    assert goes_on(stopped) == 32 - committed
    holder.communicate()


def test_lock_that_is_kept_stops_the_run_and_nothing_committed_is_paid_again(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "_PATIENCE", 0.2)
    committed = kept(stopped)
    holder = held(stopped / "journal.sqlite", 600)
    with pytest.raises(StorageError) as raised:
        goes_on(stopped)
    assert str(raised.value) == (
        f"{stopped}/journal.sqlite: another process holds a lock on it (database is locked)\n"
        f"    end that process (fuser shows it), then go on: repeat the command with  --resume --out {stopped}\n"
        "    what was answered until now is kept, but for the calls under way"
    )
    holder.kill()
    holder.communicate()
    assert goes_on(stopped) == 32 - committed


WRITE = """\
import sys
from pathlib import Path
from treewright.engine.journal_file import JournalFile, Row
file = JournalFile(Path(sys.argv[1]))
for call in range(300):
    row = Row(sys.argv[2], "", call, 0, "policy", "propose", b"", 0, 0.0, b"[]", 0)
    file.append([row] * (call % 2 + 1))
file.close()
"""


def test_processes_that_write_at_the_same_time_lose_no_row(tmp_path: Path) -> None:
    JournalFile(tmp_path / "journal.sqlite").close()
    path = str(tmp_path / "journal.sqlite")
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, path, f"p{number}"]) for number in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0, 0]
    file = JournalFile(tmp_path / "journal.sqlite")
    assert {problem: len(rows) for problem, rows in file.places().items()} == {f"p{n}": 450 for n in range(4)}
    file.close()


# -- disks ------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A small disk; called with mount options it is mounted (again) with them."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = False

    def mount(options: str) -> Path:
        nonlocal mounted
        more = f"remount,{options}" if mounted else options
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", more, "tmpfs", str(folder)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.decode().strip()}")
        mounted = True
        return folder

    yield mount
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_full_disk_stops_the_run_and_it_goes_on_when_there_is_space(
    tmp_path: Path, disk: Callable[[str], Path], workers: int
) -> None:
    home = Home(tmp_path / "home", CASES["best-of-n"]._replace(workers=workers))
    out = str(disk("size=160k") / "out")
    stopped = home.start(out)
    _, stderr = stopped.communicate(timeout=60)
    assert stopped.returncode == 1
    said = stderr.decode().splitlines()
    assert said[0].endswith(
        ("cannot be written: the disk is full (database or disk is full)", "No space left on device")
    )
    assert said[1].startswith("    free some space, then go on: repeat the command with")
    assert "Traceback" not in stderr.decode()
    committed = home.committed(out)
    assert committed > 0
    before = home.paid()
    disk("size=16m")
    home.finish(out, "--resume")
    home.finish("whole")
    assert home.committed(out) == home.committed("whole")
    assert len(set(home.paid_since(before))) >= home.committed("whole") - committed > 0
    assert uncached(results(Path(out))) == uncached(results(home.folder / "whole"))


def test_limit_of_file_size_stops_the_run_and_it_goes_on_without_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", CASES["best-of-n"])
    limited = [sys.executable, "-c", LIMITED, "120000", *home.command("out")[1:]]
    stopped = subprocess.run(limited, cwd=home.folder, env=home.environment(), capture_output=True, check=False)
    assert stopped.returncode == 1
    said = stopped.stderr.decode().splitlines()
    assert "cannot be written: the disk, a quota or a limit of file size is full (disk I/O error)" in said[0]
    assert said[1].startswith("    free some space, then go on: repeat the command with  --resume --out out")
    committed, before = home.committed("out"), home.paid()
    assert 0 < committed <= before
    home.finish("out", "--resume")
    assert home.paid() - before == home.committed("out") - committed  # nothing committed was paid again
    home.finish("whole")
    assert uncached(results(home.folder / "out")) == uncached(results(home.folder / "whole"))


LIMITED = (
    "import os, resource, sys; size = int(sys.argv[1]);"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)); os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
)


def test_read_only_folder_is_refused(tmp_path: Path, disk: Callable[[str], Path], stopped: Path) -> None:
    folder = shutil.copytree(stopped, disk("size=1m") / "out")
    disk("ro")
    with pytest.raises(StorageError) as refused:
        run(folder, specification(tmp_path), resume=True)
    assert str(refused.value) == (
        f"{folder}/.lock: cannot be written: Read-only file system\n"
        "    make it writable, then go on: repeat the command with --resume and the same --out"
    )
    with pytest.raises(StorageError, match="cannot be opened for writing"):
        JournalFile(folder / "journal.sqlite")


def test_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened for writing"):
        JournalFile(tmp_path / "nowhere" / "journal.sqlite")


# -- killed while the journal was made --------------------------------------------------------


@pytest.mark.parametrize("made", ["nothing", "empty file", "empty database"])
def test_journal_that_was_only_begun_is_made_anew(tmp_path: Path, made: str) -> None:
    run(tmp_path / "out", specification(tmp_path))
    begun = tmp_path / "begun"
    begun.mkdir()
    shutil.copy(tmp_path / "out" / "config.yaml", begun)
    if made != "nothing":
        (begun / "journal.sqlite").touch()
    if made == "empty database":
        connection = sqlite3.connect(begun / "journal.sqlite")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
    assert goes_on(begun) == 32
