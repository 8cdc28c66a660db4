"""A file that stores the state of a sandbox and survives a crash.

1. ``save`` writes all changes in one transaction, which is on disk, in the main file, when it returns.
   It is called before a response is sent, before a report is posted, and as soon as a report was
   responded to: whatever a client saw is in the file, also if its write-ahead log is cut short.
2. A report is not posted again once its acknowledgement is in the file. A crash between the response of
   the callback server and that save posts it once more; no sender can avoid that.
3. After a failed save nothing more is saved. Memory is then ahead of the file, and only a restart from
   the file makes them agree.
4. One process at a time: the file is locked while it is used.
5. Generated ids follow from a seed and a serial. Both are in the file, so that no id is reused.

The file is an SQLite database with a write-ahead log. While it is used, and after a crash, it needs the
second file of the same name with ``-wal``; opening it without that file is an error.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infobip_sms import sqlite_file

from .rows import Link, StoredBulk, StoredMessage, WebhookDelivery
from .serialization import PARSE_ERRORS, RowSerializer, parse_instant
from .state import State
from .statuses import get_error, get_status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .rows import Key, Row

_APPLICATION_ID = 0x534D5353  # "SMSS", the application id of SQLite files
_FORMAT_VERSION = 3
_HEADER = b"SQLite format 3\x00"
_APPLICATION_ID_OFFSET = 68  # in bytes, in every SQLite file
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
_SWEEP_RATIO = 10  # unused contents are deleted after one row in ten was
_WAL_MISSING = (
    "its file {} is missing. Restore it, or create an empty file of that name if nothing was lost"
)
_COUNTERS = ("serial", "delivery_serial", "second", "clock")
"""What a state has besides its rows."""
_MIN_INSTANT = dt.datetime.min.replace(tzinfo=dt.UTC)


class DataFileError(Exception):
    """A data file cannot be used or written; the message names the file and the reason."""


class DataFile:
    """The file of one sandbox, created if it does not exist.

    seed: for a new file; an existing one keeps its own.
    """

    def __init__(self, path: str | Path, seed: str = "") -> None:
        self._path = Path(path)
        self._serializer = RowSerializer()
        self._counters, self._deleted_messages = "", 0
        self.error: DataFileError | None = None
        """Why the file could not be written; nothing is written after that."""
        has_wal = sqlite_file.get_wal(self._path).exists()
        with self._translate_errors():
            sqlite_file.require_file_name(self._path)
            self._require_own_file()
            sqlite_file.create_private(self._path)
            self._file = sqlite3.connect(
                self._path, timeout=0, isolation_level=None, check_same_thread=False
            )
        try:
            with self._translate_errors():
                self.seed = self._open(seed, has_wal=has_wal)
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Merge the write-ahead log into the file, and unlock it."""
        with suppress(sqlite3.Error):  # nothing is lost, it only stays in two files
            sqlite_file.close(self._file, self._path, lambda: self._mark_open(0))

    def load(self) -> State:
        """Return the last saved state; from then on the state records its changes."""
        state = State()
        with self._translate_errors():
            try:
                self._read(state)
            except PARSE_ERRORS:
                raise self._build_error("it is damaged") from None
            unused = self._serializer.contents.keys() - self._serializer.used_digests
            with self._transaction():
                forget = [(key,) for key in unused]
                self._file.executemany("DELETE FROM content WHERE key = ?", forget)
            self._mark_open(1)
        self._serializer.clear()
        state.changes = {}
        return state

    def save(self, state: State) -> None:
        """Write all changes since the last save to disk.

        Raises DataFileError if that fails, and on every later call.
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
        sqlite_file.checkpoint(self._file)
        state.changes, self._counters = {}, counters

    def _read(self, state: State) -> None:
        """Load everything into an empty state."""
        # a cursor that is left open keeps the file and its -wal open
        with closing(self._file.execute("SELECT key, data FROM content")) as found:
            for key, text in found:
                self._serializer.add_content(key, text)
        for kind, table in _TABLE_NAMES.items():
            query = f"SELECT data FROM {table} ORDER BY ROWID"  # noqa: S608 - ours
            with closing(self._file.execute(query)) as found:
                state.put([self._serializer.parse_row(text, kind) for (text,) in found])
        ordered = sorted(
            state.fetchable, key=lambda n: (state.messages[n].done_at or _MIN_INSTANT, n)
        )
        state.fetchable = dict.fromkeys(ordered)
        ((self._counters,),) = self._file.execute("SELECT counters FROM sandbox")
        for name, value in _parse_counters(self._counters).items():
            setattr(state, name, value)
        _require_consistent(state)

    def _write(self, changes: dict[Key, Row | None]) -> None:
        """Write rows and the contents that they reference, and delete the deleted rows."""
        texts: dict[str, list[tuple[int | str, str]]] = {
            table: [] for table in _TABLE_NAMES.values()
        }
        deleted: dict[str, list[tuple[int | str]]] = {table: [] for table in _TABLE_NAMES.values()}
        for (kind, key), row in changes.items():
            if row is None:
                deleted[_TABLE_NAMES[kind]].append((key,))
            else:
                texts[_TABLE_NAMES[kind]].append((key, self._serializer.dump_row(row)))
        self._file.executemany(
            "INSERT OR IGNORE INTO content (key, data) VALUES (?, ?)",
            self._serializer.new_contents.items(),
        )
        self._serializer.clear()
        for table, rows in texts.items():
            self._file.executemany(_UPSERT.format(table), rows)
        for table, keys in deleted.items():
            self._file.executemany(f"DELETE FROM {table} WHERE key = ?", keys)  # noqa: S608 - ours

    def _sweep(self, state: State) -> None:
        """Delete contents that no message references, once enough messages were deleted."""
        changes = (state.changes or {}).items()
        self._deleted_messages += sum(
            row is None for (kind, _), row in changes if kind is StoredMessage
        )
        if self._deleted_messages * _SWEEP_RATIO > len(state.messages):
            self._file.execute(_DELETE_UNUSED_CONTENT)
            self._deleted_messages = 0

    def _require_own_file(self) -> None:
        """Reject a file of another program before it is opened for writing."""
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
        """Lock the file, create its tables if it is new, and return the seed."""
        self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
        (application_id,) = self._file.execute("PRAGMA application_id").fetchone()
        (tables,) = self._file.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if tables == 0 and application_id in {0, _APPLICATION_ID}:
            self._create(seed)
        elif application_id != _APPLICATION_ID:
            raise self._build_error("it is another kind of file")
        (version,) = self._file.execute("PRAGMA user_version").fetchone()
        if version != _FORMAT_VERSION:
            raise self._build_error("another version of the sandbox wrote it; use a new file")
        stored, still_open = self._file.execute("SELECT seed, open FROM sandbox").fetchone()
        if still_open and not has_wal:
            raise self._build_error(_WAL_MISSING.format(sqlite_file.get_wal(self._path).name))
        if still_open:
            sqlite_file.require_sound(self._file)
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
        """Acquire the write lock, which locking_mode keeps."""
        with self._transaction():
            pass

    def _mark_open(self, value: int) -> None:
        """Record in the file whether it is in use."""
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
            with suppress(sqlite3.Error):  # SQLite itself may have rolled it back
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


def _parse_counters(text: str) -> dict[str, Any]:
    """Return the counters of a state; raise one of PARSE_ERRORS if they are damaged."""
    plain = json.loads(text)
    counters = {name: plain[name] for name in _COUNTERS}
    match counters:
        case {"serial": int(), "delivery_serial": int(), "second": [int(), int()], "clock": clock}:
            if clock is not None:
                microseconds, stopped_at, frozen = clock
                counters["clock"] = (int(microseconds), str(stopped_at), bool(frozen))
                dt.timedelta(microseconds=microseconds)
                _ = parse_instant(stopped_at) if stopped_at else None
            return {**counters, "second": tuple(counters["second"])}
    raise ValueError("damaged counters")


def _require_consistent(state: State) -> None:
    """Raise KeyError if a row references a message, a status or an error that there is not."""
    for sms in state.messages.values():
        for row in (sms, sms.outcome):
            get_status(row.status)
            get_error(row.error)
    for delivery in state.deliveries.values():
        get_status(delivery.status)
        get_error(delivery.error)
        state.messages[delivery.message_serial]


def _dump_counters(state: State) -> str:
    return json.dumps({name: getattr(state, name) for name in _COUNTERS})
