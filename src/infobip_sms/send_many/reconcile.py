"""Asking the server what it knows of messages, by their messageIds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote_plus

import attrs
from infobip_sms_schema import GetLogsParameters

from .outcomes import OutcomeState, resolve_logs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infobip_sms_schema import DeliveryReport, DeliveryReports, SmsLog, SmsLogs

_MAX_QUERY_LENGTH = (
    1900  # characters; 2,048 is the least that a later vendor page promises for such a list
)
_FIELDS = attrs.fields(GetLogsParameters)
_PARAMETER_OVERHEAD = (
    len(_FIELDS.message_id.metadata["wire"]) + 2
)  # characters beside each id: & and =
_LIMIT_CONSTRAINT: Any = _FIELDS.limit.validator
_MAX_LOGS: int = _LIMIT_CONSTRAINT.maximum


class LookupClient(Protocol):
    """What is asked: a client."""

    def get_logs(self, *, message_id: Iterable[str], limit: int) -> SmsLogs:
        """Look up messages."""

    def fetch_delivery_reports(self, *, message_id: str) -> DeliveryReports:
        """Fetch reports."""


@attrs.frozen(kw_only=True)
class Reconciled:
    """What the server knows of one message.

    message_id: The messageId that was looked up.
    state: ``accepted``, ``rejected``, or ``unknown`` if neither logs nor reports have it.
    logs: What the logs have of it.
    reports: What its delivery reports said. They are nowhere else any more (DLR-007).
    """

    message_id: str
    state: OutcomeState
    logs: tuple[SmsLog, ...] = ()
    reports: tuple[DeliveryReport, ...] = ()


def reconcile(
    client: LookupClient, message_ids: Iterable[str], *, reports: bool = False
) -> Iterator[Reconciled]:
    """Look up messages, one result for each id, in their order."""
    ids = [message_ids] if isinstance(message_ids, str) else message_ids
    return _reconcile(client, iter(ids), reports=reports)


def fetch_logs(client: LookupClient, message_ids: Iterable[str]) -> dict[str, list[SmsLog]]:
    """Return the rows of the logs for each id; none for an id that they do not know."""
    found: dict[str, list[SmsLog]] = {}
    for ids in _split(iter(message_ids)):
        rows = client.get_logs(message_id=ids, limit=_MAX_LOGS).results
        for row in rows:
            if row.message_id in ids:
                found.setdefault(row.message_id, []).append(row)
    return found


def _reconcile(
    client: LookupClient, message_ids: Iterator[str], *, reports: bool
) -> Iterator[Reconciled]:
    for ids in _split(message_ids):
        logs = fetch_logs(client, dict.fromkeys(ids))
        for name in ids:
            rows = logs.get(name, [])
            fetch = reports and not rows
            yield (
                _fetch_reports(client, name) if fetch else _build_reconciled(name, logs=tuple(rows))
            )


def _fetch_reports(client: LookupClient, message_id: str) -> Reconciled:
    return _build_reconciled(
        message_id, reports=tuple(client.fetch_delivery_reports(message_id=message_id).results)
    )


def _build_reconciled(
    message_id: str, logs: tuple[SmsLog, ...] = (), reports: tuple[DeliveryReport, ...] = ()
) -> Reconciled:
    rows: list[SmsLog | DeliveryReport] = [*logs, *reports]
    rows = [row for row in rows if row.message_id == message_id]
    state = resolve_logs(rows).state if rows else "unknown"
    return Reconciled(message_id=message_id, state=state, logs=logs, reports=reports)


def _split(message_ids: Iterator[str]) -> Iterator[list[str]]:
    """Give as many ids at a time as one query holds, at least one."""
    ids: list[str] = []
    size = 0
    for name in message_ids:
        cost = (
            len(quote_plus(str(name), errors="replace")) + _PARAMETER_OVERHEAD
        )  # a bad one is rejected when asked for
        if ids and (size + cost > _MAX_QUERY_LENGTH or len(ids) >= _MAX_LOGS):
            yield ids
            ids, size = [], 0
        ids.append(name)
        size += cost
    if ids:
        yield ids
