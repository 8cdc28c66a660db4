"""The least that Python code can do for a document: loops by hand, for what the bench's documents contain.

They read and write these documents only: no other field, no error that says what is wrong. What they
take is what remains to be saved without a compiled core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from infobip_sms_schema import SmsRequest

from infobip_sms.codecs import get_codec

if TYPE_CHECKING:
    from collections.abc import Callable

READ, READ_CHECKED = "a loop by hand, without checks", "a loop by hand, with its checks"
WRITE, WRITE_CHECKED = READ, READ_CHECKED
_SENDER_SIZES = range(3, 12)
_SMALLEST, _LARGEST = -(2**63), 2**63


class _Status:
    __slots__ = ("description", "group_id", "group_name", "id", "name")
    description: str | None
    group_id: int
    group_name: str
    id: int
    name: str


class _Details:
    __slots__ = ("extra", "http", "message_id", "sms_count", "status", "to")
    extra: dict[str, Any] | None
    http: object
    message_id: str
    sms_count: int
    status: _Status | None
    to: str


def find_readers(body: bytes) -> dict[str, Callable[[], Any]]:
    """Return what reads a response."""
    return {READ: lambda: read_response(body), READ_CHECKED: lambda: read_checked_response(body)}


def find_writers(body: bytes) -> dict[str, Callable[[], Any]]:
    """Return what writes a request again."""
    request = get_codec("json").parse_request(body, SmsRequest)
    return {
        WRITE: lambda: write_request(request),
        WRITE_CHECKED: lambda: write_checked_request(request),
    }


def read_response(body: bytes) -> tuple[_Details, ...]:
    """Read the entries of a response; equal statuses in a row are one object."""
    found, plain, status = [], None, None
    for entry in orjson.loads(body)["messages"]:
        if entry["status"] != plain:
            plain = entry["status"]
            status = _read_status(plain)
        made = _Details()
        made.to, made.status = entry["to"], status
        made.sms_count, made.message_id = entry["smsCount"], entry["messageId"]
        made.http = made.extra = None
        found.append(made)
    return tuple(found)


def read_checked_response(body: bytes) -> tuple[_Details, ...]:
    """Read the entries of a response; each value has its type and its limits, and there is no other field."""
    found, plain, status = [], None, None
    for entry in orjson.loads(body)["messages"]:
        to, count, message_id = entry["to"], entry["smsCount"], entry["messageId"]
        if type(to) is not str or not to.isascii():
            raise ValueError
        if type(count) is not int or not _SMALLEST < count < _LARGEST:
            raise ValueError
        if type(message_id) is not str or not message_id.isascii() or len(entry) != 4:
            raise ValueError
        if entry["status"] != plain:
            plain = entry["status"]
            status = _read_status(plain)
        made = _Details()
        made.to, made.status = to, status
        made.sms_count, made.message_id = count, message_id
        made.http = made.extra = None
        found.append(made)
    return tuple(found)


def _read_status(plain: dict[str, Any]) -> _Status:
    status = _Status()
    status.group_id, status.group_name = plain["groupId"], plain["groupName"]
    status.id, status.name = plain["id"], plain["name"]
    status.description = plain.get("description")
    return status


def write_request(request: SmsRequest) -> bytes:
    """Write a request whose messages have one destination each, and these fields alone."""
    messages = [
        {
            "from": message.from_,
            "destinations": [{"to": d.to, "messageId": d.message_id} for d in message.destinations],
            "text": message.text,
            "notifyUrl": message.notify_url,
            "validityPeriod": message.validity_period,
        }
        for message in request.messages
    ]
    return orjson.dumps({"bulkId": request.bulk_id, "messages": messages})


def write_checked_request(request: SmsRequest) -> bytes:
    """Write such a request; each value has its type and its limits."""
    messages = []
    for message in request.messages:
        sender, text, url = message.from_, message.text, message.notify_url
        if type(sender) is not str or len(sender) not in _SENDER_SIZES:
            raise ValueError
        if (
            type(text) is not str
            or type(url) is not str
            or type(message.validity_period) is not int
        ):
            raise ValueError
        destinations = []
        for destination in message.destinations:
            to, message_id = destination.to, destination.message_id
            if type(to) is not str or not to.isdecimal() or type(message_id) is not str:
                raise ValueError
            destinations.append({"to": to, "messageId": message_id})
        messages.append(
            {
                "from": sender,
                "destinations": destinations,
                "text": text,
                "notifyUrl": url,
                "validityPeriod": message.validity_period,
            }
        )
    return orjson.dumps({"bulkId": request.bulk_id, "messages": messages})
