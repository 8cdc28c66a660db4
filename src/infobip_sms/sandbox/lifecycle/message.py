"""The life of a message: accepted, sent, under way, at its end.

    accepted ── window open ──> sent ── seconds of its fate ──> final status
        └────────────── validity period over ──> EXPIRED <──────────┘ (a status that is not final)

A status that stood in the reply to the send request is a fate that comes to pass without sending.

Every step happens at the instant at which it is due, whenever it is looked at: the same requests at
the same instants give the same messages, reports and times.

Lives here: what happens to a message, and when.
Never here: who is told of it (pushes.py, lookups.py), the queue of what is due (state.py).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal

import attrs

from infobip_sms.sandbox.clock import find_later
from infobip_sms.sandbox.state import statuses

from .delivery_windows import find_opening

if TYPE_CHECKING:
    from infobip_sms.sandbox.state.rows import Sms

Act = Literal["send", "report", "arrive", "expire"]


def plan(sms: Sms, *, over_midnight: bool) -> Sms:
    """Return the message with the instant at which something happens to it next."""
    found = find_act(sms, over_midnight=over_midnight)
    return attrs.evolve(sms, due=found[0] if found else None)


def step(sms: Sms, *, over_midnight: bool) -> Sms:
    """Return the message after what is due has happened to it."""
    found = find_act(sms, over_midnight=over_midnight)
    assert found is not None, "nothing is due"
    at, act = found
    match act:
        case "send":
            after = attrs.evolve(sms, sent_at=at, status=statuses.WAITING_DELIVERY)
        case "report":
            after = attrs.evolve(sms, reported=sms.reported + 1)
        case "arrive":
            after = _arrive(sms, at)
        case "expire":
            after = _end(sms, at, statuses.EXPIRED, statuses.VALIDITY_EXPIRED)
    return plan(after, over_midnight=over_midnight)


def find_act(sms: Sms, *, over_midnight: bool) -> tuple[dt.datetime, Act] | None:
    """Return what happens to a message next, and when; None when nothing will."""
    if sms.done_at is not None or sms.held:
        return None
    if sms.fate.is_in_reply() and not sms.arrived:
        return sms.accepted_at, "arrive"
    expiry = find_later(sms.start_at, sms.content.validity)
    found = _find_wish(sms, over_midnight=over_midnight)
    if (
        found is None or found[0] >= expiry
    ):  # not sent, and not delivered, once it is over (VAL-003)
        return expiry, "expire"
    return found


def _find_wish(sms: Sms, *, over_midnight: bool) -> tuple[dt.datetime, Act] | None:
    """Return what would happen next if there were no validity period."""
    if sms.arrived:
        return None
    if sms.sent_at is None:
        window = sms.content.window
        opening = (
            find_opening(window, sms.start_at, over_midnight=over_midnight)
            if window
            else sms.start_at
        )
        return (opening, "send") if opening else None
    between = sms.fate.reports - 1
    if sms.content.intermediate_report and sms.reported < between:
        return _find_moment(sms, sms.reported, between), "report"
    return _find_moment(sms, 1, 1), "arrive"


def _find_moment(sms: Sms, part: int, parts: int) -> dt.datetime:
    """Return the instant at which so many parts of the seconds of a fate have passed, to the millisecond."""
    assert sms.sent_at is not None, "only what was sent is under way"
    milliseconds = int(
        sms.fate.seconds * 1000 * part // parts
    )  # a share would lose one to rounding
    return find_later(sms.sent_at, dt.timedelta(milliseconds=milliseconds))


def _arrive(sms: Sms, at: dt.datetime) -> Sms:
    """Return the message with the status that its destination chooses."""
    sms = attrs.evolve(sms, arrived=True)
    if statuses.find_status(sms.fate.status).is_final:
        return _end(sms, at, sms.fate.status, sms.fate.error)
    return attrs.evolve(
        sms, status=sms.fate.status, error=sms.fate.error, reported=sms.reported + 1
    )


def _end(sms: Sms, at: dt.datetime, status: int, error: int) -> Sms:
    unread = sms.fate.reports > 0
    return attrs.evolve(sms, status=status, error=error, done_at=at, unread=unread)
