"""Mutants of the response to a send request: its contents and its format."""

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


# ---------------------------------------------------------------- contents


def _repeat_id(response: SmsResponse, submission: Submission) -> SmsResponse:
    """Generate the same id for every message."""
    entries = [
        entry if destination.message_id else attrs.evolve(entry, message_id="1")
        for entry, destination in zip(response.messages, submission.destinations, strict=True)
    ]
    return attrs.evolve(response, messages=entries)


def _set_status(response: SmsResponse, status: Any) -> SmsResponse:
    return attrs.evolve(
        response, messages=[attrs.evolve(m, status=status) for m in response.messages]
    )


def _keep_first_entries(response: SmsResponse, submission: Submission) -> SmsResponse:
    """Keep only the first entry of each message."""
    indexes, count = [], 0
    for message in submission.messages:
        indexes.append(count)
        count += len(message.destinations)
    return attrs.evolve(response, messages=[response.messages[index] for index in indexes])


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
"""Responses of version 2 with wrong contents."""


# ---------------------------------------------------------------- format


def _set_content_type(response: HttpResponse) -> HttpResponse:
    return attrs.evolve(response, headers={"content-type": "text/plain"})


def _replace_status_bytes(response: HttpResponse) -> HttpResponse:
    enroute = get_status(_ENROUTE)
    body = response.body.replace(b"<id>26</id>", f"<id>{enroute.id}</id>".encode())
    return attrs.evolve(response, body=body.replace(b"PENDING_ACCEPTED", enroute.name.encode()))


REWRITTEN_RESPONSES: dict[str, Callable[[HttpResponse, bool], HttpResponse]] = {
    "HTTP-001": lambda response, _: attrs.evolve(
        response, status=201 if response.status == 200 else response.status
    ),
    "HTTP-004": lambda response, xml: response if xml else _set_content_type(response),
    "HTTP-005": lambda response, xml: _set_content_type(response) if xml else response,
    "RESP-007": lambda response, _: attrs.evolve(response, body=_NAME.sub(b"", response.body)),
    "RESP-007-text": lambda response, _: attrs.evolve(
        response, body=_ID.sub(rb'"id":"\1"', response.body)
    ),
    "ERR-001": lambda response, _: (
        attrs.evolve(response, body=b"rejected") if response.status == 400 else response
    ),
    "V1-008": lambda response, _: attrs.evolve(
        response, body=response.body.replace(b"SendSMSResponse", b"reply")
    ),
    "XML-003": lambda response, _: attrs.evolve(
        response, body=response.body.replace(b"smsResponse", b"SMSResponse")
    ),
    "XML-004": lambda response, xml: _replace_status_bytes(response) if xml else response,
}
"""Responses in a wrong format; the second argument is True for XML."""
