"""The clock of a sandbox, which can be frozen and moved forward.

It never runs backwards, even if the system clock does, and it never jumps by itself: a frozen clock
resumes from the instant at which it stopped. Only a reset sets it back.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_UNIT, _SECOND = dt.timedelta(microseconds=1), dt.timedelta(seconds=1)

ClockState = tuple[int, str, bool]
"""Microseconds ahead of the source clock, the instant at which it is stopped (or ""), and whether it is frozen."""


def read_system_clock() -> dt.datetime:
    """Return the current time of the system clock."""
    return dt.datetime.now(dt.UTC)


class VirtualClock:
    """The time in a sandbox, derived from the ``source`` clock."""

    def __init__(
        self, source: Callable[[], dt.datetime] = read_system_clock, *, frozen: bool = False
    ) -> None:
        self._source, self._starts_frozen = source, frozen
        self._stopped_at: dt.datetime | None
        self.reset()

    def __call__(self) -> dt.datetime:
        """Return the current time, as ``now`` does."""
        return self.now()

    def now(self) -> dt.datetime:
        """Return the current time in the sandbox, in UTC, to the millisecond."""
        if self._stopped_at is not None:
            return self._stopped_at
        return to_utc(add_clamped(self._read_source(), self._offset))

    @property
    def frozen(self) -> bool:
        """Whether it is stopped until ``resume`` is called."""
        return self._frozen

    @property
    def is_shifted(self) -> bool:
        """Whether it differs from its source by a second or more."""
        return abs(self._offset) >= _SECOND

    @property
    def is_stopped(self) -> bool:
        """Whether it is stopped now, frozen or for a time travel."""
        return self._stopped_at is not None

    def freeze(self) -> None:
        """Stop it."""
        self._stopped_at, self._frozen = self.now(), True

    def resume(self) -> None:
        """Continue from the instant at which it stopped."""
        if self._stopped_at is not None:
            self._offset = self._stopped_at - self._read_source()
        self._stopped_at, self._frozen = None, False

    def hold(self) -> None:
        """Stop it for a time travel."""
        self._stopped_at = self.now()

    def release(self) -> None:
        """Continue after a time travel, unless it is frozen."""
        if not self._frozen:
            self.resume()

    def advance(self, seconds: float) -> None:
        """Move it forward; raise ValueError if ``seconds`` is negative."""
        self.jump_to(self.get_instant_after(seconds))

    def jump_to(self, instant: dt.datetime) -> None:
        """Move it to an instant; raise ValueError if that is in the past."""
        instant = to_utc(instant)
        if instant < self.now():
            raise ValueError("the clock does not run backwards")
        if self._stopped_at is not None:
            self._stopped_at = instant
        else:
            self._offset = instant - self._read_source()

    def get_instant_after(self, seconds: float) -> dt.datetime:
        """Return the instant ``seconds`` from now, at most MAX_INSTANT."""
        try:
            return to_utc(add_clamped(self.now(), dt.timedelta(seconds=seconds)))
        except OverflowError:
            return MAX_INSTANT

    def reset(self) -> None:
        """Set it back to its source; frozen if it was created frozen."""
        self._offset, self._latest = dt.timedelta(), MIN_INSTANT
        self._stopped_at, self._frozen = None, False
        if self._starts_frozen:
            self.freeze()

    @property
    def state(self) -> ClockState:
        """What ``restore`` needs to continue with a new clock."""
        stopped_at = "" if self._stopped_at is None else self._stopped_at.isoformat()
        return self._offset // _UNIT, stopped_at, self._frozen

    def restore(self, state: ClockState) -> None:
        """Continue from the state of another clock; an interrupted time travel ends where it was."""
        microseconds, stopped_at, frozen = state
        self._offset = microseconds * _UNIT
        self._stopped_at = dt.datetime.fromisoformat(stopped_at) if stopped_at else None
        self._frozen = frozen
        self.release()
        if self._starts_frozen:
            self.freeze()

    def _read_source(self) -> dt.datetime:
        """Read the source clock, and compensate if it was set back."""
        instant = self._source()
        self._offset += max(self._latest - instant, dt.timedelta())
        self._latest = instant
        return instant


MIN_INSTANT = dt.datetime.min.replace(tzinfo=dt.UTC)


MAX_INSTANT = dt.datetime.max.replace(microsecond=999_000, tzinfo=dt.UTC)


_MIDDLE_YEAR = 5000  # tells whether UTC overflowed at the beginning or at the end of the calendar


def to_utc(instant: dt.datetime) -> dt.datetime:
    """Return the same instant in UTC, to the millisecond."""
    try:
        utc = instant.astimezone(dt.UTC)
    except OverflowError:
        return MIN_INSTANT if instant.year < _MIDDLE_YEAR else MAX_INSTANT
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def add_clamped(instant: dt.datetime, delta: dt.timedelta) -> dt.datetime:
    """Return the later instant, at most MAX_INSTANT."""
    try:
        return instant + delta
    except OverflowError:
        return MAX_INSTANT
