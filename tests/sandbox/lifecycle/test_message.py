"""When a message is sent, and when it expires."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from infobip_sms_schema import DeliveryTimeWindow, TimeOfDay

from infobip_sms.sandbox.lifecycle.delivery_windows import find_opening
from tests.sandbox.lifecycle.virtual_sandbox import CALLBACK, SEND, START, Bench, find_text

DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
HOUR = dt.timedelta(hours=1)
NIGHT = {"from": {"hour": 22, "minute": 0}, "to": {"hour": 6, "minute": 0}}


def window(days: list[str], start: tuple[int, int] | None = None, end: Any = None) -> Any:
    """Return a window of these days and times of day."""
    if start is None:
        return DeliveryTimeWindow(days=days)
    times = [TimeOfDay(hour=hour, minute=minute) for hour, minute in (start, end)]
    return DeliveryTimeWindow(days=days, from_=times[0], to=times[1])


def at(day: int, hour: int = 0, minute: int = 0, second: int = 0) -> dt.datetime:
    """Return an instant of January 2030, whose first day is a Tuesday."""
    return dt.datetime(2030, 1, day, hour, minute, second, tzinfo=dt.UTC)


LAST_MOMENT = at(1, 15, 30) - dt.timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("days", "times", "instant", "opens"),
    [
        (DAYS, ((6, 0), (15, 30)), at(1, 12), at(1, 12)),
        (DAYS, ((6, 0), (15, 30)), at(1, 6), at(1, 6)),
        (DAYS, ((6, 0), (15, 30)), at(1, 5, 59, 59), at(1, 6)),
        (DAYS, ((6, 0), (15, 30)), LAST_MOMENT, LAST_MOMENT),
        (DAYS, ((6, 0), (15, 30)), at(1, 15, 30), at(2, 6)),
        (["TUESDAY"], ((6, 0), (15, 30)), at(1, 16), at(8, 6)),
        (["MONDAY"], ((6, 0), (15, 30)), at(1, 12), at(7, 6)),
        (["FRIDAY"], None, at(1, 12), at(4)),
        (["TUESDAY"], None, at(1, 23, 59, 59), at(1, 23, 59, 59)),
        (["TUESDAY"], None, at(2), at(8)),
        (["SATURDAY", "THURSDAY"], None, at(1, 12), at(3)),
    ],
)
def test_win_008_a_window_opens_on_its_days_at_its_time(
    days: list[str], times: Any, instant: dt.datetime, opens: dt.datetime
) -> None:
    """Days are whole without times; with them the first instant belongs to the window, the last not."""
    made = window(days, *(times or ()))

    assert find_opening(made, instant, over_midnight=True) == opens
    assert find_opening(made, instant, over_midnight=False) == opens


@pytest.mark.parametrize(
    ("days", "times", "instant", "opens"),
    [
        (DAYS, ((22, 0), (6, 0)), at(1, 12), at(1, 22)),
        (DAYS, ((22, 0), (6, 0)), at(1, 23), at(1, 23)),
        (DAYS, ((22, 0), (6, 0)), at(2, 5, 59), at(2, 5, 59)),
        (DAYS, ((22, 0), (6, 0)), at(2, 6), at(2, 22)),
        (["MONDAY"], ((22, 0), (6, 0)), at(8, 3), at(8, 3)),
        (["MONDAY"], ((22, 0), (6, 0)), at(7, 3), at(7, 22)),
        (["SUNDAY"], ((22, 0), (6, 0)), at(7, 5), at(7, 5)),
        (DAYS, ((10, 0), (10, 0)), at(1, 9), at(1, 9)),
        (["MONDAY"], ((10, 0), (10, 0)), at(8, 9), at(8, 9)),
        (["MONDAY"], ((10, 0), (10, 0)), at(8, 10), at(14, 10)),
    ],
)
def test_read_008_a_window_over_midnight(
    days: list[str], times: Any, instant: dt.datetime, opens: dt.datetime
) -> None:
    """A window that closes before it opens belongs to the day on which it opens, or never opens."""
    made = window(days, *times)

    assert find_opening(made, instant, over_midnight=True) == opens
    assert find_opening(made, instant, over_midnight=False) is None


def test_read_008_the_setting_determines_how_a_window_over_midnight_is_handled() -> None:
    """Over midnight it is sent at 22:00; with a window that never opens it expires; or it is rejected."""
    late, never = Bench(), Bench(readings={"READ-008": "never open"})
    for virtual in (late, never):
        virtual.send("41", deliveryTimeWindow={**NIGHT, "days": DAYS})
        virtual.wait(days=3)
    document = (
        b'{"messages":[{"destinations":[{"to":"41"}],"deliveryTimeWindow":{"days":["MONDAY"],'
        b'"from":{"hour":22,"minute":0},"to":{"hour":6,"minute":0}}}]}'
    )
    refusing = Bench(readings={"READ-008": "rejected"}).ask("POST", SEND, document)

    assert late.state.messages[1].sent_at == START + 10 * HOUR
    assert never.state.messages[1].sent_at is None
    assert never.state.messages[1].status == 15
    assert refusing.status == 400
    assert "messages[0].deliveryTimeWindow" in find_text(refusing)


def test_win_007_a_message_waits_for_its_window() -> None:
    """Sent at 06:00 UTC the next day and not before; then delivered."""
    virtual = Bench()
    virtual.send(
        "41",
        deliveryTimeWindow={
            "from": {"hour": 6, "minute": 0},
            "to": {"hour": 11, "minute": 0},
            "days": DAYS,
        },
        notifyUrl=CALLBACK,
    )
    virtual.wait(hours=17, minutes=59)
    (before,) = virtual.logs()
    virtual.wait(minutes=1, seconds=1)
    (after,) = virtual.logs()

    assert (before.status.id, before.sent_at, before.price.price_per_message) == (26, None, 0)
    assert after.sent_at == START + 18 * HOUR
    assert [p.at for p in virtual.pushed] == [after.sent_at + dt.timedelta(milliseconds=100)]


@pytest.mark.parametrize(
    ("asked", "hours"), [(None, 48), (60, 1), (2880, 48), (2881, 48), (10**30, 48), (0, 0), (-5, 0)]
)
def test_val_002_val_003_the_validity_period_ends_a_message(asked: int | None, hours: int) -> None:
    """A message that is still under way when its period is over is EXPIRED then; at most 48 hours."""
    virtual = Bench()
    period = {} if asked is None else {"validityPeriod": asked}
    virtual.send("9990020000007", notifyUrl=CALLBACK, **period)
    virtual.wait(hours=100)
    (pushed,) = virtual.pushed

    assert pushed.at == START + hours * HOUR
    assert pushed.status == 15
    assert pushed.report.error is not None
    assert pushed.report.error.name == "EC_VALIDITYEXPIRED"


def test_val_003_a_message_is_not_sent_when_its_window_opens_too_late() -> None:
    """A window that opens when the period is over comes too late: no sentAt, no price."""
    virtual = Bench()
    opening = {"from": {"hour": 13, "minute": 0}, "to": {"hour": 14, "minute": 0}, "days": DAYS}
    for period in (60, 61):
        virtual.send("41", deliveryTimeWindow=opening, validityPeriod=period)
    virtual.wait(hours=2)
    in_time, late = virtual.logs()

    assert (in_time.status.name, in_time.sent_at) == ("DELIVERED_TO_HANDSET", START + HOUR)
    assert (late.status.name, late.sent_at, late.done_at) == ("EXPIRED_EXPIRED", None, START + HOUR)
    assert late.price.price_per_message == 0


def test_val_003_delivery_must_come_within_the_period() -> None:
    """Of two messages under way for 60 seconds only the one that may take longer arrives."""
    virtual = Bench()
    virtual.send("9996010000005", validityPeriod=1)
    virtual.send("9995910000005", validityPeriod=1)
    virtual.wait(minutes=2)

    assert [log.status.id for log in virtual.logs()] == [5, 15]


def test_sched_001_a_message_is_sent_at_its_instant() -> None:
    """Not before sendAt, whose offset counts; the validity period begins there."""
    virtual = Bench()
    virtual.send("41", sendAt="2030-01-05T12:00:00.000+01:00", validityPeriod=1)
    virtual.wait(days=3, hours=22, minutes=59)
    (before,) = virtual.logs()
    virtual.wait(minutes=2)
    (after,) = virtual.logs()

    assert (before.status.id, before.sent_at) == (26, None)
    assert (after.status.id, after.sent_at) == (5, at(5, 11))


def test_sched_001_the_window_counts_from_the_instant_of_sending() -> None:
    """Both sendAt and deliveryTimeWindow: the first opening at or after sendAt."""
    virtual = Bench()
    virtual.send(
        "41",
        sendAt="2030-01-03T12:00:00.000+00:00",
        deliveryTimeWindow={"days": ["WEDNESDAY", "FRIDAY"]},
    )
    virtual.wait(days=4)

    assert virtual.logs()[0].sent_at == at(4)


def test_read_019_an_instant_in_the_past_means_at_once() -> None:
    """A message with a sendAt that is over is sent when it comes."""
    virtual = Bench()
    virtual.send("41", sendAt="2015-07-07T17:00:00.000+01:00")
    virtual.wait(seconds=1)

    assert virtual.logs()[0].sent_at == START


@pytest.mark.parametrize(
    "instant",
    [
        "9999-12-31T23:59:59.999-14:00",
        "9999-12-31T00:00:00.000+00:00",
        "0001-01-01T00:00:00.000+14:00",
    ],
)
def test_the_ends_of_the_calendar_are_accepted(instant: str) -> None:
    """The first and the last datetimes can be requested, with a window and a validity period."""
    virtual = Bench()
    virtual.send(
        "41", sendAt=instant, deliveryTimeWindow={"days": ["MONDAY"]}, validityPeriod=99999
    )
    virtual.wait(hours=47)

    assert len(virtual.logs()) == 1


def test_what_happens_does_not_depend_on_when_it_is_looked_at() -> None:
    """A sandbox that is looked at once at the end has the same messages as one that is watched."""
    watched, asleep = Bench(), Bench()
    for virtual in (watched, asleep):
        for to in ("41", "9991230000005", "9990020000007", "9990510000009"):
            virtual.send(to, notifyUrl=CALLBACK, intermediateReport=True, validityPeriod=3)
    for _ in range(600):
        watched.wait(seconds=0.5)
    asleep.now += dt.timedelta(minutes=5)

    assert watched.logs() == asleep.logs()
