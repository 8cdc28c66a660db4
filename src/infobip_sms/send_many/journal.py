"""A file that remembers what was sent, through any end of the process that sends.

1. Before a request leaves, the places of its destinations are on the disk (fsync), in the main file: it
   is brought there by a checkpoint, which waits for the log and for the file. A destination without such a mark was never sent; one with the mark and no verdict may have been.
2. Places are marked in the order of the input, without gaps, each with a digest of its destination
   and content. The same input must be given again, and the first place that differs is named: so
   nothing moves into a place that it would be sent from a second time.
3. No phone number and no text is in the file, only a digest of 12 bits for each destination, and one
   of 64 bits for each messageId of the input. The first shows a changed destination in 4,095 of 4,096
   cases. The key is in the same file: whoever has the file and
   the text can test guesses, and is left with 1 in 4,096 numbers, so it is created with mode 600.
4. One process at a time: the file is locked while it is used.

The file is an SQLite database with a write-ahead log; while it is used, or after a kill, a second
file of the same name with ``-wal`` belongs to it, and is asked for if it is missing. If it was cut
short, only verdicts are lost: what was marked is looked up.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from uuid import uuid4

import attrs
from infobip_sms_schema import Status

from infobip_sms import sqlite_file
from infobip_sms.errors import Error

from .message_ids import DIGEST_SIZE, MessageIds
from .outcomes import OutcomeState, Resolution

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .outcomes import QueuedDestination

_APPLICATION_ID = 0x534D534A  # "SMSJ", where SQLite files say whose they are
_SCHEMA_VERSION = 3
_PAGE = 1_000  # rows read at a time
_MAX_NEW = 10_000  # places that wait to be written
_ROWS_PER_INSERT = 300  # SQLite before 3.32 has at most 999 values in a statement
_STATES = get_args(OutcomeState)
_TABLES = """
CREATE TABLE run (id TEXT NOT NULL, open INTEGER NOT NULL);
CREATE TABLE verdict (id INTEGER PRIMARY KEY, words TEXT NOT NULL UNIQUE);
CREATE TABLE destination (
    place INTEGER PRIMARY KEY, digest BLOB NOT NULL, begun REAL, verdict INTEGER
);
"""
_SELECT_RECORDS = """
SELECT place, digest, begun, words FROM destination LEFT JOIN verdict ON verdict.id = verdict
WHERE place BETWEEN ? AND ?
"""
_SELECT_ROWS = """
SELECT place, digest, begun, words FROM destination LEFT JOIN verdict ON verdict.id = verdict
WHERE place > ? ORDER BY place LIMIT ?
"""
_INSERT = "INSERT OR REPLACE INTO destination (place, digest, begun) VALUES "
_UPDATE_STARTED = "UPDATE destination SET begun = ?, verdict = NULL WHERE place BETWEEN ? AND ?"
_UPDATE_VERDICT = """
UPDATE destination SET verdict = (SELECT id FROM verdict WHERE words = ?) WHERE place BETWEEN ? AND ?
"""


class JournalError(Error, ValueError):
    """A journal cannot be used: it is of another input, in use, damaged, or no journal.

    index: the first destination of the input that differs, counted from 0; None for other reasons.
    """

    index: int | None = None
    __module__ = "infobip_sms"  # where to import it from, for tracebacks


@attrs.frozen
class JournalRecord:
    """What a journal knows of one destination."""

    started_at: float | None = None
    """When a request with it was about to leave, in seconds since 1970; None if none was."""
    resolution: Resolution | None = None


@attrs.define(eq=False)
class _Mark:
    """What is to be written before the request of a thread leaves."""

    places: list[int]
    now: float
    is_written: bool = False


class Journal:
    """The journal of one run over one input; safe to share between threads."""

    def __init__(self, path: str | Path) -> None:
        import sqlite3  # noqa: PLC0415 - takes time, and some builds of Python are without it

        self._path = Path(path)
        self._sqlite_error = sqlite3.Error
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._is_complete = False
        self._marks: list[_Mark] = []  # that threads wait for
        self._new: list[tuple[int, bytes]] = []  # places and digests that are not in the file yet
        beside = sqlite_file.get_wal(self._path).exists()
        try:
            sqlite_file.require_usable(self._path)
        except ValueError as problem:
            raise self._build_error(str(problem)) from None
        sqlite_file.create_private(self._path)
        with self._translate_errors():
            self._file = sqlite3.connect(
                self._path, timeout=0, isolation_level=None, check_same_thread=False
            )
        self._identity = sqlite_file.find_identity(self._path)
        try:
            with self._translate_errors():
                self.message_ids = MessageIds(self._open(has_wal=beside))
        except BaseException:
            self._file.close()
            if self._is_complete:
                sqlite_file.leave_log(self._path)
            raise

    def close(self) -> None:
        """Put everything into the one file, and release it; a fork leaves that to the process that opened it."""
        if os.getpid() != self._process:
            sqlite_file.abandon(self._file)
            return
        with self._lock, self._translate_errors():
            sqlite_file.close(self._file, self._path, self._finish_twice)

    def _finish_twice(self) -> None:
        """Finish, also if interrupted: a file that is closed has to say so, or it looks damaged."""
        try:
            self._finish()
        except KeyboardInterrupt:
            with suppress(self._sqlite_error):  # it does, if only the last step was left
                self._finish()
            raise

    def _finish(self) -> None:
        sqlite_file.roll_back(self._file)
        with suppress(self._sqlite_error), self._write():
            pass  # what was read and never sent is not worth a file that cannot be closed
        self._mark_open(0)

    def load_records(self, items: Sequence[QueuedDestination]) -> list[JournalRecord]:
        """Return what is known of places that follow each other, and remember those that are new.

        They are written in order with the next mark or verdict. Raises JournalError if a place was another destination's, or had another content.
        """
        first = items[0].index
        with self._lock, self._translate_errors():
            rows = self._file.execute(_SELECT_RECORDS, (first, first + len(items) - 1)).fetchall()
            for item, (_, digest, _, _) in zip(items, rows, strict=False):
                if not _is_same(digest, item.digest):
                    error = self._build_error(_INPUT_CHANGED.format(item.index))
                    error.index = item.index
                    raise error
            new = items[len(rows) :]
            self._new += [(item.index, item.digest) for item in new]
            if len(self._new) > _MAX_NEW:
                with self._write():
                    pass
            known = [_parse_record(begun, words) for _, _, begun, words in rows]
        return known + [JournalRecord()] * len(new)

    def mark_started(self, positions: Iterable[int], now: float) -> None:
        """Note that a request with these places is about to leave; on the disk when this returns.

        now: seconds since 1970. Threads that come while another one waits for the disk share one write.
        """
        mark = _Mark(list(positions), now)
        self._marks.append(mark)
        try:
            with self._lock, self._translate_errors():
                if not mark.is_written:
                    self._write_marks(list(self._marks))
        finally:
            self._marks.remove(mark)

    def _write_marks(self, marks: list[_Mark]) -> None:
        if sqlite_file.find_identity(self._path) != self._identity:
            raise self._build_error(sqlite_file.NOT_IN_PLACE)
        first_new = self._new[0][0] if self._new else None
        with self._write({place: mark.now for mark in marks for place in mark.places}):
            for mark in marks:
                for first, last in _list_ranges(mark.places):
                    if first_new is None or first < first_new:  # they are in the file already
                        self._file.execute(_UPDATE_STARTED, (mark.now, first, last))
        if not sqlite_file.checkpoint(self._file):
            self._sync()
        for mark in marks:
            mark.is_written = True

    @contextmanager
    def _write(self, started: Mapping[int, float] | None = None) -> Iterator[None]:
        """Write all or nothing; places that were read and are not in the file yet come first.

        Each statement has many rows, as threads take turns at statements and each turn costs.
        started: when requests with new places were about to leave.
        """
        found = started or {}
        with sqlite_file.transaction(self._file):
            for first in range(0, len(self._new), _ROWS_PER_INSERT):
                rows = [
                    (*row, found.get(row[0])) for row in self._new[first : first + _ROWS_PER_INSERT]
                ]
                self._file.execute(
                    _build_insert(len(rows)), [value for row in rows for value in row]
                )
            yield
        self._new.clear()

    def _sync(self) -> None:
        """Wait until the log is on the disk, with all that is in it."""
        self._file.execute("PRAGMA synchronous = FULL")
        try:
            with sqlite_file.transaction(self._file):
                self._file.execute("UPDATE run SET open = 1")
        finally:
            self._file.execute("PRAGMA synchronous = NORMAL")

    def record(self, resolutions: Mapping[int, Resolution]) -> None:
        """Note what happened to places."""
        shared: dict[int, tuple[Resolution, list[int]]] = {}
        for place, verdict in resolutions.items():
            shared.setdefault(id(verdict), (verdict, []))[1].append(place)
        places: dict[str, list[int]] = {}
        for verdict, known in shared.values():
            places.setdefault(json.dumps(_list_facts(verdict)), []).extend(known)
        rows = [(words, _list_ranges(known)) for words, known in places.items()]
        with self._lock, self._translate_errors(), self._write():
            for words, ranges in rows:
                self._file.execute("INSERT OR IGNORE INTO verdict (words) VALUES (?)", (words,))
                for ends in ranges:
                    self._file.execute(_UPDATE_VERDICT, (words, *ends))

    def read_rows(self) -> Iterator[tuple[int, bytes, JournalRecord]]:
        """Yield each place, the digest of its messageId (empty for one of ours), and what is known of it."""
        place = -1
        while True:
            with self._lock, self._translate_errors():
                rows = self._file.execute(_SELECT_ROWS, (place, _PAGE)).fetchall()
                sqlite_file.require_order(place, rows)
                found = [(n, d[DIGEST_SIZE:], _parse_record(b, w)) for n, d, b, w in rows]
            if not found:
                return
            yield from found
            place = found[-1][0]

    def require_complete_input(self, count: int) -> None:
        """Raise JournalError if the input ended before the places that are known."""
        with self._lock, self._translate_errors():
            (known,) = self._file.execute(
                "SELECT COALESCE(MAX(place) + 1, 0) FROM destination"
            ).fetchone()
        if count < known:
            raise self._build_error(
                f"it knows {known} destinations, and the input ended after {count}. Use the whole input,"
                f" or start a new journal, {_NEW_JOURNAL}"
            )

    def _open(self, *, has_wal: bool) -> str:
        """Lock the file, make its tables if it is new, and return the id of its run."""
        self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
        (mark,) = self._file.execute("PRAGMA application_id").fetchone()
        (tables,) = self._file.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if tables == 0 and mark in {0, _APPLICATION_ID}:
            self._create()
        elif mark != _APPLICATION_ID:
            raise self._build_error("it is another kind of file")
        (form,) = self._file.execute("PRAGMA user_version").fetchone()
        if form != _SCHEMA_VERSION:
            raise self._build_error(_OTHER_VERSION)
        run, still_open = self._file.execute("SELECT id, open FROM run").fetchone()
        if still_open and not has_wal:
            raise self._build_error(_WAL_MISSING.format(sqlite_file.get_wal(self._path).name))
        if still_open:
            sqlite_file.require_sound(self._file)
        self._is_complete = True  # nothing that was written is missing
        self._file.execute("PRAGMA journal_mode = WAL")
        self._mark_open(1)
        self._file.execute("PRAGMA synchronous = NORMAL")
        return str(run)

    def _create(self) -> None:
        with sqlite_file.transaction(self._file):
            for statement in _TABLES.split(";"):
                self._file.execute(statement)
            self._file.execute("INSERT INTO run VALUES (?, 0)", (str(uuid4()),))
            self._file.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._file.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    def _mark_open(self, value: int) -> None:
        """Note whether the file is in use, and bring all that was written into the main file."""
        self._file.execute("PRAGMA synchronous = FULL")
        with sqlite_file.transaction(self._file):
            self._file.execute("UPDATE run SET open = ?", (value,))
        self._file.execute("PRAGMA wal_checkpoint(FULL)")

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except JournalError:
            raise
        except self._sqlite_error as problem:
            reason = sqlite_file.describe_error(problem, busy="another process uses it")
            raise self._build_error(reason) from None
        except sqlite_file.DAMAGE:
            raise self._build_error("it is damaged") from None

    def _build_error(self, reason: str) -> JournalError:
        advice = f". Restore it, or start a new journal, {_NEW_JOURNAL}"
        return JournalError(
            f"journal {self._path.name}: {reason}{advice if reason.endswith('damaged') else ''}"
        )


@cache
def _build_insert(count: int) -> str:
    return _INSERT + ", ".join(["(?, ?, ?)"] * count)


def _is_same(known: bytes, digest: bytes) -> bool:
    """Tell whether a digest of the file is that of a destination; older files have no messageId's."""
    return known in {digest, digest[:DIGEST_SIZE]}


_NEW_JOURNAL = "with which everything is sent again"
_INPUT_CHANGED = (
    "it was written for different input (first difference: destination {}). Use the same messages in"
    f" the same order, or start a new journal, {_NEW_JOURNAL}"
)
_OTHER_VERSION = (
    "another version of this library wrote it. Finish the run with that version, or start a new"
    f" journal, {_NEW_JOURNAL}"
)
_WAL_MISSING = (
    "its file {} is missing. Restore it, or create an empty file of that name if nothing was lost"
)


def _list_ranges(places: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and the last of places that follow each other: mostly those of a whole request."""
    ranges: list[tuple[int, int]] = []
    ordered = sorted(places)
    if ordered and ordered[-1] - ordered[0] == len(ordered) - 1:
        return [(ordered[0], ordered[-1])]
    for place in ordered:
        if ranges and place == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], place)
        else:
            ranges.append((place, place))
    return ranges


def _list_facts(resolution: Resolution) -> tuple[object, ...]:
    """Return what is written of a resolution."""
    status = resolution.status
    known = status and (status.group_id, status.group_name, status.id, status.name)
    return (resolution.state, resolution.reason, known, resolution.bulk_id)


def _parse_record(begun: object, words: str | None) -> JournalRecord:
    """Return what a row says; raise ValueError or TypeError for one that was never written."""
    if not isinstance(begun, float | None):
        raise TypeError
    return JournalRecord(begun, None if words is None else _parse_resolution(words))


@lru_cache(16)  # the destinations of a request have the same words
def _parse_resolution(text: str) -> Resolution:
    state, reason, known, bulk_id = json.loads(text)
    if state not in _STATES or not isinstance(reason, str):
        raise ValueError
    return Resolution(state=state, reason=reason, status=_parse_status(known), bulk_id=bulk_id)


def _parse_status(fields: list[Any] | None) -> Status | None:
    if fields is None:
        return None
    group_id, group_name, number, name = fields
    return Status(group_id=group_id, group_name=group_name, id=number, name=name)
