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
short, only verdicts are lost: what was marked is looked up. A request is one row, not one for each of
its destinations (``journal_file``). A file of the version before is converted when it is opened.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import attrs

from infobip_sms import sqlite_file
from infobip_sms.errors import Error

from . import journal_file
from .journal_file import JournalRecord
from .message_ids import DIGEST_SIZE, MessageIds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .journal_file import Span
    from .outcomes import QueuedDestination, Resolution

_APPLICATION_ID = 0x534D534A  # "SMSJ", where SQLite files say whose they are
_CONVERTIBLE = 3  # the version before this one
_PAGE = 1_000  # places read at a time
_MAX_NEW = 100  # spans of new places that wait to be written


class JournalError(Error, ValueError):
    """A journal cannot be used: it is of another input, in use, damaged, or no journal.

    index: the first destination of the input that differs, counted from 0; None for other reasons.
    """

    index: int | None = None
    __module__ = "infobip_sms"  # where to import it from, for tracebacks


_Update = tuple[Callable[..., None], float | str, int, int]


@attrs.define(eq=False)
class _Change:
    """What a thread waits for to be written."""

    write: Callable[..., None]
    ranges: Sequence[tuple[float | str, int, int]]
    """What is to be written of the places from the first to the last."""
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
        self._changes: list[_Change] = []  # that threads wait for
        self._new: list[Span] = []  # places that are not in the file yet
        self._count = 0  # places that were read, in this run or an earlier one
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
        with suppress(self._sqlite_error):
            self._write()  # what was read and never sent is not worth a file that cannot be closed
        self._mark_open(0)

    def load_records(self, items: Sequence[QueuedDestination]) -> list[JournalRecord]:
        """Return what is known of places that follow each other, and remember those that are new.

        They are written in order with the next mark or verdict. Raises JournalError if a place was another destination's, or had another content.
        """
        first = items[0].index
        known = self._load_known(items[: self._count - first]) if first < self._count else []
        new = [item.digest for item in items[len(known) :]]
        self._new += journal_file.build_spans(first + len(known), new)
        self._count += len(new)
        if len(self._new) > _MAX_NEW:
            with self._lock, self._translate_errors():
                self._write()
        return known + [JournalRecord()] * len(new)

    def _load_known(self, items: Sequence[QueuedDestination]) -> list[JournalRecord]:
        with self._lock, self._translate_errors():
            if self._new:
                self._write()
            places = journal_file.read_places(self._file, items[0].index, items[-1].index)
        for item, (digest, _) in zip(items, places, strict=True):
            if not _is_same(digest, item.digest):
                error = self._build_error(_INPUT_CHANGED.format(item.index))
                error.index = item.index
                raise error
        return [record for _, record in places]

    def mark_started(self, positions: Iterable[int], now: float) -> None:
        """Note that a request with these places is about to leave; on the disk when this returns.

        now: seconds since 1970.
        """
        ranges = [(now, first, last) for first, last in _list_ranges(positions)]
        self._submit(_Change(journal_file.set_begun, ranges))

    def record(self, resolutions: Mapping[int, Resolution]) -> None:
        """Note what happened to places."""
        shared = {id(verdict): verdict for verdict in resolutions.values()}
        words = {key: journal_file.dump_verdict(verdict) for key, verdict in shared.items()}
        places: dict[str, list[int]] = {text: [] for text in words.values()}
        for place, verdict in resolutions.items():
            places[words[id(verdict)]].append(place)
        ranges = [
            (text, first, last)
            for text, known in places.items()
            for first, last in _list_ranges(known)
        ]
        self._submit(_Change(journal_file.set_verdict, ranges))

    def _submit(self, change: _Change) -> None:
        """Write a change; threads that come while another one waits for the disk share one write."""
        self._changes.append(change)
        try:
            with self._lock, self._translate_errors():
                if not change.is_written:
                    waiting = list(self._changes)  # other threads add theirs and remove them
                    self._write([change for change in waiting if not change.is_written])
        finally:
            self._changes.remove(change)

    def _write(self, changes: Sequence[_Change] = ()) -> None:
        """Write all or nothing; places that were read and are not in the file yet come first."""
        updates = [(change.write, *ends) for change in changes for ends in change.ranges]
        marks = {
            (first, last): float(value)
            for write, value, first, last in updates
            if write is journal_file.set_begun
        }
        if marks and sqlite_file.find_identity(self._path) != self._identity:
            raise self._build_error(sqlite_file.NOT_IN_PLACE)
        new = list(self._new)  # more may come meanwhile
        self._write_rows(new, marks, updates)
        del self._new[: len(new)]
        if marks and not sqlite_file.checkpoint(self._file):
            self._sync()
        for change in changes:
            change.is_written = True

    def _write_rows(
        self,
        new: Sequence[Span],
        marks: Mapping[tuple[int, int], float],
        updates: Sequence[_Update],
    ) -> None:
        """Write new places with their marks, then what is left of the updates; one statement needs no transaction."""
        ends = {(span.first, span.last) for span in new}
        left = [
            row for row in updates if row[0] is not journal_file.set_begun or row[2:] not in ends
        ]
        is_one = (len(new) <= journal_file.MAX_ROWS and not left) or (not new and len(left) == 1)
        with nullcontext() if is_one else sqlite_file.transaction(self._file):
            all_new = journal_file.add_spans(self._file, new, marks)
            for write, value, first, last in left if all_new else updates:
                write(self._file, value, first, last)

    def _sync(self) -> None:
        """Wait until the log is on the disk, with all that is in it."""
        self._file.execute("PRAGMA synchronous = FULL")
        try:
            with sqlite_file.transaction(self._file):
                self._file.execute("UPDATE run SET open = 1")
        finally:
            self._file.execute("PRAGMA synchronous = NORMAL")

    def read_rows(self) -> Iterator[tuple[int, bytes, JournalRecord]]:
        """Yield each place, the digest of its messageId (empty for one of ours), and what is known of it."""
        for first in range(0, self._count, _PAGE):
            last = min(first + _PAGE, self._count) - 1
            with self._lock, self._translate_errors():
                found = journal_file.read_places(self._file, first, last)
            for place, (digest, record) in enumerate(found, first):
                yield place, digest[DIGEST_SIZE:], record

    def require_complete_input(self, count: int) -> None:
        """Raise JournalError if the input ended before the places that are known."""
        if count < self._count:
            raise self._build_error(
                f"it knows {self._count} destinations, and the input ended after {count}. Use the whole input,"
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
        if form not in {_CONVERTIBLE, journal_file.SCHEMA_VERSION}:
            raise self._build_error(_OTHER_VERSION)
        run, still_open = self._file.execute("SELECT id, open FROM run").fetchone()
        if still_open and not has_wal:
            raise self._build_error(_WAL_MISSING.format(sqlite_file.get_wal(self._path).name))
        if still_open:
            sqlite_file.require_sound(self._file)
        self._is_complete = True  # nothing that was written is missing
        if form == _CONVERTIBLE:
            with sqlite_file.transaction(self._file):
                journal_file.convert(self._file)
        self._count = journal_file.count_places(self._file)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._mark_open(1)
        self._file.execute("PRAGMA synchronous = NORMAL")
        return str(run)

    def _create(self) -> None:
        with sqlite_file.transaction(self._file):
            journal_file.create(self._file, str(uuid4()))
            self._file.execute(f"PRAGMA application_id = {_APPLICATION_ID}")

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
