"""The folder of a run.

config.yaml     the filled configuration with versions and seed
results.jsonl   a line per problem; in task order once the run has ended
summary.json    the figures
journal.sqlite  answers of expensive components, if there are any
traces/         the search tree of each problem
blobs/          images and other bytes, by content
"""

import errno
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from treewright.engine.trace import Trace
from treewright.run.records import Record, json_line
from treewright_registry import ConfigurationError, DataError, Problem, StorageError


class RunFolder:
    """Opens, writes and completes a run folder; one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results = path / "results.jsonl"
        self.blobs = path / "blobs"
        self.traces = path / "traces"
        self.journal = path / "journal.sqlite"
        self._lock: IO[str] | None = None
        self._begun_here = False

    def open(self, filled: str, *, resume: bool) -> dict[str, Record]:
        """Make the folder, or take it up again; the records that it holds already, by id.

        Raises:
            ConfigurationError: the folder holds another run, or another process uses it.
            DataError: what it holds cannot be read.
            StorageError: it cannot be written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = error.strerror or "unknown error"
            raise ConfigurationError(f"--out {self.path}: cannot be made a folder: {why}") from error
        self._acquire()
        try:
            self._begin(self.path / "config.yaml", filled, resume)
            return {record.id: record for record in self._finished()}
        except BaseException:
            self.close()
            raise

    def undo(self) -> None:
        """Remove what was made since ``open``, if it began the run and no problem has finished."""
        if self.results.exists() or not self._begun_here:
            return
        for name in ("config.yaml", ".lock", *(self.journal.name + end for end in ("", "-wal", "-shm"))):
            (self.path / name).unlink(missing_ok=True)
        if self.path.is_dir() and not any(self.path.iterdir()):
            self.path.rmdir()

    def _begin(self, config: Path, filled: str, resume: bool) -> None:
        if not config.exists():
            if self.journal.exists():
                what = f"{self.journal}: is there, but the config.yaml of its run is missing"
                raise ConfigurationError(f"{what}\n    restore that file, or choose another --out")
            _replace(config, filled)
            self._begun_here = True
        elif resume:
            self._compare(config, filled)
        else:
            raise ConfigurationError(
                f"{self.path}: holds a run already\n    go on with it: add --resume;  start anew: choose another --out"
            )

    def append(self, record: Record) -> None:
        """Add a line for a finished problem.

        It is with the operating system before this returns, so it outlives a kill of this process. It is not
        forced to the disk: after a power failure the last problems may be missing, and are solved again.
        """
        with writing(self.results), self.results.open("a", encoding="utf-8") as file:
            file.write(record.to_line() + "\n")

    def complete(self, order: Sequence[str], records: Mapping[str, Record], summary: Mapping[str, Any]) -> None:
        """Put the results in task order and write the summary; then let go of the folder."""
        lines = [records[id_].to_line() + "\n" for id_ in order if id_ in records]
        _replace(self.results, "".join(lines))
        _replace(self.path / "summary.json", json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
        self.close()

    def earlier_seconds(self) -> float:
        """Wall-clock time of earlier attempts that ended or were interrupted; a killed one left none."""
        summary = self.path / "summary.json"
        try:
            return float(json.loads(summary.read_text(encoding="utf-8"))["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0

    def close(self) -> None:
        """Let go of the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _acquire(self) -> None:
        with writing(self.path / ".lock"):
            self._lock = (self.path / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise ConfigurationError(f"{self.path}: another run is writing to this folder") from None

    def _compare(self, config: Path, filled: str) -> None:
        from treewright.configuration import differences

        changed = differences(config.read_text(encoding="utf-8"), filled, str(config))
        if changed:
            more = [f"… and {len(changed) - 8} more"] if len(changed) > 8 else []
            raise ConfigurationError(
                f"{config}: belongs to another configuration, so this run cannot go on with it\n    "
                + "\n    ".join([*changed[:8], *more])
                + "\n    use the same settings, or choose another --out"
            )

    def _finished(self) -> Iterable[Record]:
        """Records of earlier attempts. A torn last line (the process was killed) is dropped."""
        if not self.results.exists():
            return []
        content = self.results.read_bytes()  # not text: a record may be torn inside a character
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with writing(self.results):
                os.truncate(self.results, whole)
        # not splitlines: U+2028 and its like stand in records as they are
        return [self._record(number, line) for number, line in enumerate(content[:whole].split(b"\n")[:-1], start=1)]

    def _record(self, number: int, line: bytes) -> Record:
        try:
            return Record.from_line(line.decode("utf-8"))
        except (ValueError, TypeError, KeyError) as error:
            what = f"{self.results}:{number}: not a record of a run: {error}"
            raise DataError(f"{what}\n    delete that line; its problem is solved again") from error


class TraceFolder:
    """Writes the search tree of each problem to a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, problem: Problem, trace: Trace) -> None:
        """Write ``trace`` as JSON Lines, a line per node."""
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{file_name(problem.id)}.jsonl"
        _replace(path, "".join(json_line(row) + "\n" for row in trace.rows()))


def file_name(problem_id: str) -> str:
    """A file name for a problem: its id where that is plain, else made plain with a digest."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", problem_id)[:80].lstrip(".")
    if plain and plain == problem_id:
        return plain
    return f"{plain}-{hashlib.sha256(problem_id.encode()).hexdigest()[:8]}"


def configuration_digest(filled: str) -> str:
    """A digest of all that a filled configuration says of a run's answers."""
    from treewright.configuration import settings

    kept = json.dumps(settings(filled), sort_keys=True, allow_nan=True)
    return hashlib.sha256(kept.encode()).hexdigest()[:16]


def _replace(path: Path, text: str) -> None:
    """Write a file so that a crash leaves the old one or the new one, never half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
        except BaseException:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say what can be done where ``path`` cannot be written.

    Raises:
        StorageError: the system's error, with file and repair.
    """
    try:
        yield
    except OSError as error:
        repair = _REPAIRS.get(error.errno or 0, "see to it")
        raise StorageError(
            f"{path}: cannot be written: {error.strerror}\n"
            f"    {repair}, then go on: repeat the command with --resume and the same --out"
        ) from error


_REPAIRS = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space (the quota is used up)",
    errno.EFBIG: "lift the limit of file size (ulimit -f)",
    errno.EACCES: "make it writable",
    errno.EROFS: "make it writable",
}
