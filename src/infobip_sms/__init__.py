"""Client for Infobip's SMS API.

from infobip_sms import ApiKey, Client, Message

with Client("https://xxxxx.api.infobip.com", auth=ApiKey("...")) as client:
    sent = client.send_text("41793026727", "Hello", from_="InfoSMS")
    print(sent.message_id, sent.status.name)
    client.send(Message(destinations=["41793026727", "41793026731"], text="Hello"))

Without an account, run "infobip-sms sandbox" and use Client("http://127.0.0.1:8080",
auth=Basic("Aladdin", "open sesame")).
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infobip_sms_schema import (
        BulkResponse,
        BulkStatus,
        BulkStatusResponse,
        ConversionResponse,
        Day,
        DeliveryReport,
        DeliveryReports,
        DeliveryTimeWindow,
        Destination,
        ErrorDetails,
        ErrorResponse,
        ErrorResponseBody,
        GeneralStatus,
        GsmErrorCode,
        HttpInfo,
        Language,
        LanguageCode,
        LanguageV1,
        Message,
        MessageV1,
        NotifyContentType,
        Preview,
        PreviewConfiguration,
        PreviewLanguage,
        PreviewResponse,
        Price,
        SmsLog,
        SmsLogs,
        SmsRequest,
        SmsRequestV1,
        SmsResponse,
        SmsResponseDetails,
        SmsResponseV1,
        Status,
        TimeOfDay,
        Track,
        Tracking,
        Transliteration,
        TransliterationV1,
    )

    from infobip_sms.send_many.journal import JournalError
    from infobip_sms.send_many.outcomes import Outcome
    from infobip_sms.send_many.preflight import CheckedDestination, preflight
    from infobip_sms.send_many.reconcile import Reconciled
    from infobip_sms.send_many.report_store import ReportStore, ReportStoreError
    from infobip_sms.send_many.run_status import RunRow, RunStatus, read_run_status
    from infobip_sms.text.segments import SegmentCount, count_segments
    from infobip_sms.text.transliteration import Transliterated, transliterate
    from infobip_sms.transport.retry import Retry

    from .async_client import AsyncClient
    from .auth import ApiKey, Auth, Basic, Bearer, IbssoToken
    from .client import Client
    from .errors import (
        ApiError,
        Attempt,
        Error,
        InvalidRequestError,
        InvalidResponseError,
        TransportError,
        Violation,
    )
    from .requirements import explain
    from .webhooks import parse_delivery_reports

_HOMES = {
    "AsyncClient": "async_client",
    "Client": "client",
    "Attempt": "errors",
    "InvalidResponseError": "errors",
    "Error": "errors",
    "TransportError": "errors",
    "ApiError": "errors",
    "InvalidRequestError": "errors",
    "Violation": "errors",
    "ApiKey": "auth",
    "Auth": "auth",
    "Basic": "auth",
    "Bearer": "auth",
    "IbssoToken": "auth",
    "JournalError": "send_many.journal",
    "CheckedDestination": "send_many.preflight",
    "Outcome": "send_many.outcomes",
    "explain": "requirements",
    "preflight": "send_many.preflight",
    "Reconciled": "send_many.reconcile",
    "ReportStore": "send_many.report_store",
    "ReportStoreError": "send_many.report_store",
    "RunRow": "send_many.run_status",
    "RunStatus": "send_many.run_status",
    "read_run_status": "send_many.run_status",
    "parse_delivery_reports": "webhooks",
    "Retry": "transport.retry",
    "SegmentCount": "text.segments",
    "Transliterated": "text.transliteration",
    "count_segments": "text.segments",
    "transliterate": "text.transliteration",
}
"""Modules of the names that are not models. Each is loaded when one of its names is first used."""

__all__ = [
    # client and authorization
    "ApiKey",
    "AsyncClient",
    "Auth",
    "Basic",
    "Bearer",
    "Client",
    "IbssoToken",
    "Retry",
    # request
    "Day",
    "DeliveryTimeWindow",
    "Destination",
    "Language",
    "LanguageCode",
    "Message",
    "NotifyContentType",
    "SmsRequest",
    "TimeOfDay",
    "Track",
    "Tracking",
    "Transliteration",
    # response
    "HttpInfo",
    "SmsResponse",
    "SmsResponseDetails",
    "Status",
    # version 1 of the send operation
    "LanguageV1",
    "MessageV1",
    "SmsRequestV1",
    "SmsResponseV1",
    "TransliterationV1",
    # delivery reports and logs
    "DeliveryReport",
    "DeliveryReports",
    "GeneralStatus",
    "Price",
    "GsmErrorCode",
    "SmsLog",
    "SmsLogs",
    "parse_delivery_reports",
    # sending in bulk
    "CheckedDestination",
    "JournalError",
    "Outcome",
    "Reconciled",
    "ReportStore",
    "ReportStoreError",
    "RunRow",
    "RunStatus",
    "preflight",
    "read_run_status",
    # preview
    "Preview",
    "PreviewConfiguration",
    "PreviewLanguage",
    "PreviewResponse",
    # segments and transliteration
    "SegmentCount",
    "Transliterated",
    "count_segments",
    "transliterate",
    # scheduled bulks and conversions
    "BulkResponse",
    "BulkStatus",
    "BulkStatusResponse",
    "ConversionResponse",
    # requirements
    "explain",
    # errors
    "ErrorResponse",
    "Attempt",
    "InvalidResponseError",
    "Error",
    "TransportError",
    "ApiError",
    "ErrorResponseBody",
    "InvalidRequestError",
    "ErrorDetails",
    "Violation",
]


def __getattr__(name: str) -> Any:
    home = f"{__name__}.{_HOMES[name]}" if name in _HOMES else "infobip_sms_schema"
    module = import_module(home) if name[:1].isupper() or name in _HOMES else None
    if name not in _HOMES and name not in getattr(module, "__all__", ()):
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__]
        )
    value = getattr(module, name)
    if name in __all__:
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
