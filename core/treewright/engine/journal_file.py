"""The file ``journal.sqlite``: rows of answered requests, appended in transactions.

It knows SQLite and what can go wrong with a file; what the rows mean is ``journal``'s business.
Write-ahead log, ``synchronous=NORMAL``: a killed process loses no commit, a power failure at most
the last ones, and neither damages the file.
"""

import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from treewright_registry import ConfigurationError, DataError, StorageError, TreewrightError

FORMAT = 1
_APPLICATION = 0x54575247  # "TWRG": marks an SQLite file as a journal of ours
_PATIENCE = 30.0  # seconds to wait for another process that holds a lock
_CHECKPOINT = 1000  # pages of log that are moved into the file together

_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE repeated(problem TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE calls(
    problem TEXT, env TEXT, call INTEGER, request INTEGER, role TEXT, method TEXT,
    digest BLOB, failed INTEGER, seconds REAL, result BLOB, checksum INTEGER
);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {FORMAT};
COMMIT;
"""
_INSERT = "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_OF_PROBLEM = "SELECT * FROM calls WHERE rowid IN (SELECT value FROM json_each(?)) ORDER BY rowid"


class Row(NamedTuple):
    """An answered request.

    Attributes:
        problem, env, call, request: which draw it was: the problem, the environment's path of child
            names below the search's own (empty), the call's number there, the request's place in it.
        role, method: whom it asked for what.
        digest: of the request's content.
        failed: 1 if it has no usable result.
        seconds: that it took in the component.
        result: what came of it, encoded.
        checksum: CRC-32 of ``result``.
    """

    problem: str
    env: str
    call: int
    request: int
    role: str
    method: str
    digest: bytes
    failed: int
    seconds: float
    result: bytes
    checksum: int


class JournalFile:
    """An open journal.

    Args:
        path: the file; it is made if it does not exist or is empty.
        patience: seconds to wait for a lock.

    Raises:
        ConfigurationError: a newer version wrote it.
        DataError: it is damaged, or no journal.
        StorageError: it cannot be opened for writing.
    """

    def __init__(self, path: Path, patience: float | None = None) -> None:
        self.path = path
        with self._explained():
            self._connection = sqlite3.connect(
                path, timeout=_PATIENCE if patience is None else patience, isolation_level=None
            )
        try:
            with self._explained():
                self._open()
        except TreewrightError:
            self._connection.close()
            raise

    def append(self, rows: Sequence[Row]) -> None:
        """Add rows, all or none; committed when this returns."""
        execute = self._connection.execute
        with self._explained():
            if len(rows) == 1:
                execute(_INSERT, rows[0])
                return
            execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(_INSERT, rows)
                execute("COMMIT")
            except BaseException:  # Ctrl-C too must not leave the transaction open
                self._roll_back()
                raise

    def places(self) -> dict[str, "array[int]"]:
        """Problem → numbers of its rows; eight bytes for each call."""
        places: dict[str, array[int]] = {}
        with self._explained():
            for problem, rowid in self._connection.execute("SELECT problem, rowid FROM calls"):
                if problem not in places:
                    places[problem] = array("q")
                places[problem].append(rowid)
        return places

    def rows(self, places: "array[int]") -> list[Row]:
        """The rows with these numbers, oldest first."""
        numbers = "[" + ",".join(map(str, places)) + "]"
        with self._explained():
            return [Row(*found) for found in self._connection.execute(_OF_PROBLEM, (numbers,))]

    def repeat(self, problems: Sequence[str]) -> None:
        """Prepare problems that failed to be solved again: their failed requests are forgotten."""
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for problem in problems:
                    self._connection.execute("INSERT OR IGNORE INTO repeated VALUES (?)", (problem,))
                marked = "DELETE FROM calls WHERE failed AND problem IN (SELECT problem FROM repeated)"
                self._connection.execute(marked)
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def forget(self, problems: Sequence[str]) -> None:
        """Remove all rows of problems, and give their space back to the disk."""
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany("DELETE FROM calls WHERE problem = ?", [(each,) for each in problems])
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            self._connection.execute("VACUUM")

    def repeated(self) -> set[str]:
        """Problems that failed once and are solved again."""
        with self._explained():
            return {problem for (problem,) in self._connection.execute("SELECT problem FROM repeated")}

    def count(self) -> int:
        """How many rows there are."""
        with self._explained():
            [(count,)] = self._connection.execute("SELECT count(*) FROM calls")
        return int(count)

    def meta(self) -> dict[str, str]:
        """What is known of the run: ``configuration`` (digest), ``treewright`` (version)."""
        with self._explained():
            return dict(self._connection.execute("SELECT name, value FROM meta"))

    def set_meta(self, **values: str) -> None:
        """Write entries of ``meta``."""
        with self._explained():
            self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def check(self) -> None:
        """Look at every page for damage.

        Raises:
            DataError: some page is damaged.
        """
        with self._explained():
            [(found,), *_] = self._connection.execute("PRAGMA quick_check(1)").fetchall()
        if found != "ok":
            raise self.damaged(" ".join(str(found).split()))

    def close(self) -> None:
        """Close; the last to close moves the log into the file."""
        with suppress(sqlite3.Error):  # everything is committed; the next to open tidies up
            self._connection.close()

    def damaged(self, what: str) -> DataError:
        """The error for a file that cannot be trusted."""
        return DataError(
            f"{self.path}: is damaged: {what}\n"
            f"    finished problems are safe in results.jsonl; to go on, remove {self.path.name},"
            f" {self.path.name}-wal and {self.path.name}-shm\n"
            "    and repeat with --resume: calls of unfinished problems are then made (and paid) again"
        )

    # -- opening ------------------------------------------------------------------------------

    def _open(self) -> None:
        pragma = self._pragma
        pragma("synchronous = NORMAL")
        pragma(f"wal_autocheckpoint = {_CHECKPOINT}")
        if not self._connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            self._in_wal_mode()
            self._connection.executescript(_SCHEMA)
        elif pragma("application_id") != _APPLICATION:
            what = f"{self.path}: is an SQLite file, but no journal of treewright"
            raise DataError(f"{what}\n    move it away, or choose another --out")
        elif pragma("user_version") != FORMAT:
            raise self._of_another_format(pragma("user_version"))
        else:
            self._in_wal_mode()

    def _in_wal_mode(self) -> None:
        if self._pragma("journal_mode = WAL") != "wal":
            what = f"{self.path}: its file system allows no write-ahead log (shared memory is missing)"
            raise StorageError(f"{what}\n    choose an --out on a local disk, or add --journal off")

    def _pragma(self, statement: str) -> object:
        found = self._connection.execute(f"PRAGMA {statement}").fetchone()
        return None if found is None else found[0]

    def _of_another_format(self, version: object) -> ConfigurationError:
        by = self.meta().get("treewright", "another version")
        return ConfigurationError(
            f"{self.path}: has format {version}, written by treewright {by}; this version reads format {FORMAT}\n"
            "    go on with that version, or choose another --out"
        )

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    # -- what went wrong ----------------------------------------------------------------------

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._explanation(error) from error

    def _explanation(self, error: sqlite3.Error) -> TreewrightError:
        code = getattr(error, "sqlite_errorname", "")
        if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return self.damaged(str(error))
        what, repair = f"cannot be written: {error} ({code})", "see to it"
        for prefix, (said, advice) in _TROUBLES.items():
            if code.startswith(prefix):
                what, repair = f"{said} ({error})", advice
                break
        folder = self.path.parent
        return StorageError(
            f"{self.path}: {what}\n    {repair}, then go on: repeat the command with  --resume --out {folder}\n"
            "    what was answered until now is kept, but for the calls under way"
        )


_TROUBLES = {
    "SQLITE_FULL": ("cannot be written: the disk is full", "free some space"),
    "SQLITE_IOERR_WRITE": ("cannot be written: the disk, a quota or a limit of file size is full", "free some space"),
    "SQLITE_BUSY": ("another process holds a lock on it", "end that process (fuser shows it)"),
    "SQLITE_READONLY": ("is read-only", "make it writable"),
    "SQLITE_CANTOPEN": ("cannot be opened for writing", "make the folder writable"),
}
