"""The states of a message.

    accepted ── window opens ──> sent ── seconds of its outcome ──> final status
        └──────────── validity period ends ──> EXPIRED <──────────┘ (a status that is not final)

An outcome that was in the response to the send request is reached without sending.

Every transition takes the instant at which it was due, whenever it is applied: the same requests at
the same instants give the same messages, reports and times.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal

import attrs

from infobip_sms.sandbox.clock import add_clamped
from infobip_sms.sandbox.state import statuses

from .delivery_windows import find_opening

if TYPE_CHECKING:
    from infobip_sms.sandbox.state.rows import StoredMessage

Transition = Literal["send", "report", "arrive", "expire"]


def schedule_next(sms: StoredMessage, *, over_midnight: bool) -> StoredMessage:
    """Return the message with the instant of its next transition."""
    found = find_transition(sms, over_midnight=over_midnight)
    return attrs.evolve(sms, due=found[0] if found else None)


def step(sms: StoredMessage, *, over_midnight: bool) -> StoredMessage:
    """Return the message after its next transition."""
    found = find_transition(sms, over_midnight=over_midnight)
    assert found is not None, "nothing is due"
    at, transition = found
    match transition:
        case "send":
            after = attrs.evolve(sms, sent_at=at, status=statuses.WAITING_DELIVERY)
        case "report":
            after = attrs.evolve(sms, reported=sms.reported + 1)
        case "arrive":
            after = _apply_outcome(sms, at)
        case "expire":
            after = _finish(sms, at, statuses.EXPIRED, statuses.VALIDITY_EXPIRED)
    return schedule_next(after, over_midnight=over_midnight)


def find_transition(
    sms: StoredMessage, *, over_midnight: bool
) -> tuple[dt.datetime, Transition] | None:
    """Return the next transition of a message and its instant; None if there is none."""
    if sms.done_at is not None or sms.held:
        return None
    if sms.outcome.is_immediate() and not sms.outcome_reached:
        return sms.accepted_at, "arrive"
    expiry = add_clamped(sms.start_at, sms.content.validity)
    found = _find_transition_without_expiry(sms, over_midnight=over_midnight)
    if found is None or found[0] >= expiry:  # neither sent nor delivered after that (VAL-003)
        return expiry, "expire"
    return found


def _find_transition_without_expiry(
    sms: StoredMessage, *, over_midnight: bool
) -> tuple[dt.datetime, Transition] | None:
    """Return the next transition if there were no validity period."""
    if sms.outcome_reached:
        return None
    if sms.sent_at is None:
        window = sms.content.window
        opening = (
            find_opening(window, sms.start_at, over_midnight=over_midnight)
            if window
            else sms.start_at
        )
        return (opening, "send") if opening else None
    intermediate = sms.outcome.reports - 1
    if sms.content.intermediate_report and sms.reported < intermediate:
        return _get_instant_in_transit(sms, sms.reported, intermediate), "report"
    return _get_instant_in_transit(sms, 1, 1), "arrive"


def _get_instant_in_transit(sms: StoredMessage, part: int, parts: int) -> dt.datetime:
    """Return the instant at which ``part`` of ``parts`` of the seconds have passed, to the millisecond."""
    assert sms.sent_at is not None, "the message was sent"
    milliseconds = int(
        sms.outcome.seconds * 1000 * part // parts
    )  # in integers, since floats would lose one to rounding
    return add_clamped(sms.sent_at, dt.timedelta(milliseconds=milliseconds))


def _apply_outcome(sms: StoredMessage, at: dt.datetime) -> StoredMessage:
    """Return the message with the status of its outcome."""
    status, error = sms.outcome.status, sms.outcome.error
    if statuses.get_status(status).is_final:
        return _finish(sms, at, status, error, reached=True)
    reported = sms.reported + 1
    return attrs.evolve(sms, status=status, error=error, reported=reported, outcome_reached=True)


def _finish(
    sms: StoredMessage, at: dt.datetime, status: int, error: int, *, reached: bool = False
) -> StoredMessage:
    return attrs.evolve(
        sms,
        status=status,
        error=error,
        done_at=at,
        fetchable=sms.outcome.reports > 0,
        outcome_reached=reached or sms.outcome_reached,
    )
