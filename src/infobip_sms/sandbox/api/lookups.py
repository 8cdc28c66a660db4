"""What can be asked about messages: reports that nobody has had yet, and logs.

Reports are fetched once (DLR-007); one that a callback server has taken is not offered any more.
Logs may be read again and again (LOG-001), newest message first. Both reach back 48 hours.

Lives here: which messages an answer is about.
Never here: how one of them looks (entries.py).
"""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import TYPE_CHECKING

import attrs
from infobip_sms_schema import DeliveryReports, SmsLogs

from infobip_sms.sandbox.lifecycle.representations import MCC, MNC, build_log, build_report
from infobip_sms.sandbox.state.statuses import find_status

from .http import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infobip_sms_schema import FetchDeliveryReportsParameters, GetLogsParameters

    from infobip_sms.sandbox.config import Settings
    from infobip_sms.sandbox.state.rows import Sms
    from infobip_sms.sandbox.state.state import State

KEPT = dt.timedelta(hours=48)
DEFAULT_LIMIT = 50


def get_reports(
    asked: FetchDeliveryReportsParameters, state: State, now: dt.datetime, settings: Settings
) -> Outcome:
    """Return final reports, the oldest first, and take down that they were fetched (DLR-007, DLR-008)."""
    found = list(islice(_find_unread(asked, state, now), asked.limit or DEFAULT_LIMIT))
    reports = [build_report(sms, None, settings) for sms in found]
    return Outcome(
        DeliveryReports(results=reports),
        tuple(attrs.evolve(sms, unread=False) for sms in found),
    )


def get_logs(
    asked: GetLogsParameters, state: State, now: dt.datetime, settings: Settings
) -> Outcome:
    """Return the messages that fit every filter, newest first (LOG-001 to LOG-007)."""
    fitting = (sms for sms in _find_named(asked, state) if _fits(sms, asked, now))
    found = islice(fitting, asked.limit or DEFAULT_LIMIT)
    return Outcome(SmsLogs(results=[build_log(sms, settings) for sms in found]))


def _find_unread(
    asked: FetchDeliveryReportsParameters, state: State, now: dt.datetime
) -> Iterator[Sms]:
    named: Iterable[Sms]
    if asked.message_id is not None:
        named = state.find_by_id(asked.message_id)
    elif asked.bulk_id is not None:
        named = state.find_by_bulk(asked.bulk_id)
    else:
        named = (state.messages[number] for number in state.unread)
    for sms in named:
        recent = sms.done_at is not None and now - sms.done_at <= KEPT
        if sms.unread and recent and asked.bulk_id in (None, sms.bulk_id):
            yield sms


def _find_named(asked: GetLogsParameters, state: State) -> Iterator[Sms]:
    """Yield the messages with one of the names that were asked for, newest first; all if none was."""
    if asked.message_id is None and asked.bulk_id is None:
        yield from (state.messages[number] for number in reversed(state.messages))
        return
    if asked.message_id is not None:
        named = (state.find_by_id(name) for name in dict.fromkeys(asked.message_id))
    else:
        named = (state.find_by_bulk(name) for name in dict.fromkeys(asked.bulk_id or ()))
    found = {sms.number: sms for group in named for sms in group}
    yield from (found[number] for number in sorted(found, reverse=True))


def _fits(sms: Sms, asked: GetLogsParameters, now: dt.datetime) -> bool:
    """Tell whether a message is recent and passes every filter."""
    moment = sms.sent_at or sms.done_at
    if moment is not None and now - moment > KEPT:
        return False
    if asked.from_ is not None and asked.from_ != sms.content.from_:
        return False
    if asked.to is not None and asked.to.removeprefix("+") != sms.to.removeprefix("+"):
        return False
    if asked.bulk_id is not None and sms.bulk_id not in asked.bulk_id:
        return False
    if (asked.mcc or MCC, asked.mnc or MNC) != (MCC, MNC):
        return False
    if asked.general_status not in (None, find_status(sms.status).group_name):
        return False
    return _is_between(moment, asked)


def _is_between(moment: dt.datetime | None, asked: GetLogsParameters) -> bool:
    """Tell whether a message was sent within the asked time (LOG-007)."""
    if asked.sent_since is None and asked.sent_until is None:
        return True
    if moment is None:
        return False
    since = asked.sent_since is None or moment >= asked.sent_since
    return since and (asked.sent_until is None or moment < asked.sent_until)
