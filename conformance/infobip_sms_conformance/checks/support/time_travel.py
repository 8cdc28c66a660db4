"""The journey of a run through days, where the clock of the server can be moved; at the very end.

It goes past the tries of a report that is not taken, past the end of short validity periods and past that of
the longest, and stops before and after each, so that one can tell when something came.

Lives here: the stops, and the tie of a run to its journey.
Never here: the control of the clock (clock.py), a verdict.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from infobip_sms_conformance.checks.support.webhooks import PUSHES, News, send_pushes
from infobip_sms_conformance.fixtures.delivery_windows import find_opening
from infobip_sms_conformance.fixtures.webhook_messages import (
    BRIEF,
    CAPPED,
    EXPIRING,
    LONGEST,
    MINUTE,
    REFUSED,
    TRIES_REFUSED,
)
from infobip_sms_conformance.observations.verdicts import Judgement
from infobip_sms_conformance.session.registry import LAST
from infobip_sms_conformance.session.server_clock import Clock
from infobip_sms_conformance.session.session import Session

END = LAST + 1
"""When the checks run that may go on it: after all others."""
SLACK = 10.0
"""Seconds around an instant within which something counts as having come then."""
HOUR = 60 * MINUTE
CLOCKS: WeakKeyDictionary[Session, Clock] = WeakKeyDictionary()


def find_gap(number: int) -> float:
    """Return the seconds between two tries of a report, the first of them counted from 0 (DLR-006)."""
    return MINUTE * (1 + number * number)


def find_clock(session: Session) -> Clock:
    """Return the clock of the server, which has moved no further than the run went."""
    return CLOCKS.setdefault(session, Clock(session.target))


def travel(session: Session) -> Clock:
    """Go on the journey, if this run has not; return the clock."""
    clock = find_clock(session)
    for wire in session.wires:  # what is sent after it would find the clock ahead
        with suppress(Judgement):
            send_pushes(session, wire)
    sent = [(wire, session.find(PUSHES, wire)) for wire in session.wires]
    all_news = [News(session, wire, exchange) for wire, exchange in sent if exchange]
    for stop in sorted({stop for news in all_news for stop in find_stops(session, news)}):
        clock.move_to(stop)
    return clock


def find_stops(session: Session, news: News) -> Iterator[float]:
    """Yield the instants of the journey, as the clock of the server has them."""
    for hit in news.hits(REFUSED)[:1] if REFUSED in news.messages else []:
        due = hit.at
        for number in range(TRIES_REFUSED):
            due += find_gap(number)
            yield from (due - SLACK, due + SLACK)
    for name in (EXPIRING, CAPPED):
        if name in news.messages:
            yield find_opening_of(news.messages[name], news.exchange.at) + SLACK
            if name == CAPPED:
                yield news.exchange.at + LONGEST * MINUTE - HOUR
    brief = session.find(BRIEF, news.wire)
    if brief is not None:
        yield find_opening_of(brief.document["messages"][0], brief.at) + SLACK


def find_opening_of(message: Any, after: float) -> float:
    """Return when the window of a message opens."""
    return find_opening(message["deliveryTimeWindow"], after)
