"""Send text messages through Infobip's fully featured SMS endpoint, in JSON or XML.

    from infobip_sms import Basic, Client, Destination, Message, SmsRequest

    with Client("http://127.0.0.1:8080", auth=Basic("Aladdin", "open sesame")) as client:
        response = client.send(SmsRequest(messages=[Message(
            from_="InfoSMS", destinations=[Destination(to="41793026727")], text="Hello")]))

Lives here: the table of contents.
Never here: code.
"""

from infobip_sms_schema import (
    ApiError,
    Day,
    DeliveryReport,
    DeliveryReports,
    DeliveryTimeWindow,
    Destination,
    Language,
    LanguageCode,
    Message,
    NotifyContentType,
    Price,
    ReportError,
    RequestError,
    ServiceException,
    SmsRequest,
    SmsResponse,
    SmsResponseDetails,
    Status,
    TimeOfDay,
    Track,
    Tracking,
    Transliteration,
)

from .client import Client
from .errors import BadReply, Error, NoAnswer, Rejected, RequestRefused, Violation
from .exchange import ApiKey, Auth, Basic, Bearer, IbssoToken

__all__ = [
    # the client and its authorization
    "ApiKey",
    "Auth",
    "Basic",
    "Bearer",
    "Client",
    "IbssoToken",
    # the request
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
    # the reply
    "SmsResponse",
    "SmsResponseDetails",
    "Status",
    # delivery reports
    "DeliveryReport",
    "DeliveryReports",
    "Price",
    "ReportError",
    # errors
    "ApiError",
    "BadReply",
    "Error",
    "NoAnswer",
    "Rejected",
    "RequestError",
    "RequestRefused",
    "ServiceException",
    "Violation",
]
