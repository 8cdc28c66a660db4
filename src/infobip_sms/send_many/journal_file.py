"""The places of a journal in its file: one row for places that follow each other and have the same history.

A request is one row. Where a part of it has another history, the row is divided there; no place is in
two rows, and none is missing between them. Functions that write are to be called in a transaction.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args

import attrs
from infobip_sms_schema import Status

from infobip_sms import sqlite_file

from .message_ids import DIGEST_SIZE, ID_DIGEST_SIZE
from .outcomes import OutcomeState, Resolution

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

SCHEMA_VERSION = 4
MAX_PLACES = 1_000  # of one row, so that little is read to look up one place
MAX_ROWS = 150  # in one statement; SQLite before 3.32 has at most 999 values there
_NO_ID = bytes(ID_DIGEST_SIZE)
_STATES = get_args(OutcomeState)
_SPANS = """
CREATE TABLE span (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, digests BLOB NOT NULL, ids BLOB, begun REAL, verdict TEXT
)
"""
_NEW_FILE = ("CREATE TABLE run (id TEXT NOT NULL, open INTEGER NOT NULL)", _SPANS)
# Version 3 had a row for each place; digest was that of the destination and of the messageId.
_FROM_VERSION_3 = (
    _SPANS,
    f"""
INSERT INTO span SELECT place, place, substr(digest, 1, {DIGEST_SIZE}),
    nullif(substr(digest, {DIGEST_SIZE + 1}), x''), begun, words
FROM destination LEFT JOIN verdict ON verdict.id = verdict
""",  # noqa: S608 - numbers
    "DROP TABLE destination",
    "DROP TABLE verdict",
)
_SELECT = "SELECT first, last, digests, ids, begun, verdict FROM span "
_SELECT_RANGE = f"""{_SELECT}
WHERE first BETWEEN (SELECT MAX(first) FROM span WHERE first <= ?) AND ? ORDER BY first
"""  # noqa: S608 - a constant
_SELECT_LAST = f"{_SELECT} ORDER BY first DESC LIMIT 1"
_SELECT_BEFORE = "SELECT first, last FROM span WHERE first < ? ORDER BY first DESC LIMIT 1"
_INSERT = "INSERT OR IGNORE INTO span (first, last, digests, ids, begun) VALUES "
_INSERT_REST = f"""
INSERT INTO span SELECT :place, last, substr(digests, {DIGEST_SIZE} * (:place - first) + 1),
    substr(ids, {ID_DIGEST_SIZE} * (:place - first) + 1), begun, verdict
FROM span WHERE first = :first
"""  # noqa: S608 - numbers
_SHORTEN = f"""
UPDATE span SET last = :place - 1, digests = substr(digests, 1, {DIGEST_SIZE} * (:place - first)),
    ids = substr(ids, 1, {ID_DIGEST_SIZE} * (:place - first))
WHERE first = :first
"""  # noqa: S608 - numbers
_SET_BEGUN = "UPDATE span SET begun = ?, verdict = NULL "
_SET_VERDICT = "UPDATE span SET verdict = ? "
_WHERE_EXACT = "WHERE first = ? AND last = ?"
_WHERE_WITHIN = "WHERE first BETWEEN ? AND ?"


@attrs.frozen
class JournalRecord:
    """What a journal knows of one destination."""

    started_at: float | None = None
    """When a request with it was about to leave, in seconds since 1970; None if none was."""
    resolution: Resolution | None = None


@attrs.frozen
class Span:
    """Places that follow each other and have the same history."""

    first: int
    last: int
    digests: bytes
    ids: bytes | None
    """Digests of their messageIds, zeros for one of ours; None if all are ours."""
    record: JournalRecord = JournalRecord()

    def list_places(self, first: int, last: int) -> Iterator[tuple[bytes, JournalRecord]]:
        """Yield the digest and the record of each place that is in a range."""
        begin, end = max(first, self.first) - self.first, min(last, self.last) - self.first + 1
        for n in range(begin, end):
            digest = self.digests[n * DIGEST_SIZE : (n + 1) * DIGEST_SIZE]
            own = self.ids[n * ID_DIGEST_SIZE : (n + 1) * ID_DIGEST_SIZE] if self.ids else _NO_ID
            yield digest if own == _NO_ID else digest + own, self.record


def create(file: sqlite3.Connection, run: str) -> None:
    """Make the tables of a new file, and name its run."""
    for statement in _NEW_FILE:
        file.execute(statement)
    file.execute("INSERT INTO run VALUES (?, 0)", (run,))
    file.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def convert(file: sqlite3.Connection) -> None:
    """Turn a file of version 3 into one of this version."""
    for statement in _FROM_VERSION_3:
        file.execute(statement)
    file.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def build_spans(first: int, digests: Sequence[bytes]) -> Iterator[Span]:
    """Yield spans of new places that follow each other, each with its digests in one."""
    for begin in range(0, len(digests), MAX_PLACES):
        part = digests[begin : begin + MAX_PLACES]
        ids = [digest[DIGEST_SIZE:] for digest in part]
        yield Span(
            first + begin,
            first + begin + len(part) - 1,
            b"".join([digest[:DIGEST_SIZE] for digest in part]),
            b"".join([own or _NO_ID for own in ids]) if any(ids) else None,
        )


def add_spans(
    file: sqlite3.Connection, spans: Sequence[Span], begun: Mapping[tuple[int, int], float]
) -> bool:
    """Write new places in one statement for MAX_ROWS; those that are there already stay as they are.

    begun: when requests with exactly the places of a span were about to leave. Returns whether all were new.
    """
    count = 0
    for n in range(0, len(spans), MAX_ROWS):
        part = spans[n : n + MAX_ROWS]
        rows = [(s.first, s.last, s.digests, s.ids, begun.get((s.first, s.last))) for s in part]
        values = [value for row in rows for value in row]
        count += file.execute(_build_insert(len(part)), values).rowcount
    return count == len(spans)


@cache
def _build_insert(count: int) -> str:
    return _INSERT + ", ".join(["(?, ?, ?, ?, ?)"] * count)


def set_begun(file: sqlite3.Connection, now: float, first: int, last: int) -> None:
    """Write that a request with these places is about to leave, which nothing is known of yet."""
    _update(file, _SET_BEGUN, now, first, last)


def set_verdict(file: sqlite3.Connection, words: str, first: int, last: int) -> None:
    """Write what happened to these places."""
    _update(file, _SET_VERDICT, words, first, last)


def _update(
    file: sqlite3.Connection, statement: str, value: str | float, first: int, last: int
) -> None:
    if file.execute(statement + _WHERE_EXACT, (value, first, last)).rowcount != 1:
        with nullcontext() if file.in_transaction else sqlite_file.transaction(file):
            _divide(file, first)
            _divide(file, last + 1)
            file.execute(statement + _WHERE_WITHIN, (value, first, last))


def _divide(file: sqlite3.Connection, place: int) -> None:
    """Let a row begin at a place that is in the middle of one; both parts keep its history."""
    found = file.execute(_SELECT_BEFORE, (place,)).fetchone()
    if found and found[1] >= place:
        where = {"place": place, "first": found[0]}
        file.execute(_INSERT_REST, where)
        file.execute(_SHORTEN, where)


def count_places(file: sqlite3.Connection) -> int:
    """Return how many places are in the file."""
    row = file.execute(_SELECT_LAST).fetchone()
    return 0 if row is None else _parse_span(row).last + 1


def read_places(
    file: sqlite3.Connection, first: int, last: int
) -> list[tuple[bytes, JournalRecord]]:
    """Return the digest and the record of each place of a range, which is in the file; ValueError if it is not."""
    spans = [_parse_span(row) for row in file.execute(_SELECT_RANGE, (first, last))]
    if not spans or spans[-1].last < last or any(a.last + 1 != b.first for a, b in pairwise(spans)):
        raise ValueError("places are missing")
    return [place for span in spans for place in span.list_places(first, last)]


def _parse_span(row: Sequence[Any]) -> Span:
    """Return what a row says; raise ValueError or TypeError for one that was never written."""
    first, last, digests, ids, begun, verdict = row
    if not isinstance(last, int) or not isinstance(digests, bytes):
        raise TypeError
    if not isinstance(ids, bytes | None) or not isinstance(begun, float | None):
        raise TypeError
    count = last - first + 1
    if count < 1 or len(digests) != count * DIGEST_SIZE:
        raise ValueError
    if ids is not None and len(ids) != count * ID_DIGEST_SIZE:
        raise ValueError
    resolution = None if verdict is None else _parse_verdict(verdict)
    return Span(first, last, digests, ids, JournalRecord(begun, resolution))


def dump_verdict(resolution: Resolution) -> str:
    """Return what is written of a resolution."""
    status = resolution.status
    known = status and (status.group_id, status.group_name, status.id, status.name)
    return json.dumps((resolution.state, resolution.reason, known, resolution.bulk_id))


@lru_cache(16)  # the destinations of a request have the same words
def _parse_verdict(text: str) -> Resolution:
    state, reason, known, bulk_id = json.loads(text)
    if state not in _STATES or not isinstance(reason, str):
        raise ValueError
    return Resolution(state=state, reason=reason, status=_parse_status(known), bulk_id=bulk_id)


def _parse_status(fields: list[Any] | None) -> Status | None:
    if fields is None:
        return None
    group_id, group_name, number, name = fields
    return Status(group_id=group_id, group_name=group_name, id=number, name=name)
