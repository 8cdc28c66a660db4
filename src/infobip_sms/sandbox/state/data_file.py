"""A file that keeps the state of a sandbox, through any end of the process.

1. ``save`` puts all that has changed into one transaction, which is on the disk when it returns. It
   is called before an answer leaves, before a report goes out, and as soon as the answer to a report
   came: what was answered is in the file.
2. A report is not pushed again once its acknowledgement is in the file. A kill between the response of
   the callback server and that moment makes it come once more: so much no sender can tell apart.
3. After a save that failed nothing more is saved. Memory is ahead of the file then, and only a new
   start from the file brings them together.
4. One process at a time: the file is locked while it is used.
5. Generated ids follow from a seed and a count. Both are in the file, so that none comes again.

The file is an SQLite database with a write-ahead log; while it is used, or after a kill, a second
file of the same name with ``-wal`` belongs to it, and is asked for if it is missing.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from infobip_sms import sqlite_file

from .rows import Link, StoredBulk, StoredMessage, WebhookDelivery
from .serialization import PARSE_ERRORS, RowSerializer
from .state import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .rows import Key, Row

_APPLICATION_ID = 0x534D5353  # "SMSS", where SQLite files say whose they are
_FORMAT_VERSION = 3
_HEADER = b"SQLite format 3\x00"
_APPLICATION_ID_OFFSET = 68  # bytes from the beginning of every SQLite file
_TABLE_NAMES: dict[type[Row], str] = {
    StoredMessage: "sms",
    StoredBulk: "bulk",
    Link: "link",
    WebhookDelivery: "push",
}
_SCHEMA = """
CREATE TABLE sandbox (seed TEXT NOT NULL, counters TEXT NOT NULL, open INTEGER NOT NULL);
CREATE TABLE content (key TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sms (key INTEGER PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE bulk (key INTEGER PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE link (place INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, data TEXT NOT NULL);
CREATE TABLE push (key INTEGER PRIMARY KEY, data TEXT NOT NULL)
"""
_UPSERT = (
    "INSERT INTO {0} (key, data) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET data = excluded.data"
)
_DELETE_UNUSED_CONTENT = (
    "DELETE FROM content WHERE key NOT IN (SELECT json_extract(data, '$.content') FROM sms)"
)
_SWEEP_RATIO = 10  # so much of the rows, one in ten, is gone before the contents are looked through
_WAL_MISSING = "its file {}-wal is missing. Restore it, or create an empty file of that name if nothing was lost"
_COUNTERS = ("serial", "delivery_serial", "second", "clock")
"""What a state has beside its rows."""
_MIN_INSTANT = dt.datetime.min.replace(tzinfo=dt.UTC)


class DataFileError(Exception):
    """A data file cannot be used or written; the text names it and says why."""


class DataFile:
    """The file of one sandbox, which is made if there is none.

    seed: for a new file; one that is there keeps its own.
    """

    def __init__(self, path: str | Path, seed: str = "") -> None:
        self._path = Path(path)
        self._serializer = RowSerializer()
        self._counters, self._deleted_messages = "", 0
        self.error: DataFileError | None = None
        """Why the file could not be written; nothing is written after that."""
        beside = sqlite_file.get_wal(self._path).exists()
        with self._translate_errors():
            sqlite_file.require_file_name(self._path)
            self._require_own_file()
            sqlite_file.create_private(self._path)
            self._file = sqlite3.connect(
                self._path, timeout=0, isolation_level=None, check_same_thread=False
            )
        try:
            with self._translate_errors():
                self.seed = self._open(seed, has_wal=beside)
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Put everything into the one file, and release it."""
        with suppress(sqlite3.Error):  # all is there, if in two files
            sqlite_file.close(self._file, self._path, lambda: self._mark_open(0))

    def load(self) -> State:
        """Return the state as it was saved last; from then on it records what changes."""
        state = State()
        with self._translate_errors():
            try:
                self._read(state)
            except PARSE_ERRORS as problem:
                raise self._build_error(f"it is damaged ({type(problem).__name__})") from None
            unused = self._serializer.contents.keys() - self._serializer.used_digests
            with self._transaction():
                forget = [(key,) for key in unused]
                self._file.executemany("DELETE FROM content WHERE key = ?", forget)
            self._mark_open(1)
        self._serializer.clear()
        state.changes = {}
        return state

    def save(self, state: State) -> None:
        """Write all that has changed since the last time; it is on the disk when this returns.

        Raises StoreError if that cannot be done, then and from then on.
        """
        if self.error is not None:
            raise self.error
        counters = _dump_counters(state)
        if not state.changes and counters == self._counters:
            return
        try:
            with self._translate_errors(), self._transaction():
                self._write(state.changes or {})
                self._sweep(state)
                self._file.execute("UPDATE sandbox SET counters = ?", (counters,))
        except DataFileError as problem:
            self.error = problem
            raise
        state.changes, self._counters = {}, counters

    def _read(self, state: State) -> None:
        """Put everything into an empty state."""
        for key, text in self._file.execute("SELECT key, data FROM content"):
            self._serializer.add_content(key, text)
        for kind, table in _TABLE_NAMES.items():
            found = self._file.execute(f"SELECT data FROM {table} ORDER BY ROWID")  # noqa: S608 - ours
            state.put([self._serializer.parse_row(text, kind) for (text,) in found])
        ended = sorted(
            state.fetchable, key=lambda n: (state.messages[n].done_at or _MIN_INSTANT, n)
        )
        state.fetchable = dict.fromkeys(ended)
        ((self._counters,),) = self._file.execute("SELECT counters FROM sandbox")
        counters = json.loads(self._counters)
        for name in _COUNTERS:
            value = counters[name]
            setattr(state, name, tuple(value) if isinstance(value, list) else value)

    def _write(self, changes: dict[Key, Row | None]) -> None:
        """Write rows, the contents that they name, and strike out what is gone."""
        texts: dict[str, list[tuple[int | str, str]]] = {
            table: [] for table in _TABLE_NAMES.values()
        }
        gone: dict[str, list[tuple[int | str]]] = {table: [] for table in _TABLE_NAMES.values()}
        for (kind, key), row in changes.items():
            if row is None:
                gone[_TABLE_NAMES[kind]].append((key,))
            else:
                texts[_TABLE_NAMES[kind]].append((key, self._serializer.dump_row(row)))
        self._file.executemany(
            "INSERT OR IGNORE INTO content (key, data) VALUES (?, ?)",
            self._serializer.new_contents.items(),
        )
        self._serializer.clear()
        for table, rows in texts.items():
            self._file.executemany(_UPSERT.format(table), rows)
        for table, keys in gone.items():
            self._file.executemany(f"DELETE FROM {table} WHERE key = ?", keys)  # noqa: S608 - ours

    def _sweep(self, state: State) -> None:
        """Strike out the contents that no message has any more, once enough messages are gone."""
        changes = (state.changes or {}).items()
        self._deleted_messages += sum(
            row is None for (kind, _), row in changes if kind is StoredMessage
        )
        if self._deleted_messages * _SWEEP_RATIO > len(state.messages):
            self._file.execute(_DELETE_UNUSED_CONTENT)
            self._deleted_messages = 0

    def _require_own_file(self) -> None:
        """Reject the file of somebody else before anything opens it that might write."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            start = file.read(_APPLICATION_ID_OFFSET + 4)
        if start and not (
            start.startswith(_HEADER)
            and start[_APPLICATION_ID_OFFSET:] in {bytes(4), _APPLICATION_ID.to_bytes(4, "big")}
        ):
            raise self._build_error("it is another kind of file")

    def _open(self, seed: str, *, has_wal: bool) -> str:
        """Lock the file, make its tables if it is new, and return the seed."""
        self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
        (mark,) = self._file.execute("PRAGMA application_id").fetchone()
        (tables,) = self._file.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if tables == 0 and mark in {0, _APPLICATION_ID}:
            self._create(seed)
        elif mark != _APPLICATION_ID:
            raise self._build_error("it is another kind of file")
        (form,) = self._file.execute("PRAGMA user_version").fetchone()
        if form != _FORMAT_VERSION:
            raise self._build_error("another version of the sandbox wrote it; use a new file")
        stored, still_open = self._file.execute("SELECT seed, open FROM sandbox").fetchone()
        if still_open and not has_wal:
            raise self._build_error(_WAL_MISSING.format(self._path.name))
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = FULL")
        self._lock()
        return str(stored)

    def _create(self, seed: str) -> None:
        with self._transaction():
            for statement in _SCHEMA.split(";"):
                self._file.execute(statement)
            counters = _dump_counters(State())
            self._file.execute("INSERT INTO sandbox VALUES (?, ?, 0)", (seed, counters))
            self._file.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._file.execute(f"PRAGMA user_version = {_FORMAT_VERSION}")

    def _lock(self) -> None:
        """Take the lock of a writer, which locking_mode keeps."""
        with self._transaction():
            pass

    def _mark_open(self, value: int) -> None:
        """Note whether the file is in use, in the file itself and not only beside it."""
        with self._transaction():
            self._file.execute("UPDATE sandbox SET open = ?", (value,))
        self._file.execute("PRAGMA wal_checkpoint(FULL)")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Write all or nothing."""
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._file.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # SQLite itself may have taken it back
                self._file.execute("ROLLBACK")
            raise

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as problem:
            reason = sqlite_file.describe_error(problem, busy="another sandbox uses it")
            raise self._build_error(reason) from None
        except OSError as problem:
            raise self._build_error(problem.strerror or type(problem).__name__) from None
        except sqlite_file.DAMAGE as problem:
            name = str(problem) if str(problem).startswith("it must be") else "it is damaged"
            raise self._build_error(name) from None

    def _build_error(self, reason: str) -> DataFileError:
        return DataFileError(f"data file {self._path.name}: {reason}")


def _dump_counters(state: State) -> str:
    return json.dumps({name: getattr(state, name) for name in _COUNTERS})
