"""What the journal and the sandbox's data file share: how an SQLite file is created, closed and complained about."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

DAMAGE = (UnicodeError, ValueError, TypeError, LookupError, AttributeError, OverflowError)
"""What reading a damaged file may raise, beside the errors of SQLite."""
# SQLite's own words for what has nothing to do with the content; any others may quote it.
_KNOWN = (
    "attempt to write a readonly database",
    "database disk image is malformed",
    "database or disk is full",
    "disk I/O error",
    "file is not a database",
    "no such table",
    "unable to open database file",
)


def require_file_name(path: Path) -> None:
    """Raise ValueError for a name that SQLite takes for a database in memory."""
    if str(path) in {":memory:", "", "."} or path.name == ":memory:":
        raise ValueError("it must be the name of a file")


def create_private(path: Path) -> None:
    """Create a file that only its owner may read (mode 600), unless it exists; SQLite's -wal gets the same mode."""
    with suppress(OSError):  # SQLite says what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def get_wal(path: Path) -> Path:
    """Return the write-ahead log that belongs to a file."""
    return path.with_name(f"{path.name}-wal")


def describe_error(error: Exception, *, busy: str) -> str:
    """Return what went wrong, without anything that is in the file."""
    text = str(error)
    if "locked" in text:
        return busy
    return text if text.startswith(_KNOWN) else "it is damaged"


def close(file: sqlite3.Connection, path: Path, mark_closed: Callable[[], None]) -> None:
    """Close a file so that it can be opened again, also on a full disk.

    Everything is brought into the main file before the mark is written, which makes room for it. Where
    even that fails, SQLite may still fold the log into the file and delete it, although the file says
    that it is open: then an empty log says that nothing is lost.
    """
    import sqlite3  # noqa: PLC0415 - some builds of Python are without it

    marked = interrupted = False
    try:
        try:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error:
            pass
        except KeyboardInterrupt:  # a file that is closed has to say so, or it looks damaged
            interrupted = True
        mark_closed()
        marked = True
    finally:
        with suppress(sqlite3.Error):
            file.close()
        if not marked and not get_wal(path).exists():
            with suppress(OSError):
                get_wal(path).touch(mode=0o600)
    if interrupted:
        raise KeyboardInterrupt
