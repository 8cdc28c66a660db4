"""Dates and times as the API writes them."""

import re
from datetime import UTC, datetime, timedelta, timezone

from tests.conformance.mutation.independent_server.traits import Traits

PATTERN = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?P<zone>Z|[+-]\d\d:?\d\d)?", re.ASCII
)
CENTRAL_EUROPE = timezone(timedelta(hours=1))


def is_written(text: str) -> bool:
    """Tell whether a text has the form of a date and time."""
    return PATTERN.fullmatch(text) is not None


def read_instant(text: str, traits: Traits) -> float:
    """Read a date and time; ValueError if it is none."""
    match = PATTERN.fullmatch(text)
    if match is None:
        raise ValueError("must be a date and time")
    zone = match["zone"] or ""
    if not zone and traits.takes("zone-mandatory"):
        raise ValueError("must have a time zone")
    if traits.breaks("sendat-offset-ignored"):
        zone = ""
    plain = datetime.fromisoformat(text[: match.start("zone")] if match["zone"] else text)
    offset = datetime.fromisoformat(f"2000-01-01T00:00:00{zone or 'Z'}").utcoffset()
    try:
        return (plain.replace(tzinfo=UTC) - (offset or timedelta())).timestamp()
    except OverflowError as error:
        raise ValueError("must be a date and time") from error


def write_instant(instant: float, traits: Traits) -> str:
    """Write an instant as reports have it: with an offset that has no colon."""
    zone = UTC if traits.takes("utc-dates") else CENTRAL_EUROPE
    return _write(datetime.fromtimestamp(instant, zone))


def write_schedule(instant: float, traits: Traits) -> str:
    """Write an instant as the bulk operations have it."""
    written = _write(datetime.fromtimestamp(instant, UTC))
    return f"{written[:-2]}:{written[-2:]}" if traits.takes("colon-schedule") else written


def _write(moment: datetime) -> str:
    milliseconds = moment.microsecond // 1000
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}{moment:%z}"
