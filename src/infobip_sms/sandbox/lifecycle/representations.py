"""Messages as delivery reports and log entries."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import DeliveryReport, Price, SmsLog
from infobip_sms_schema.xml_scalars import XML_ILLEGAL

from infobip_sms.codecs import get_codec
from infobip_sms.sandbox.state.statuses import get_error, get_status, is_rejection

if TYPE_CHECKING:
    import datetime as dt

    from infobip_sms.codecs import Wire
    from infobip_sms.sandbox.config import SandboxSettings
    from infobip_sms.sandbox.state.rows import StoredMessage, WebhookDelivery

REPLACED = "characters that XML cannot represent; in XML they are replaced by U+FFFD, in JSON they are as they were"
MCC, MNC = "001", "01"  # the test network of ITU-T E.212, never a real one


def build_report(
    sms: StoredMessage, delivery: WebhookDelivery | None, settings: SandboxSettings
) -> DeliveryReport:
    """Return the report for a webhook delivery, or for the last status of a message (DLR-001 to DLR-004)."""
    status, error, done_at = (
        (delivery.status, delivery.error, delivery.done_at)
        if delivery
        else (sms.status, sms.error, sms.done_at)
    )
    return DeliveryReport(
        bulk_id=sms.bulk_id,
        message_id=sms.message_id,
        to=sms.to,
        from_=sms.content.from_,
        sent_at=_find_sent_at(sms, done_at),
        done_at=done_at,
        sms_count=sms.content.sms_count,
        mcc_mnc=MCC + MNC,
        callback_data=sms.content.callback_data,
        price=build_price(sms, status, settings),
        status=get_status(status),
        error=get_error(error),
    )


def build_log(sms: StoredMessage, settings: SandboxSettings) -> SmsLog:
    """Return the log entry of a message (LOG-001)."""
    return SmsLog(
        bulk_id=sms.bulk_id,
        message_id=sms.message_id,
        to=sms.to,
        from_=sms.content.from_,
        text=sms.content.text,
        sent_at=_find_sent_at(sms, sms.done_at),
        done_at=sms.done_at,
        sms_count=sms.content.sms_count,
        mcc_mnc=MCC + MNC,
        price=build_price(sms, sms.status, settings),
        status=get_status(sms.status),
        error=get_error(sms.error),
    )


def build_price(sms: StoredMessage, status: int, settings: SandboxSettings) -> Price:
    """Return the price per segment; rejected and unsent messages are free."""
    free = sms.sent_at is None or is_rejection(status)
    return Price(
        price_per_message=Decimal(0) if free else settings.price, currency=settings.currency
    )


def _find_sent_at(sms: StoredMessage, done_at: dt.datetime | None) -> dt.datetime | None:
    """Return when the message was sent; if it was rejected before, when it was rejected."""
    rejected = done_at is not None and is_rejection(sms.status)
    return done_at if sms.sent_at is None and rejected else sms.sent_at


def has_illegal_characters(text: str | None) -> bool:
    """Return whether a text has characters that XML cannot represent."""
    return text is not None and XML_ILLEGAL.search(text) is not None


def dump_replaced(model: attrs.AttrsInstance, wire: Wire) -> bytes:
    """Return the body for a model; characters that XML cannot represent are replaced by U+FFFD."""
    replaced: attrs.AttrsInstance = _replace(model)
    return get_codec(wire).dump_model(replaced)  # type: ignore[no-any-return]  # a module


def _replace(value: Any) -> Any:
    if type(value) is str:
        return XML_ILLEGAL.sub("\ufffd", value)
    if isinstance(value, list | tuple):
        return [_replace(entry) for entry in value]
    if attrs.has(type(value)):
        fields = [field for field in attrs.fields(type(value)) if field.init]
        changed = {field.alias: _replace(getattr(value, field.name)) for field in fields}
        return type(value)(**changed)
    return value
