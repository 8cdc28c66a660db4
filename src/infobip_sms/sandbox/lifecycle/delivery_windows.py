"""When a delivery time window is open.

Days and times of day are UTC (WIN-007). A window includes its first instant and excludes its last. If
``to`` is not later than ``from``, the window is open over midnight and its days are those on which it
opens, or it never opens: implementation-defined behavior (READ-008).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from infobip_sms_schema import Day

if TYPE_CHECKING:
    from infobip_sms_schema import DeliveryTimeWindow

_DAY = dt.timedelta(days=1)
_DAYS = tuple(Day)
_AHEAD = len(_DAYS) + 1  # from yesterday, whose window may still be open, to a week from now


def find_opening(
    window: DeliveryTimeWindow, instant: dt.datetime, *, over_midnight: bool
) -> dt.datetime | None:
    """Return the first instant from the given one on at which the window is open; None if it never is (WIN-008)."""
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    for days in range(-1, _AHEAD):
        try:
            start = midnight + days * _DAY
            opens, closes = _get_span(window, start, over_midnight=over_midnight)
        except OverflowError:
            continue
        if _DAYS[start.weekday()] in window.days and max(opens, instant) < closes:
            return max(opens, instant)
    return None


def is_over_midnight(window: DeliveryTimeWindow) -> bool:
    """Return whether a window closes at or before the time of day at which it opens."""
    if window.from_ is None or window.to is None:
        return False
    opens, closes = ((t.hour, t.minute) for t in (window.from_, window.to))
    return closes <= opens


def _get_span(
    window: DeliveryTimeWindow, start: dt.datetime, *, over_midnight: bool
) -> tuple[dt.datetime, dt.datetime]:
    """Return when the window of one day opens and closes."""
    if window.from_ is None or window.to is None:
        return start, start + _DAY
    opens, closes = (
        start + dt.timedelta(hours=t.hour, minutes=t.minute) for t in (window.from_, window.to)
    )
    return opens, closes + _DAY if over_midnight and is_over_midnight(window) else closes
