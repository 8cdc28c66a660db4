"""The clock of a sandbox: that of the machine, ahead of it, or standing still.

It never runs backwards, also not with the clock of the machine, and it never leaps by itself: a clock
that stood goes on from the instant at which it stood. Only a reset puts it back.

Lives here: what time it is.
Never here: what happens then (engine.py), who waits for it (timekeeping.py).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_UNIT, _SECOND = dt.timedelta(microseconds=1), dt.timedelta(seconds=1)

Position = tuple[int, str, bool]
"""How a clock stands to the one that it follows: microseconds ahead of it, the instant at which it stands
or nothing, whether it is frozen."""


def read_clock() -> dt.datetime:
    """Return the instant that it is for the machine."""
    return dt.datetime.now(dt.UTC)


class Clock:
    """What a sandbox takes for the time; ``read`` is the clock that it follows."""

    def __init__(
        self, read: Callable[[], dt.datetime] = read_clock, *, frozen: bool = False
    ) -> None:
        self._read, self._begins_frozen = read, frozen
        self._stands: dt.datetime | None
        self.reset()

    def __call__(self) -> dt.datetime:
        """Return the instant that it is, as ``now`` does."""
        return self.now()

    def now(self) -> dt.datetime:
        """Return the instant that it is for the sandbox, in UTC, to the millisecond."""
        if self._stands is not None:
            return self._stands
        read = self._look()
        return find_utc(find_later(read, self._ahead))

    @property
    def frozen(self) -> bool:
        """Whether it stands still until it is resumed."""
        return self._frozen

    @property
    def differs(self) -> bool:
        """Whether it is a second or more ahead of the clock that it follows, or behind it."""
        return abs(self._ahead) >= _SECOND

    @property
    def stands(self) -> bool:
        """Whether it stands still now, frozen or on a journey."""
        return self._stands is not None

    def freeze(self) -> None:
        """Stop it."""
        self._stands, self._frozen = self.now(), True

    def resume(self) -> None:
        """Let it go on from where it stands."""
        if self._stands is not None:
            self._ahead = self._stands - self._look()
        self._stands, self._frozen = None, False

    def hold(self) -> None:
        """Stop it for a journey."""
        self._stands = self.now()

    def release(self) -> None:
        """Let it go on after a journey, unless it is frozen."""
        if not self._frozen:
            self.resume()

    def advance(self, seconds: float) -> None:
        """Put it forward; raise ValueError for less than nothing."""
        self.jump(self.find_later(seconds))

    def jump(self, instant: dt.datetime) -> None:
        """Put it to an instant; raise ValueError for one that is over."""
        instant = find_utc(instant)
        if instant < self.now():
            raise ValueError("the clock does not run backwards")
        if self._stands is not None:
            self._stands = instant
        else:
            self._ahead = instant - self._look()

    def find_later(self, seconds: float) -> dt.datetime:
        """Return the instant so many seconds from now, or the last one there is."""
        try:
            return find_utc(find_later(self.now(), dt.timedelta(seconds=seconds)))
        except OverflowError:
            return LAST

    def reset(self) -> None:
        """Put it back to the clock that it follows, frozen if it began so."""
        self._ahead, self._latest = dt.timedelta(), FIRST
        self._stands, self._frozen = None, False
        if self._begins_frozen:
            self.freeze()

    @property
    def position(self) -> Position:
        """How it stands to the clock that it follows."""
        stands = "" if self._stands is None else self._stands.isoformat()
        return self._ahead // _UNIT, stands, self._frozen

    def restore(self, position: Position) -> None:
        """Put a new one as another one was; what was on a journey goes on from where it got to."""
        ahead, stands, frozen = position
        self._ahead = ahead * _UNIT
        self._stands = dt.datetime.fromisoformat(stands) if stands else None
        self._frozen = frozen
        self.release()
        if self._begins_frozen:
            self.freeze()

    def _look(self) -> dt.datetime:
        """Read the clock that it follows, and make up for what that was put back."""
        read = self._read()
        self._ahead += max(self._latest - read, dt.timedelta())
        self._latest = read
        return read


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
