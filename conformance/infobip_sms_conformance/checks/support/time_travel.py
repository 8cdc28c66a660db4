"""The time travel of a run through days, where the clock of the server can be moved; at the very end.

It goes past the retries of an unacknowledged report, past the end of short validity periods and past that of
the longest, and stops before and after each, so that one can tell when something came.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from infobip_sms_conformance.checks.support.webhooks import WebhookRun, send_webhook_messages
from infobip_sms_conformance.fixtures.delivery_windows import get_opening
from infobip_sms_conformance.fixtures.webhook_messages import (
    BRIEF,
    CAPPED,
    EXPIRING,
    MAX_VALIDITY_PERIOD,
    MINUTE,
    NOT_ACKNOWLEDGED,
    UNACKNOWLEDGED_ATTEMPTS,
    WEBHOOK_MESSAGES,
)
from infobip_sms_conformance.observations.verdicts import CheckOutcome
from infobip_sms_conformance.session.registry import LAST
from infobip_sms_conformance.session.server_clock import ServerClock
from infobip_sms_conformance.session.session import Session

TIME_TRAVEL = LAST + 1
"""When the checks run that may go on it: after all others."""
SLACK = 10.0
"""Seconds around an instant within which something counts as having come then."""
HOUR = 60 * MINUTE
CLOCKS: WeakKeyDictionary[Session, ServerClock] = WeakKeyDictionary()


def get_retry_gap(attempt: int) -> float:
    """Return the seconds between two tries of a report, the first of them counted from 0 (DLR-006)."""
    return MINUTE * (1 + attempt * attempt)


def get_server_clock(session: Session) -> ServerClock:
    """Return the clock of the server, which has moved no further than the run went."""
    return CLOCKS.setdefault(session, ServerClock(session.target))


def travel_in_time(session: Session) -> ServerClock:
    """Go on the time travel, if this run has not; return the clock."""
    clock = get_server_clock(session)
    for wire in session.wires:  # what is sent after it would find the clock ahead
        with suppress(CheckOutcome):
            send_webhook_messages(session, wire)
    sent = [(wire, session.find(WEBHOOK_MESSAGES, wire)) for wire in session.wires]
    all_news = [WebhookRun(session, wire, exchange) for wire, exchange in sent if exchange]
    for stop in sorted({stop for news in all_news for stop in iter_stops(session, news)}):
        clock.move_to(stop)
    return clock


def iter_stops(session: Session, webhook_run: WebhookRun) -> Iterator[float]:
    """Yield the instants of the time travel, as the clock of the server has them."""
    for hit in (
        webhook_run.calls(NOT_ACKNOWLEDGED)[:1] if NOT_ACKNOWLEDGED in webhook_run.messages else []
    ):
        due = hit.at
        for number in range(UNACKNOWLEDGED_ATTEMPTS):
            due += get_retry_gap(number)
            yield from (due - SLACK, due + SLACK)
    for name in (EXPIRING, CAPPED):
        if name in webhook_run.messages:
            yield get_window_opening(webhook_run.messages[name], webhook_run.exchange.at) + SLACK
            if name == CAPPED:
                yield webhook_run.exchange.at + MAX_VALIDITY_PERIOD * MINUTE - HOUR
    brief = session.find(BRIEF, webhook_run.wire)
    if brief is not None:
        yield get_window_opening(brief.document["messages"][0], brief.at) + SLACK


def get_window_opening(message: Any, after: float) -> float:
    """Return when the window of a message opens."""
    return get_opening(message["deliveryTimeWindow"], after)
