"""A file that keeps delivery reports, each message and state once, until they are asked for.

1. When ``add`` returns, the reports are on the disk (fsync), in the main file.
2. Several processes may use the file at a time: a listener writes, others read.
3. Reports have phone numbers and texts, so the file is created with mode 600.
4. A report that is to be forwarded has a due time. The next one is set before each attempt, so a
   process that is killed in between repeats it later; reports of one message keep their order.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import attrs
from infobip_sms_schema import DeliveryReports

from infobip_sms import sqlite_file
from infobip_sms.codecs import wire_json
from infobip_sms.errors import Error
from infobip_sms.rules import MAX_REPORT_RETRIES, get_retry_delay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infobip_sms_schema import DeliveryReport

_APPLICATION_ID = 0x534D5352  # "SMSR", where SQLite files say whose they are
_SCHEMA_VERSION = 1
_BUSY_TIMEOUT = 5.0  # seconds to wait for another process that writes
_PAGE = 1_000  # rows read at a time
_LONGEST_DELAY = get_retry_delay(MAX_REPORT_RETRIES).total_seconds()
_TABLES = """
CREATE TABLE report (
    serial INTEGER PRIMARY KEY, message_id TEXT NOT NULL, state TEXT NOT NULL, final INTEGER NOT NULL,
    document BLOB NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due REAL,
    UNIQUE (message_id, state)
);
CREATE INDEX report_due ON report (due) WHERE due IS NOT NULL
"""
_INSERT = """
INSERT OR IGNORE INTO report (message_id, state, final, document, due) VALUES (?, ?, ?, ?, ?)
"""
_IS_FIRST = """
NOT EXISTS (
    SELECT 1 FROM report WHERE message_id = this.message_id AND message_id <> ''
    AND serial < this.serial AND due IS NOT NULL
)
"""
_SELECT_DUE = f"""
SELECT serial, document, attempts FROM report AS this WHERE (due <= ? OR due > ?) AND {_IS_FIRST}
ORDER BY due, serial LIMIT 1
"""  # noqa: S608 - of this module
_SELECT_NEXT_DUE = f"""
SELECT due FROM report AS this WHERE due IS NOT NULL AND {_IS_FIRST} ORDER BY due LIMIT 1
"""  # noqa: S608 - of this module
_SELECT_REPORT = """
SELECT document FROM report WHERE message_id = ? ORDER BY final DESC, serial DESC LIMIT 1
"""
_SELECT_IDS = "SELECT serial, message_id FROM report WHERE serial > ? ORDER BY serial LIMIT ?"


class ReportStoreError(Error, ValueError):
    """A file of delivery reports cannot be used: it is damaged, of another kind, or cannot be written."""

    __module__ = "infobip_sms"  # where to import it from, for tracebacks


@attrs.frozen
class QueuedReport:
    """A report that is to be posted now."""

    serial: int
    body: bytes = attrs.field(repr=False)
    attempt: int
    """Counted from 1."""
    next_due: float | None
    """When it is due again unless it is acknowledged, in seconds since 1970; None after the last attempt."""


class ReportStore:
    """The delivery reports of one file; safe to share between threads."""

    def __init__(self, path: str | Path, *, create: bool = True) -> None:
        import sqlite3  # noqa: PLC0415 - takes time, and some builds of Python are without it

        self._path = Path(path)
        self._sqlite_error = sqlite3.Error
        self._lock = threading.Lock()
        if not create and not self._path.exists():
            raise self._build_error("the file does not exist")
        try:
            sqlite_file.require_usable(self._path)
        except ValueError as problem:
            raise self._build_error(str(problem)) from None
        sqlite_file.create_private(self._path)
        with self._translate_errors():
            self._file = sqlite3.connect(
                self._path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
            )
        self._identity = sqlite_file.find_identity(self._path)
        try:
            with self._translate_errors():
                self._open()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock, self._translate_errors():
            self._file.close()

    def add(
        self, reports: Sequence[DeliveryReport], *, due: float | None = None
    ) -> list[DeliveryReport]:
        """Keep reports, and return those that are new; they are on the disk when this returns.

        due: when they are to be forwarded, in seconds since 1970; None for never.
        """
        rows = [_build_row(report, due) for report in reports]
        new: list[DeliveryReport] = []
        with self._lock, self._translate_errors(), self._transaction():
            for report, row in zip(reports, rows, strict=True):
                if self._file.execute(_INSERT, row).rowcount:
                    new.append(report)
        if sqlite_file.find_identity(self._path) != self._identity:
            raise self._build_error(sqlite_file.NOT_IN_PLACE)
        self._checkpoint()
        return new

    def find_report(self, message_id: str) -> DeliveryReport | None:
        """Return the report of a message: the final one if there is one, else the latest."""
        with self._lock, self._translate_errors():
            row = self._file.execute(_SELECT_REPORT, (message_id,)).fetchone()
            return None if row is None else _parse_document(row[0])

    def read_message_ids(self) -> Iterator[str]:
        """Yield the messageId of each report."""
        serial = 0
        while True:
            with self._lock, self._translate_errors():
                rows = self._file.execute(_SELECT_IDS, (serial, _PAGE)).fetchall()
                sqlite_file.require_order(serial, rows)
            if not rows:
                return
            yield from (str(message_id) for _, message_id in rows if message_id)
            serial = rows[-1][0]

    def claim_due(self, now: float) -> QueuedReport | None:
        """Return the next report to be posted, after its next attempt is scheduled; None if none is due.

        now: seconds since 1970. What is due later than any delay allows is due now: the clock was set back.
        """
        with self._lock, self._translate_errors(), self._transaction():
            row = self._file.execute(_SELECT_DUE, (now, now + _LONGEST_DELAY)).fetchone()
            if row is None:
                return None
            serial, document, attempts = row
            is_last = attempts >= MAX_REPORT_RETRIES
            due = None if is_last else now + get_retry_delay(attempts).total_seconds()
            self._file.execute(
                "UPDATE report SET attempts = ?, due = ? WHERE serial = ?",
                (attempts + 1, due, serial),
            )
            return QueuedReport(serial, bytes(document), attempts + 1, due)

    def mark_forwarded(self, serial: int) -> None:
        """Note that a report was acknowledged."""
        with self._lock, self._translate_errors(), self._transaction():
            self._file.execute("UPDATE report SET due = NULL WHERE serial = ?", (serial,))
        self._checkpoint()

    def find_next_due(self) -> float | None:
        """Return when the next report is to be posted, in seconds since 1970; None if there is none."""
        with self._lock, self._translate_errors():
            row = self._file.execute(_SELECT_NEXT_DUE).fetchone()
        return None if row is None else float(row[0])

    def _open(self) -> None:
        """Make the tables if the file is new; raise ReportStoreError if it is something else."""
        with self._transaction():
            (mark,) = self._file.execute("PRAGMA application_id").fetchone()
            (tables,) = self._file.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            if tables == 0 and mark == 0:
                self._create()
            elif mark != _APPLICATION_ID:
                raise self._build_error("it is another kind of file")
            (form,) = self._file.execute("PRAGMA user_version").fetchone()
            if form != _SCHEMA_VERSION:
                raise self._build_error(
                    "another version of this library wrote it; use that version, or another file"
                )
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = FULL")

    def _create(self) -> None:
        for statement in _TABLES.split(";"):
            self._file.execute(statement)
        self._file.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        self._file.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    def _checkpoint(self) -> None:
        """Bring what was written into the main file, so that it can be moved without its -wal."""
        with self._lock:
            sqlite_file.checkpoint(self._file)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with sqlite_file.transaction(self._file):
            yield

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except ReportStoreError:
            raise
        except self._sqlite_error as problem:
            reason = sqlite_file.describe_error(problem, busy="another process uses it")
            raise self._build_error(reason) from None
        except (Error, *sqlite_file.DAMAGE):
            raise self._build_error("it is damaged") from None

    def _build_error(self, reason: str) -> ReportStoreError:
        return ReportStoreError(f"report file {self._path.name}: {reason}")


def _build_row(report: DeliveryReport, due: float | None) -> tuple[Any, ...]:
    document = wire_json.dump_model(DeliveryReports(results=[report]))
    status = report.status
    if report.message_id and status:
        state = f"{status.group_name or status.group_id} {status.name or status.id}"
    else:  # nothing says which report it is but all of it
        state = blake2b(document, digest_size=16).hexdigest()
    is_final = status is not None and status.is_final
    return report.message_id or "", state, is_final, document, due


def _parse_document(document: bytes) -> DeliveryReport:
    return wire_json.parse_response(document, DeliveryReports).results[0]
