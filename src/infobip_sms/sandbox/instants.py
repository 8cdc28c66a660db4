"""Instants of the sandbox: always UTC, never past the ends of the calendar.

Lives here: arithmetic that cannot overflow.
Never here: the clock of the machine.
"""

from __future__ import annotations

import datetime as dt

FIRST = dt.datetime.min.replace(tzinfo=dt.UTC)
LAST = dt.datetime.max.replace(microsecond=999_000, tzinfo=dt.UTC)
_MIDDLE = 5000  # a year


def find_utc(instant: dt.datetime) -> dt.datetime:
    """Return the same instant in UTC, to the millisecond."""
    try:
        found = instant.astimezone(dt.UTC)
    except OverflowError:
        return FIRST if instant.year < _MIDDLE else LAST
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def find_later(instant: dt.datetime, delta: dt.timedelta) -> dt.datetime:
    """Return the instant so much later, or the last one there is."""
    try:
        return instant + delta
    except OverflowError:
        return LAST
