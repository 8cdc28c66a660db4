"""Journals as earlier versions of the library wrote them: a row for each place."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TABLES = """
CREATE TABLE verdict (id INTEGER PRIMARY KEY, words TEXT NOT NULL UNIQUE);
CREATE TABLE destination (
    place INTEGER PRIMARY KEY, digest BLOB NOT NULL, begun REAL, verdict INTEGER
);
INSERT INTO verdict (words) SELECT DISTINCT verdict FROM span WHERE verdict IS NOT NULL;
PRAGMA user_version = 3;
"""
INSERT = "INSERT INTO destination SELECT ?, ?, ?, (SELECT id FROM verdict WHERE words = ?)"


def convert_to_version_3(path: Path) -> None:
    """Give a closed journal the form that it had in version 3."""
    with closing(sqlite3.connect(path)) as file, file:
        file.executescript(TABLES)
        spans = file.execute("SELECT first, last, digests, ids, begun, verdict FROM span")
        for first, last, digests, ids, begun, verdict in spans.fetchall():
            for n in range(last - first + 1):
                own = (ids or b"")[8 * n : 8 * n + 8]
                digest = digests[2 * n : 2 * n + 2] + (own if any(own) else b"")
                file.execute(INSERT, (first + n, digest, begun, verdict))
        file.execute("DROP TABLE span")
