"""The documents that are measured, as our models."""

from __future__ import annotations

from infobip_sms import (
    Destination,
    Message,
    SmsRequest,
    SmsResponse,
    SmsResponseDetails,
    Status,
)

_ACCEPTED = Status(
    group_id=1,
    group_name="PENDING",
    id=26,
    name="PENDING_ACCEPTED",
    description="Message sent to next instance",
)


def build_messages(count: int) -> SmsRequest:
    """Return a request of so many messages, each to one destination."""
    return SmsRequest(bulk_id="orders-of-today", messages=[_build(n, 1) for n in range(count)])


def build_destinations(count: int) -> SmsRequest:
    """Return a request of one message to so many destinations."""
    return SmsRequest(bulk_id="orders-of-today", messages=[_build(0, count)])


def build_reply(count: int) -> SmsResponse:
    """Return the response to a request of so many destinations."""
    details = [
        SmsResponseDetails(to=_name(n), status=_ACCEPTED, sms_count=1, message_id=f"order-{n}")
        for n in range(count)
    ]
    return SmsResponse(bulk_id="orders-of-today", messages=details)


def _build(number: int, count: int) -> Message:
    return Message(
        from_="InfoSMS",
        destinations=[
            Destination(to=_name(n), message_id=f"order-{n}") for n in range(number, number + count)
        ],
        text=f"Your order {number} is ready; please come to the counter before six o'clock.",
        notify_url="https://www.example.com/sms/advanced",
        validity_period=720,
    )


def _name(number: int) -> str:
    return f"999{number:09}"
