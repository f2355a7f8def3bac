"""The journal of a run: answers of expensive components, on disk before any search sees them.

A request is named by its draw (problem, path of environments, number of the call, place in the
call), never by content alone. After a kill the same searches make the same calls again; those that
the journal holds are answered from it, at the cost that they had, and only the others are sent.

    env.propose → JournalledCall.start → replayed, or sent to its port
    port answers → fill → row pending → Journal.commit → searches go on

What is committed was paid once and is never paid again. A failure is replayed too, since an
uninterrupted run would have lived with it; but in a problem that ended with an error and is
repeated, failed requests are sent again, and what followed from them may differ from the journal.
"""

import zlib
from array import array
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treewright.engine.calls import Failure
from treewright.engine.journal_encoding import Digests, decode, encode, has_failed, is_plain
from treewright.engine.journal_file import JournalFile, Row
from treewright_registry import ConfigurationError, DataError, Problem, TreewrightError

if TYPE_CHECKING:
    from treewright.engine.journalled_call import JournalledCall

Place = tuple[str, int, int]  # path of environments, number of the call, place in the call


def prepare_journal(path: Path, *, configuration: str, version: str, repeat: Sequence[str] = ()) -> None:
    """Make the journal of a run, or make sure that it can be gone on with.

    Args:
        path: the file.
        configuration: digest of everything that a result depends on.
        version: of treewright, for messages.
        repeat: problems that ended with an error and are to be solved again.

    Raises:
        ConfigurationError: it belongs to another configuration, or a newer version wrote it.
        DataError: it is damaged.
        StorageError: it cannot be opened for writing.
    """
    file = JournalFile(path)
    try:
        before = file.meta().get("configuration")
        if before is None:
            file.set_meta(configuration=configuration, treewright=version)
        elif before != configuration:
            raise ConfigurationError(
                f"{path}: belongs to another configuration, so this run cannot go on with it\n"
                "    use the same settings, or choose another --out"
            )
        else:
            file.check()
        if repeat:
            file.repeat(repeat)
    finally:
        file.close()


def holds_answers(path: Path) -> bool:
    """Whether anything in a journal was paid for; a journal that is not there holds nothing."""
    if not path.exists():
        return False
    file = JournalFile(path)
    try:
        return file.count() > 0
    finally:
        file.close()


def prune_journal(path: Path, problems: Sequence[str]) -> None:
    """Remove what is kept of finished problems: a resumed run does not ask for it.

    Raises:
        StorageError: it cannot be written.
    """
    file = JournalFile(path)
    try:
        file.forget(problems)
    finally:
        file.close()


class Journal:
    """The journal as one process uses it.

    Args:
        path: the file, prepared by ``prepare_journal``.
        roles: whose calls are kept.
    """

    def __init__(self, path: Path, roles: Collection[str]) -> None:
        self.roles = frozenset(roles)
        self._file = JournalFile(path)
        self._pending: list[Row] = []
        self._places = self._file.places()
        self._repeated = self._file.repeated()

    def of(self, problem: Problem) -> "ProblemJournal":
        """What is kept of one problem, and what will be."""
        rows = self._file.rows(self._places.pop(problem.id, array("q")))
        return ProblemJournal(problem, self, rows, problem.id in self._repeated)

    def add(self, row: Row) -> None:
        """Keep a row, to be committed."""
        self._pending.append(row)

    def damaged(self, what: str) -> DataError:
        """The error for a journal that cannot be trusted."""
        return self._file.damaged(what)

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def commit(self) -> None:
        """Write what was answered since the last commit, in one transaction.

        Raises:
            StorageError: it cannot be written.
        """
        if self._pending:
            self._file.append(self._pending)
            self._pending = []

    def close(self) -> None:
        """Keep what was answered and not yet seen (the run was interrupted), and close."""
        # failures that come while everything is torn down are no answers
        self._pending = [row for row in self._pending if not row.failed]
        with suppress(TreewrightError):  # the run ends with an error already, and this is only a chance
            self.commit()
        self._file.close()


class ProblemJournal:
    """One problem's part of the journal.

    Attributes:
        roles: whose calls are kept.
    """

    __slots__ = ("_digests", "_journal", "_known", "_problem", "_repeated", "roles")

    def __init__(self, problem: Problem, journal: Journal, rows: Sequence[Row], repeated: bool) -> None:
        self._problem = problem
        self._journal = journal
        self.roles = journal.roles
        self._known: dict[Place, Row] = {(row.env, row.call, row.request): row for row in rows}  # the last word counts
        self._repeated = repeated
        self._digests = Digests(problem)

    @property
    def empty(self) -> bool:
        """Whether there is nothing left to replay."""
        return not self._known

    def known(self, call: "JournalledCall[Any]", place: int) -> Row | None:
        """What the journal holds for a request of a call that is about to be sent.

        Raises:
            ConfigurationError: the answer of another request.
            DataError: the row is damaged.
        """
        row = self._known.pop((call.env, call.number, place), None)
        if row is None:
            return None
        asked = (call.port.role, call.method, self._digests.of(call.requests[place]))
        if (row.role, row.method, row.digest) != asked:
            if self._repeated:
                return None
            raise self._changed(row, call)
        if zlib.crc32(row.result) != row.checksum:
            raise self._journal.damaged(f"a result of problem '{row.problem}' does not match its checksum")
        return row

    def keep(self, call: "JournalledCall[Any]", place: int, request: Any, outcome: Any, seconds: float) -> Any:
        """Note an answer, to be committed; it comes back as a replay would give it."""
        method = call.method
        try:
            result = encode(method, outcome)
        except (TypeError, ValueError) as error:
            outcome = Failure(f"{method} returned what JSON cannot hold: {error}")
            result = encode(method, outcome)
        self._journal.add(
            Row(
                self._problem.id,
                call.env,
                call.number,
                place,
                call.port.role,
                method,
                self._digests.of(request),
                int(has_failed(outcome)),
                seconds,
                result,
                zlib.crc32(result),
            )
        )
        return outcome if is_plain(outcome) else decode(method, result)

    def _changed(self, row: Row, call: "JournalledCall[Any]") -> ConfigurationError:
        where = f"problem '{row.problem}', call {row.call} of {row.env or 'the search'}, request {row.request}"
        return ConfigurationError(
            f"{self._journal.path}: {where}: the journal holds the answer to another request"
            f" ({row.role}.{row.method}, now {call.port.role}.{call.method})\n"
            "    the data, a component or treewright itself has changed since the run began\n"
            "    go back to what it was; or remove the journal (its files journal.sqlite*) and repeat with --resume:\n"
            "    finished problems are kept, calls of the others are made (and paid) again; or choose another --out"
        )
