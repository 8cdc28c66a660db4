"""Delivery time windows around an instant, and away from it.

Days and times of day are UTC. No window runs over midnight (READ-008), and each is open for more than an
hour, as a later specification of the vendor asks.

Lives here: windows as plain data, and when one of them opens.
Never here: who sends them.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from infobip_sms_conformance.operations import find_component

DAY = timedelta(days=1)
LENGTH = timedelta(minutes=62)
AROUND = timedelta(minutes=31)
"""How long a window around an instant is open before and after it: an offset of an hour falls outside."""
AWAY = timedelta(hours=6)


def find_day(instant: datetime) -> str:
    """Return the day of an instant."""
    days: list[str] = find_component("Day")["enum"]
    return days[instant.weekday()]


def find_midnight(instant: datetime) -> datetime:
    """Return the beginning of the day of an instant."""
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def build_window(days: list[str], opens: datetime, closes: datetime) -> dict[str, Any]:
    """Return a window of times of day."""
    return {
        name: {"hour": at.hour, "minute": at.minute}
        for name, at in (("from", opens), ("to", closes))
    } | {"days": days}


def build_other_days(now: datetime) -> dict[str, Any]:
    """Return a window of whole days that is closed for more than a day to come, wherever one is."""
    near = {find_day(now + n * DAY) for n in (-1, 0, 1)}
    return {"days": [day for day in find_component("Day")["enum"] if day not in near]}


def build_whole_days(now: datetime) -> dict[str, Any]:
    """Return a window of whole days: a later one first, then those that are near, wherever one is."""
    return {"days": [find_day(now + n * DAY) for n in (3, -1, 0, 1)]}


def build_other_hours(now: datetime) -> dict[str, Any]:
    """Return a window of every day that is hours away from now."""
    opens = now + AWAY
    if find_day(opens + LENGTH) != find_day(now):
        opens = now - AWAY - LENGTH
    return build_window(find_component("Day")["enum"], opens, opens + LENGTH)


def build_open(now: datetime) -> dict[str, Any] | None:
    """Return a window of today that is just open; none in the last minutes of a day."""
    midnight = find_midnight(now)
    last = midnight + DAY - timedelta(minutes=1)
    if now > last - timedelta(minutes=2):
        return None
    opens = min(max(midnight, now - AROUND), last - LENGTH)
    closes = max(min(last, now + AROUND + timedelta(minutes=1)), opens + LENGTH)
    return build_window([find_day(now)], opens, closes)


def build_opening(earliest: datetime) -> dict[str, Any]:
    """Return a window of one day that opens at an instant or soon after it."""
    opens = (earliest + timedelta(minutes=1)).replace(second=0, microsecond=0)
    if find_day(opens + LENGTH) != find_day(opens):
        opens = find_midnight(opens) + DAY
    return build_window([find_day(opens)], opens, opens + LENGTH)


def find_opening(window: dict[str, Any], after: float) -> float:
    """Return when a window with a single day next opens after a time; both as time.time has them."""
    start = datetime.fromtimestamp(after, UTC)
    for days in range(8):
        midnight = find_midnight(start) + days * DAY
        opens = midnight + timedelta(hours=window["from"]["hour"], minutes=window["from"]["minute"])
        if opens >= start and find_day(opens) == window["days"][0]:
            return opens.timestamp()
    raise ValueError("a window without a day")
