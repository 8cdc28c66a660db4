"""The delivery time window: its limits, and when it is open."""

import math
from collections.abc import Iterator
from typing import Any

from tests.conformance.mutation.independent_server.scope import Scope
from tests.conformance.mutation.independent_server.traits import Traits

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
DAY = 86400
WEEK = 7 * DAY
FIRST_MONDAY = 4 * DAY
LOCAL_OFFSET = 2 * 3600


def check_window(value: Any, scope: Scope) -> Iterator[str]:
    """Find what is wrong with a delivery time window."""
    if not isinstance(value, dict):
        if not scope.breaks("window-any-shape"):
            yield "must be an object"
        return
    problems = [*_check_days(value, scope), *_check_pair(value, scope)]
    for name in ("from", "to"):
        if name in value:
            problems += _check_time(value[name], name, scope)
    yield from problems
    if not problems and _has_times(value) and scope.takes("window-of-an-hour"):
        start, end = (_count_minutes(value[name]) for name in ("from", "to"))
        if end - start < 60:
            yield "must be open for an hour"


def _check_days(window: dict[str, Any], scope: Scope) -> Iterator[str]:
    days = window.get("days")
    if days is None:
        later = scope.breaks("window-days-first-message-only") and scope.message
        if not scope.breaks("window-days-optional") and not later:
            yield "needs days"
    elif not isinstance(days, list):
        yield "days must be a list"
    elif not days:
        if not scope.breaks("window-days-empty"):
            yield "needs a day"
    else:
        yield from (f"days[{index}] unknown" for index, day in _find_bad_days(days, scope))


def _find_bad_days(days: list[Any], scope: Scope) -> Iterator[tuple[int, Any]]:
    for index, day in enumerate(days):
        if scope.breaks("window-day-any") and isinstance(day, str):
            continue
        if scope.breaks("window-day-first-checked") and index:
            continue
        if scope.breaks("window-day-case") and isinstance(day, str) and day.upper() in DAYS:
            continue
        if day not in DAYS or (scope.breaks("window-no-weekend") and day == "SUNDAY"):
            yield index, day


def _check_pair(window: dict[str, Any], scope: Scope) -> Iterator[str]:
    if "from" in window and "to" not in window and not scope.breaks("window-from-alone"):
        yield "from needs to"
    if "to" in window and "from" not in window and not scope.breaks("window-to-alone"):
        yield "to needs from"


def _check_time(time: Any, name: str, scope: Scope) -> Iterator[str]:
    if not isinstance(time, dict):
        yield f"{name} must be an object"
        return
    last_hour = scope.traits.choose({"window-hour-24": 24, "window-hour-22": 22}, 23)
    last_minute = scope.traits.choose({"window-minute-60": 60, "window-minute-58": 58}, 59)
    for part, last in (("hour", last_hour), ("minute", last_minute)):
        value = time.get(part)
        if value is None:
            loose = scope.breaks("window-to-incomplete") and name == "to"
            if not scope.breaks(f"window-{part}-optional") and not loose:
                yield f"{name} needs {part}"
        elif not isinstance(value, int) or isinstance(value, bool):
            yield f"{name}.{part} must be a whole number"
        elif value > last or (value < 0 and not scope.breaks(f"window-{part}-negative")):
            yield f"{name}.{part} out of range"


def find_opening(window: dict[str, Any] | None, now: float, traits: Traits) -> float:
    """Find the first instant from now on at which the window is open; it may be now."""
    if not isinstance(window, dict) or traits.breaks("window-ignored"):
        return now
    start, length = _measure(window, traits)
    clock = now + (LOCAL_OFFSET if traits.breaks("window-local") else 0)
    waits = [math.inf]
    for day in _list_days(window, traits):
        since = (clock - FIRST_MONDAY - day * DAY - start) % WEEK
        waits.append(0 if since < length else WEEK - since)
    return now + min(waits)


def _list_days(window: dict[str, Any], traits: Traits) -> list[int]:
    days = [DAYS.index(day.upper()) for day in window.get("days", DAYS) if day.upper() in DAYS]
    if traits.breaks("window-days-ignored"):
        return list(range(7))
    return days[:1] if traits.breaks("window-first-day") else days


def _measure(window: dict[str, Any], traits: Traits) -> tuple[int, int]:
    if not _has_times(window):
        return 0, 0 if traits.breaks("window-whole-day-closed") else DAY
    if traits.breaks("window-hours-ignored"):
        return 0, DAY
    start, end = (_count_minutes(window[name]) * 60 for name in ("from", "to"))
    if end <= start and traits.takes("window-never-backwards"):
        return start, 0
    return start, (end - start) % DAY or DAY


def _has_times(window: dict[str, Any]) -> bool:
    return all(isinstance(window.get(name), dict) for name in ("from", "to"))


def _count_minutes(time: dict[str, Any]) -> int:
    return int(time.get("hour", 0)) * 60 + int(time.get("minute", 0))
