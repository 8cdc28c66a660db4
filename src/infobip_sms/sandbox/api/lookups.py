"""Delivery reports and logs.

Each report is returned once (DLR-007), unless a callback server acknowledged it before. Logs may be read
any number of times (LOG-001), newest message first. Both cover the last 48 hours.
"""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import TYPE_CHECKING

import attrs
from infobip_sms_schema import DeliveryReports, SmsLogs

from infobip_sms.sandbox.lifecycle.representations import MCC, MNC, build_log, build_report
from infobip_sms.sandbox.state.statuses import get_status

from .http import OperationResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infobip_sms_schema import FetchDeliveryReportsParameters, GetLogsParameters

    from infobip_sms.sandbox.config import SandboxSettings
    from infobip_sms.sandbox.state.rows import StoredMessage
    from infobip_sms.sandbox.state.state import State

RETENTION_PERIOD = dt.timedelta(hours=48)
DEFAULT_LIMIT = 50


def get_reports(
    parameters: FetchDeliveryReportsParameters,
    state: State,
    now: dt.datetime,
    settings: SandboxSettings,
) -> OperationResult:
    """Return final reports, oldest first, and mark them as fetched (DLR-007, DLR-008)."""
    found = list(islice(_iter_fetchable(parameters, state, now), parameters.limit or DEFAULT_LIMIT))
    reports = [build_report(sms, None, settings) for sms in found]
    return OperationResult(
        DeliveryReports(results=reports),
        tuple(attrs.evolve(sms, fetchable=False) for sms in found),
    )


def get_logs(
    parameters: GetLogsParameters, state: State, now: dt.datetime, settings: SandboxSettings
) -> OperationResult:
    """Return the messages that match every filter, newest first (LOG-001 to LOG-007)."""
    matching = (sms for sms in _iter_by_id(parameters, state) if _matches(sms, parameters, now))
    found = islice(matching, parameters.limit or DEFAULT_LIMIT)
    return OperationResult(SmsLogs(results=[build_log(sms, settings) for sms in found]))


def _iter_fetchable(
    parameters: FetchDeliveryReportsParameters, state: State, now: dt.datetime
) -> Iterator[StoredMessage]:
    candidates: Iterable[StoredMessage]
    if parameters.message_id is not None:
        candidates = state.get_messages_by_id(parameters.message_id)
    elif parameters.bulk_id is not None:
        candidates = state.get_messages_by_bulk(parameters.bulk_id)
    else:
        candidates = (state.messages[serial] for serial in state.fetchable)
    for sms in candidates:
        recent = sms.done_at is not None and now - sms.done_at <= RETENTION_PERIOD
        if sms.fetchable and recent and parameters.bulk_id in (None, sms.bulk_id):
            yield sms


def _iter_by_id(parameters: GetLogsParameters, state: State) -> Iterator[StoredMessage]:
    """Yield the messages with the requested ids, newest first; all if none are requested."""
    if parameters.message_id is None and parameters.bulk_id is None:
        yield from (state.messages[serial] for serial in reversed(state.messages))
        return
    if parameters.message_id is not None:
        candidates = (state.get_messages_by_id(id_) for id_ in dict.fromkeys(parameters.message_id))
    else:
        candidates = (
            state.get_messages_by_bulk(id_) for id_ in dict.fromkeys(parameters.bulk_id or ())
        )
    found = {sms.serial: sms for group in candidates for sms in group}
    yield from (found[serial] for serial in sorted(found, reverse=True))


def _matches(sms: StoredMessage, parameters: GetLogsParameters, now: dt.datetime) -> bool:
    """Return whether a message is recent and matches every filter."""
    moment = sms.sent_at or sms.done_at
    if moment is not None and now - moment > RETENTION_PERIOD:
        return False
    if parameters.from_ is not None and parameters.from_ != sms.content.from_:
        return False
    if parameters.to is not None and parameters.to.removeprefix("+") != sms.to.removeprefix("+"):
        return False
    if parameters.bulk_id is not None and sms.bulk_id not in parameters.bulk_id:
        return False
    if (parameters.mcc or MCC, parameters.mnc or MNC) != (MCC, MNC):
        return False
    if parameters.general_status not in (None, get_status(sms.status).group_name):
        return False
    return _is_between(moment, parameters)


def _is_between(moment: dt.datetime | None, parameters: GetLogsParameters) -> bool:
    """Return whether a message was sent in the requested period (LOG-007)."""
    if parameters.sent_since is None and parameters.sent_until is None:
        return True
    if moment is None:
        return False
    is_late_enough = parameters.sent_since is None or moment >= parameters.sent_since
    return is_late_enough and (parameters.sent_until is None or moment < parameters.sent_until)
