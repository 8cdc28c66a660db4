"""Scheduled bulks: get, reschedule, pause, resume and cancel.

    PENDING <──> PAUSED       both ──> CANCELED, by request (READ-024)
    PENDING ──> PROCESSING ──> FINISHED or FAILED, by the clock

PROCESSING starts at sendAt and ends when every message has its final status; a bulk FAILED if no
message was sent. A bulk that is paused past its sendAt is sent when it is resumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from infobip_sms_schema import BulkResponse, BulkStatus, BulkStatusResponse

from infobip_sms.sandbox.clock import to_utc
from infobip_sms.sandbox.lifecycle.message import schedule_next
from infobip_sms.sandbox.state.statuses import is_rejection

from .http import HttpError, OperationResult

if TYPE_CHECKING:
    import datetime as dt

    from infobip_sms.sandbox.config import SandboxSettings
    from infobip_sms.sandbox.state.rows import StoredBulk, StoredMessage
    from infobip_sms.sandbox.state.state import State

_TRANSITIONS = {
    BulkStatus.PENDING: (BulkStatus.PAUSED, BulkStatus.CANCELED),
    BulkStatus.PAUSED: (BulkStatus.PENDING, BulkStatus.CANCELED),
}


def get_bulk(bulk_id: str, state: State) -> OperationResult:
    """Return when a bulk is sent (BULK-001)."""
    bulk = _require_bulk(bulk_id, state)
    return OperationResult(BulkResponse(bulk_id=bulk.bulk_id, send_at=bulk.send_at))


def move_bulk(
    bulk_id: str, send_at: dt.datetime, state: State, now: dt.datetime, settings: SandboxSettings
) -> OperationResult:
    """Reschedule a bulk; an instant in the past means now (BULK-002, READ-019)."""
    bulk = _require_bulk(bulk_id, state)
    before = get_bulk_state(bulk, state, now)
    if before not in _TRANSITIONS:
        raise HttpError(400, "BAD_REQUEST", f"The bulk is {before}; it cannot be moved")
    moved = attrs.evolve(bulk, send_at=send_at)
    response = BulkResponse(bulk_id=bulk.bulk_id, send_at=send_at)
    return OperationResult(response, (moved, *_reschedule_messages(moved, state, now, settings)))


def get_bulk_status(bulk_id: str, state: State, now: dt.datetime) -> OperationResult:
    """Return the status of a bulk (BULK-003)."""
    bulk = _require_bulk(bulk_id, state)
    return OperationResult(
        BulkStatusResponse(bulk_id=bulk.bulk_id, status=get_bulk_state(bulk, state, now).value)
    )


def set_bulk_status(
    bulk_id: str, status: BulkStatus, state: State, now: dt.datetime, settings: SandboxSettings
) -> OperationResult:
    """Pause, resume or cancel a bulk (BULK-003, READ-024)."""
    bulk, status = _require_bulk(bulk_id, state), BulkStatus(status)
    before = get_bulk_state(bulk, state, now)
    if status not in _TRANSITIONS.get(before, ()):
        raise HttpError(400, "BAD_REQUEST", f"The bulk is {before}; it cannot become {status}")
    changed = attrs.evolve(bulk, requested_status=status)
    response = BulkStatusResponse(bulk_id=bulk.bulk_id, status=status.value)
    return OperationResult(
        response, (changed, *_reschedule_messages(changed, state, now, settings))
    )


def get_bulk_state(bulk: StoredBulk, state: State, now: dt.datetime) -> BulkStatus:
    """Return the status of a bulk, from the requested one and its messages."""
    if bulk.requested_status is not BulkStatus.PENDING or to_utc(bulk.send_at) > now:
        return bulk.requested_status
    messages = _get_messages(bulk, state)
    if any(sms.done_at is None for sms in messages):
        return BulkStatus.PROCESSING
    sent = any(sms.sent_at is not None and not is_rejection(sms.status) for sms in messages)
    return BulkStatus.FINISHED if sent else BulkStatus.FAILED


def _reschedule_messages(
    bulk: StoredBulk, state: State, now: dt.datetime, settings: SandboxSettings
) -> list[StoredMessage]:
    """Return the unfinished messages of a bulk with its new instant and status."""
    held = bulk.requested_status is not BulkStatus.PENDING
    start = max(to_utc(bulk.send_at), now)
    return [
        schedule_next(
            attrs.evolve(sms, held=held, start_at=start), over_midnight=settings.over_midnight
        )
        for sms in _get_messages(bulk, state)
        if sms.done_at is None
    ]


def _get_messages(bulk: StoredBulk, state: State) -> list[StoredMessage]:
    serials = range(*bulk.message_serials)
    return [state.messages[serial] for serial in serials if serial in state.messages]


def _require_bulk(bulk_id: str, state: State) -> StoredBulk:
    bulk = state.find_bulk(bulk_id)
    if bulk is None:
        raise HttpError(404, "NOT_FOUND", "Bulk not found")
    return bulk
