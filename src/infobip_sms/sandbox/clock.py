"""The clock of a sandbox: that of the machine, ahead of it, or standing still.

It never runs backwards, also not with the clock of the machine, and it never leaps by itself: a clock
that stood goes on from the instant at which it stood. Only a reset puts it back.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_UNIT, _SECOND = dt.timedelta(microseconds=1), dt.timedelta(seconds=1)

ClockState = tuple[int, str, bool]
"""How a clock stands to the one that it follows: microseconds ahead of it, the instant at which it stands
or nothing, whether it is frozen."""


def read_system_clock() -> dt.datetime:
    """Return the instant that it is for the machine."""
    return dt.datetime.now(dt.UTC)


class VirtualClock:
    """What a sandbox takes for the time; ``read`` is the clock that it follows."""

    def __init__(
        self, source: Callable[[], dt.datetime] = read_system_clock, *, frozen: bool = False
    ) -> None:
        self._source, self._starts_frozen = source, frozen
        self._stopped_at: dt.datetime | None
        self.reset()

    def __call__(self) -> dt.datetime:
        """Return the instant that it is, as ``now`` does."""
        return self.now()

    def now(self) -> dt.datetime:
        """Return the instant that it is for the sandbox, in UTC, to the millisecond."""
        if self._stopped_at is not None:
            return self._stopped_at
        read = self._read_source()
        return to_utc(add_clamped(read, self._offset))

    @property
    def frozen(self) -> bool:
        """Whether it stands still until it is resumed."""
        return self._frozen

    @property
    def is_shifted(self) -> bool:
        """Whether it is a second or more ahead of the clock that it follows, or behind it."""
        return abs(self._offset) >= _SECOND

    @property
    def is_stopped(self) -> bool:
        """Whether it stands still now, frozen or on a time travel."""
        return self._stopped_at is not None

    def freeze(self) -> None:
        """Stop it."""
        self._stopped_at, self._frozen = self.now(), True

    def resume(self) -> None:
        """Let it go on from where it stands."""
        if self._stopped_at is not None:
            self._offset = self._stopped_at - self._read_source()
        self._stopped_at, self._frozen = None, False

    def hold(self) -> None:
        """Stop it for a time travel."""
        self._stopped_at = self.now()

    def release(self) -> None:
        """Let it go on after a time travel, unless it is frozen."""
        if not self._frozen:
            self.resume()

    def advance(self, seconds: float) -> None:
        """Put it forward; raise ValueError for less than nothing."""
        self.jump_to(self.get_instant_after(seconds))

    def jump_to(self, instant: dt.datetime) -> None:
        """Put it to an instant; raise ValueError for one that is over."""
        instant = to_utc(instant)
        if instant < self.now():
            raise ValueError("the clock does not run backwards")
        if self._stopped_at is not None:
            self._stopped_at = instant
        else:
            self._offset = instant - self._read_source()

    def get_instant_after(self, seconds: float) -> dt.datetime:
        """Return the instant so many seconds from now, or the last one there is."""
        try:
            return to_utc(add_clamped(self.now(), dt.timedelta(seconds=seconds)))
        except OverflowError:
            return MAX_INSTANT

    def reset(self) -> None:
        """Put it back to the clock that it follows, frozen if it began so."""
        self._offset, self._latest = dt.timedelta(), MIN_INSTANT
        self._stopped_at, self._frozen = None, False
        if self._starts_frozen:
            self.freeze()

    @property
    def state(self) -> ClockState:
        """How it stands to the clock that it follows."""
        stands = "" if self._stopped_at is None else self._stopped_at.isoformat()
        return self._offset // _UNIT, stands, self._frozen

    def restore(self, state: ClockState) -> None:
        """Put a new one as another one was; what was on a time travel goes on from where it got to."""
        ahead, stands, frozen = state
        self._offset = ahead * _UNIT
        self._stopped_at = dt.datetime.fromisoformat(stands) if stands else None
        self._frozen = frozen
        self.release()
        if self._starts_frozen:
            self.freeze()

    def _read_source(self) -> dt.datetime:
        """Read the clock that it follows, and make up for what that was put back."""
        read = self._source()
        self._offset += max(self._latest - read, dt.timedelta())
        self._latest = read
        return read


MIN_INSTANT = dt.datetime.min.replace(tzinfo=dt.UTC)


MAX_INSTANT = dt.datetime.max.replace(microsecond=999_000, tzinfo=dt.UTC)


_MIDDLE_YEAR = 5000  # a year


def to_utc(instant: dt.datetime) -> dt.datetime:
    """Return the same instant in UTC, to the millisecond."""
    try:
        found = instant.astimezone(dt.UTC)
    except OverflowError:
        return MIN_INSTANT if instant.year < _MIDDLE_YEAR else MAX_INSTANT
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def add_clamped(instant: dt.datetime, delta: dt.timedelta) -> dt.datetime:
    """Return the instant so much later, or the last one there is."""
    try:
        return instant + delta
    except OverflowError:
        return MAX_INSTANT
