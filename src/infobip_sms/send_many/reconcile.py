"""Asking the server what it knows of messages, by their messageIds.

Lives here: how many ids one question holds, which rows answer it.
Never here: sending, waiting, files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote_plus

import attrs
from infobip_sms_schema import GetLogsParameters

from .outcomes import State, find_log_verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infobip_sms_schema import DeliveryReport, DeliveryReports, SmsLog, SmsLogs

_QUERY = 1900  # characters; 2,048 is the least that a later vendor page promises for such a list
_FIELDS = attrs.fields(GetLogsParameters)
_NAME = len(_FIELDS.message_id.metadata["wire"]) + 2  # characters beside each id: & and =
_MOST: Any = _FIELDS.limit.validator
_LIMIT: int = _MOST.maximum


class Asked(Protocol):
    """What is asked: a client."""

    def get_logs(self, *, message_id: Iterable[str], limit: int) -> SmsLogs:
        """Look up messages."""

    def fetch_delivery_reports(self, *, message_id: str) -> DeliveryReports:
        """Fetch reports."""


@attrs.frozen(kw_only=True)
class Reconciled:
    """What the server knows of one message."""

    message_id: str
    state: State
    """``accepted``, ``refused``, or ``unknown`` if neither logs nor reports have it."""
    logs: tuple[SmsLog, ...] = ()
    """What the logs have of it."""
    reports: tuple[DeliveryReport, ...] = ()
    """What its delivery reports said. They are nowhere else any more (DLR-007)."""


def reconcile(
    client: Asked, message_ids: Iterable[str], *, reports: bool = False
) -> Iterator[Reconciled]:
    """Look up messages, one result for each id, in their order."""
    if isinstance(message_ids, str):
        raise ValueError("message_ids wants several: a list of one, for one")  # noqa: TRY004 - as any bad value
    return _reconcile(client, iter(message_ids), reports=reports)


def find_logs(client: Asked, message_ids: Iterable[str]) -> dict[str, list[SmsLog]]:
    """Return the rows of the logs for each id; none for an id that they do not know."""
    found: dict[str, list[SmsLog]] = {}
    for ids in _split(iter(message_ids)):
        rows = client.get_logs(message_id=ids, limit=_LIMIT).results
        for row in rows:
            if row.message_id in ids:
                found.setdefault(row.message_id, []).append(row)
    return found


def _reconcile(client: Asked, message_ids: Iterator[str], *, reports: bool) -> Iterator[Reconciled]:
    for ids in _split(message_ids):
        logs = find_logs(client, dict.fromkeys(ids))
        for name in ids:
            rows = logs.get(name, [])
            fetch = reports and not rows
            yield _fetch(client, name) if fetch else _conclude(name, logs=tuple(rows))


def _fetch(client: Asked, name: str) -> Reconciled:
    return _conclude(name, reports=tuple(client.fetch_delivery_reports(message_id=name).results))


def _conclude(
    name: str, logs: tuple[SmsLog, ...] = (), reports: tuple[DeliveryReport, ...] = ()
) -> Reconciled:
    rows: list[SmsLog | DeliveryReport] = [*logs, *reports]
    rows = [row for row in rows if row.message_id == name]
    state = find_log_verdict(rows).state if rows else "unknown"
    return Reconciled(message_id=name, state=state, logs=logs, reports=reports)


def _split(message_ids: Iterator[str]) -> Iterator[list[str]]:
    """Give as many ids at a time as one query holds, at least one."""
    ids: list[str] = []
    size = 0
    for name in message_ids:
        cost = (
            len(quote_plus(str(name), errors="replace")) + _NAME
        )  # a bad one is refused when asked for
        if ids and (size + cost > _QUERY or len(ids) >= _LIMIT):
            yield ids
            ids, size = [], 0
        ids.append(name)
        size += cost
    if ids:
        yield ids
