"""Faults in responses: what they say, and how it is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs

from infobip_sms.sandbox.state.statuses import DELIVERED, get_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms_schema import SmsResponse

    from infobip_sms.sandbox.api.http import HttpResponse
    from infobip_sms.sandbox.api.send import Submission

_ENROUTE = 7
_NAME = re.compile(rb'"name":"[A-Z_]+",?|<name>[A-Z_]+</name>\n?')
_ID = re.compile(rb'"id":(\d+)')


# ---------------------------------------------------------------- what they say


def _repeat_id(response: SmsResponse, submission: Submission) -> SmsResponse:
    """Give the same generated id out again and again."""
    entries = [
        entry if recipient.message_id else attrs.evolve(entry, message_id="1")
        for entry, recipient in zip(response.messages, submission.destinations, strict=True)
    ]
    return attrs.evolve(response, messages=entries)


def _set_status(response: SmsResponse, status: Any) -> SmsResponse:
    return attrs.evolve(
        response, messages=[attrs.evolve(m, status=status) for m in response.messages]
    )


def _keep_first_entries(response: SmsResponse, submission: Submission) -> SmsResponse:
    """Leave all entries of a message out but the first."""
    places, count = [], 0
    for draft in submission.messages:
        places.append(count)
        count += len(draft.destinations)
    return attrs.evolve(response, messages=[response.messages[place] for place in places])


MUTATED_SEND_RESPONSES: dict[str, Callable[[SmsResponse, Submission], SmsResponse]] = {
    "RESP-001": lambda r, _: attrs.evolve(r, messages=r.messages[: max(1, len(r.messages) - 1)]),
    "RESP-001-message": _keep_first_entries,
    "RESP-002": lambda r, _: attrs.evolve(r, messages=r.messages[::-1]),
    "RESP-002-to": lambda r, _: attrs.evolve(
        r, messages=[attrs.evolve(m, to=r.messages[0].to) for m in r.messages]
    ),
    "RESP-004": lambda r, s: attrs.evolve(
        r, bulk_id=r.messages[0].message_id if s.bulk_id else r.bulk_id
    ),
    "RESP-005": _repeat_id,
    "RESP-006": lambda r, _: _set_status(r, get_status(DELIVERED)),
    "RESP-008": lambda r, _: _set_status(
        r, attrs.evolve(r.messages[0].status, group_name=get_status(DELIVERED).group_name)
    ),
    "RESP-009": lambda r, _: attrs.evolve(r, tracking_process_key=None),
    "RESP-010": lambda r, s: attrs.evolve(r, bulk_id=s.bulk_id),
    "RESP-010-same": lambda r, s: r if s.bulk_id else attrs.evolve(r, bulk_id=r.bulk_id and "1"),
}
"""Answers of version 2 that the faulty server gets wrong."""


# ---------------------------------------------------------------- how they are written


def _set_content_type(response: HttpResponse) -> HttpResponse:
    return attrs.evolve(response, headers={"content-type": "text/plain"})


def _replace_status_bytes(response: HttpResponse) -> HttpResponse:
    other = get_status(_ENROUTE)
    body = response.body.replace(b"<id>26</id>", f"<id>{other.id}</id>".encode())
    return attrs.evolve(response, body=body.replace(b"PENDING_ACCEPTED", other.name.encode()))


REWRITTEN_RESPONSES: dict[str, Callable[[HttpResponse, bool], HttpResponse]] = {
    "HTTP-001": lambda reply, _: attrs.evolve(
        reply, status=201 if reply.status == 200 else reply.status
    ),
    "HTTP-004": lambda reply, xml: reply if xml else _set_content_type(reply),
    "HTTP-005": lambda reply, xml: _set_content_type(reply) if xml else reply,
    "RESP-007": lambda reply, _: attrs.evolve(reply, body=_NAME.sub(b"", reply.body)),
    "RESP-007-text": lambda reply, _: attrs.evolve(reply, body=_ID.sub(rb'"id":"\1"', reply.body)),
    "ERR-001": lambda reply, _: attrs.evolve(reply, body=b"") if reply.status == 400 else reply,
    "V1-008": lambda reply, _: attrs.evolve(
        reply, body=reply.body.replace(b"SendSMSResponse", b"reply")
    ),
    "XML-003": lambda reply, _: attrs.evolve(
        reply, body=reply.body.replace(b"smsResponse", b"SMSResponse")
    ),
    "XML-004": lambda reply, xml: _replace_status_bytes(reply) if xml else reply,
}
"""Responses that the faulty server writes wrongly; True stands for an XML response."""
