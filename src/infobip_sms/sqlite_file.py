"""What the journal, the report store and the sandbox's data file share: how an SQLite file is created, closed and complained about."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager, suppress
from errno import EBUSY
from itertools import pairwise
from shutil import copyfile, copyfileobj
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

DAMAGE = (
    UnicodeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What reading a damaged file may raise, beside the errors of SQLite."""
_READ_ONLY = "it cannot be written: the file or its folder is read-only"
NOT_IN_PLACE = "it was moved, deleted or replaced while it was in use"
_NOT_CREATED = "unable to open the file: its folder must exist and be writable"
_SHARED_LOCK = (510, 0x40000002)
"""The bytes that SQLite locks while it reads a file, and where they begin; whoever writes excludes them."""
# SQLite's own words for what has nothing to do with the content, and ours; any others may quote it.
_KNOWN = {
    "attempt to write a readonly database": _READ_ONLY,
    "database disk image is malformed": "it is damaged",
    "database or disk is full": "the disk is full; make room for it",
    "disk I/O error": "disk I/O error",
    "file is not a database": "it is another kind of file, or damaged",
    "no such table": "it is another kind of file",
    "unable to open database file": _NOT_CREATED,
}


def require_file_name(path: Path) -> None:
    """Raise ValueError for a name that SQLite takes for a database in memory."""
    if str(path) in {":memory:", "", "."} or path.name == ":memory:":
        raise ValueError("it must be the name of a file")


def require_usable(path: Path) -> None:
    """Raise ValueError for a file that SQLite cannot write, for a reason that it does not say clearly."""
    require_file_name(path)
    if path.is_dir():
        raise ValueError("it is a folder; name a file")
    if path.exists() and not path.is_file():
        raise ValueError("it is a device or a pipe; name a file")
    if not os.access(_resolve(path).parent, os.W_OK):
        raise ValueError(_READ_ONLY if path.exists() else _NOT_CREATED)
    if path.exists() and not os.access(path, os.W_OK):
        raise ValueError(_READ_ONLY)


@contextmanager
def open_to_read(path: Path) -> Iterator[Path]:
    """Yield the name of a file that is only read: its own, or that of a copy.

    SQLite writes beside a file even to read it, so one that cannot be written, or whose folder cannot,
    is copied into a private folder meanwhile. Raises OSError if it cannot be read.
    """
    if not path.is_file() or (_is_writable(path) and _is_writable(_resolve(path).parent)):
        yield path
        return
    with TemporaryDirectory(prefix="infobip-sms-") as folder:
        copy = type(path)(folder) / path.name
        _copy(path, copy)
        yield copy


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK)


def _copy(path: Path, copy: Path) -> None:
    """Copy what is in a file and its -wal, as of one moment."""
    import sqlite3  # noqa: PLC0415 - some builds of Python are without it

    real = _resolve(path)
    if not real.with_name(f"{real.name}-shm").exists():  # nobody shares it
        _copy_unused(path, copy)
        return
    try:
        with (
            closing(sqlite3.connect(f"{real.as_uri()}?mode=ro", uri=True, timeout=0)) as old,
            closing(sqlite3.connect(copy)) as new,
        ):
            old.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()  # backup() waits for locks
            old.backup(new)
    except sqlite3.Error:
        _copy_unused(path, copy)


def _copy_unused(path: Path, copy: Path) -> None:
    """Copy a file and its -wal; raise OSError if another process has it locked."""
    with path.open("rb") as file:
        with suppress(ImportError):  # Windows
            import fcntl  # noqa: PLC0415 - where there is one

            try:
                fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, *_SHARED_LOCK)
            except OSError:
                raise OSError(EBUSY, "another process uses it") from None
        with copy.open("wb") as target:
            copyfileobj(file, target)
        if get_wal(path).exists():
            copyfile(get_wal(path), get_wal(copy))


def _resolve(path: Path) -> Path:
    """Return where a path leads to, through links, whether there is a file or not."""
    return type(path)(os.path.realpath(path))


def create_private(path: Path) -> None:
    """Create a file that only its owner may read (mode 600), unless it exists; SQLite's -wal gets the same mode."""
    with suppress(OSError):  # SQLite says what is wrong
        os.close(os.open(_resolve(path), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def find_identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one that takes its name; None if nothing has the name."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def get_wal(path: Path) -> Path:
    """Return the write-ahead log that belongs to a file; SQLite puts it beside the file that a link leads to."""
    real = _resolve(path)
    return real.with_name(f"{real.name}-wal")


def describe_error(error: Exception, *, busy: str) -> str:
    """Return what went wrong, without anything that is in the file."""
    text = str(error)
    if "locked" in text:
        return busy
    known = (reason for words, reason in _KNOWN.items() if text.startswith(words))
    return next(known, "it is damaged")


@contextmanager
def transaction(file: sqlite3.Connection) -> Iterator[None]:
    """Write all or nothing."""
    try:
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("COMMIT")
    except BaseException:  # an interrupt may come between any two steps
        roll_back(file)
        raise


def roll_back(file: sqlite3.Connection) -> None:
    """End a transaction, if there is one, without writing anything."""
    if file.in_transaction:
        file.execute("ROLLBACK")


def checkpoint(file: sqlite3.Connection) -> bool:
    """Bring what is in the -wal into the main file, on the disk; return whether that was possible now."""
    import sqlite3  # noqa: PLC0415 - some builds of Python are without it

    try:
        ((busy, size, done),) = file.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    except sqlite3.Error:
        return False
    return not busy and size == done


def require_sound(file: sqlite3.Connection) -> None:
    """Raise DatabaseError if the pages of a file do not belong together.

    For a file that was not closed: a kill may have left the last step half in it and half in its -wal,
    and somebody may have cut that one short.
    """
    import sqlite3  # noqa: PLC0415 - some builds of Python are without it

    if file.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise sqlite3.DatabaseError("database disk image is malformed")


def leave_log(path: Path) -> None:
    """Leave an empty log beside a file that says that it is open although it was closed: nothing is lost."""
    if not get_wal(path).exists():
        with suppress(OSError):
            get_wal(path).touch(mode=0o600)


def require_order(before: int, rows: Sequence[Sequence[Any]]) -> None:
    """Raise ValueError unless the rows of a page follow what was read before, in order.

    A damaged file may give the same rows again and again, and whoever reads page by page has no end.
    """
    keys = [before, *(row[0] for row in rows)]
    if any(key <= last for last, key in pairwise(keys)):
        raise ValueError("rows out of order")


def abandon(file: sqlite3.Connection) -> None:
    """Leave a file open for good, in a process that was forked while it was open.

    If SQLite closed it, it would delete the log that the other process goes on writing.
    """
    import ctypes  # noqa: PLC0415 - for this case alone

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(file))


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
        if not marked:
            leave_log(path)
    if interrupted:
        raise KeyboardInterrupt
