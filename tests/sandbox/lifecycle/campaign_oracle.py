"""What must become of a message, calculated from the words of the documentation, minute by minute.

The words are those of the page's parameter table, of the readings in requirements.toml where the page
is silent, and of the README's scheme for numbers that begin with 999.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

CATALOGUE = tomllib.loads(
    (Path(__file__).resolve().parents[3] / "schema" / "statuses.toml").read_text(encoding="utf-8")
)
GROUPS = {row["id"]: row["group"] for row in CATALOGUE["status"]}
ERRORS = {row["id"] for row in CATALOGUE["error"]}
REJECTED = 5  # the group
WAITING, DELIVERED, EXPIRED, INVALID, ACCEPTED = 3, 5, 15, 52, 26
EXPIRY_ERROR = 4101
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)
NAMES = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]


class Fate(NamedTuple):
    """What a number asks for."""

    milliseconds: int
    reports: int
    error: int
    status: int

    def stands_in_reply(self) -> bool:
        """With 00 seconds a status that is accepted, pending or rejected is in the response."""
        return self.milliseconds == 0 and GROUPS[self.status] in {0, 1, REJECTED}


class Report(NamedTuple):
    """A report, and the instant at which it is there."""

    at: dt.datetime
    status: int
    error: int
    sent_at: dt.datetime | None
    final: bool


class Moment(NamedTuple):
    """What the logs say of a message from an instant on."""

    at: dt.datetime
    status: int
    error: int
    sent_at: dt.datetime | None
    done_at: dt.datetime | None


class Life(NamedTuple):
    """Everything that becomes of a message."""

    in_reply: int
    """The status in the response to the request."""
    kept: bool
    """There is a message; 51 and 52 leave none."""
    moments: list[Moment]
    reports: list[Report]
    """All that there are; who is told of them is another question."""

    def find_moment(self, now: dt.datetime) -> Moment:
        """Return what holds at an instant."""
        return [moment for moment in self.moments if moment.at <= now][-1]


def is_over_midnight(window: dict[str, Any]) -> bool:
    """Its to is not later than its from."""
    return "from" in window and read_minutes(window["to"]) <= read_minutes(window["from"])


def read_minutes(time: dict[str, int]) -> int:
    """Minutes since midnight."""
    return time["hour"] * 60 + time["minute"]


def is_open(window: dict[str, Any], instant: dt.datetime, reading: str) -> bool:
    """Whether a message can be sent at an instant; everything is UTC (WIN-007, WIN-008, READ-008)."""
    today, yesterday = NAMES[instant.weekday()], NAMES[instant.weekday() - 1]
    if "from" not in window:
        return today in window["days"]
    opens, closes = read_minutes(window["from"]), read_minutes(window["to"])
    now = instant.hour * 60 + instant.minute
    if opens < closes:
        return today in window["days"] and opens <= now < closes
    if reading == "never open":
        return False
    return (today in window["days"] and now >= opens) or (
        yesterday in window["days"] and now < closes
    )


def find_sending(
    window: dict[str, Any] | None, start: dt.datetime, expiry: dt.datetime, reading: str
) -> dt.datetime | None:
    """The first instant from start on at which the window is open; none once the validity is over.

    Windows open and close on whole minutes, so that the start and every whole minute after it will do.
    """
    instant = start
    while instant < expiry:
        if window is None or is_open(window, instant, reading):
            return instant
        instant = instant.replace(second=0, microsecond=0) + MINUTE
    return None


def read_fate(to: str) -> Fate:
    """README: 999, 2 digits of seconds, 1 of reports, 4 of the error, 3 of the final status.

    All others are delivered; the campaign's sandbox takes no time for that.
    """
    if not to.startswith("999"):
        return Fate(0, 2, 0, DELIVERED)
    found = re.fullmatch("999([0-9]{2})([0-9])([0-9]{4})([0-9]{3})", to)
    if found is None or int(found[4]) not in GROUPS or int(found[3]) not in ERRORS:
        return Fate(0, 0, 0, INVALID)
    return Fate(int(found[1]) * 1000, int(found[2]), int(found[3]), int(found[4]))


def foresee(message: dict[str, Any], to: str, accepted: dt.datetime, reading: str) -> Life:
    """Calculate everything that happens to a message of a request to one destination."""
    outcome = read_fate(to)
    start = max(accepted, read_instant(message.get("sendAt")) or accepted)  # READ-019
    minutes = min(max(message.get("validityPeriod", 2880), 0), 2880)  # VAL-002, READ-015, READ-036
    expiry = start + minutes * MINUTE  # READ-035
    if outcome.stands_in_reply():
        return foresee_reply(outcome, accepted, expiry)
    sent = find_sending(message.get("deliveryTimeWindow"), start, expiry, reading)
    moments = [Moment(accepted, ACCEPTED, 0, None, None)]
    if sent is None:
        return expire(Life(ACCEPTED, True, moments, []), expiry)
    moments.append(Moment(sent, WAITING, 0, sent, None))
    between = outcome.reports - 1
    on_the_way = [
        Report(at, WAITING, 0, sent, final=False)
        for part in range(between)
        if (at := sent + dt.timedelta(milliseconds=part * outcome.milliseconds // between)) < expiry
    ]
    arrival = sent + dt.timedelta(milliseconds=outcome.milliseconds)
    return arrive(Life(ACCEPTED, True, moments, on_the_way), outcome, arrival, expiry)


def foresee_reply(fate: Fate, accepted: dt.datetime, expiry: dt.datetime) -> Life:
    """The status is in the response, and the message is never sent."""
    if fate.status in {51, 52}:
        return Life(fate.status, False, [], [])
    life = Life(fate.status, True, [], [])
    if GROUPS[fate.status] != REJECTED:
        life.moments.append(Moment(accepted, fate.status, fate.error, None, None))
        life.reports.append(Report(accepted, fate.status, fate.error, None, final=False))
        return expire(life, expiry)
    # when it was rejected stands for when it was sent
    life.moments.append(Moment(accepted, fate.status, fate.error, accepted, accepted))
    life.reports.append(Report(accepted, fate.status, fate.error, accepted, final=True))
    return life


def arrive(life: Life, fate: Fate, arrival: dt.datetime, expiry: dt.datetime) -> Life:
    """The seconds of the number are over; what comes after the validity does not come (VAL-003)."""
    sent = life.moments[-1].sent_at
    if arrival >= expiry:
        return expire(life, expiry)
    final = GROUPS[fate.status] not in {0, 1}
    done = arrival if final else None
    life.moments.append(Moment(arrival, fate.status, fate.error, sent, done))
    life.reports.append(Report(arrival, fate.status, fate.error, sent, final))
    return life if final else expire(life, expiry)


def expire(life: Life, expiry: dt.datetime) -> Life:
    """The validity period is over before there was a final status."""
    sent = life.moments[-1].sent_at
    life.moments.append(Moment(expiry, EXPIRED, EXPIRY_ERROR, sent, expiry))
    life.reports.append(Report(expiry, EXPIRED, EXPIRY_ERROR, sent, final=True))
    return life


def find_told(message: dict[str, Any], to: str, life: Life) -> list[Report]:
    """The reports that somebody is told of: none with a 0 in the number; intermediate ones if asked for."""
    if read_fate(to).reports == 0:
        return []
    return [r for r in life.reports if r.final or message.get("intermediateReport")]


def is_refused(document: dict[str, Any], reading: str) -> bool:
    """The whole request gets 400, if windows over midnight are rejected and it has one (READ-008)."""
    windows = [m["deliveryTimeWindow"] for m in document["messages"] if "deliveryTimeWindow" in m]
    return reading == "rejected" and any(map(is_over_midnight, windows))


def count_segments(text: str) -> int:
    """Up to 160 plain letters are one message; of more, each part has 153."""
    return 1 if len(text) <= 160 else -(-len(text) // 153)


def read_instant(text: str | None) -> dt.datetime | None:
    """An instant of a request, in UTC."""
    return None if text is None else dt.datetime.fromisoformat(text).astimezone(dt.UTC)
