"""Every public call, for the type checker: this file is checked and never run."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import assert_type

from infobip_sms import (
    ApiError,
    ApiKey,
    Auth,
    BadReply,
    Basic,
    Bearer,
    Client,
    Day,
    DeliveryTimeWindow,
    Destination,
    Error,
    IbssoToken,
    Language,
    LanguageCode,
    Message,
    NoAnswer,
    NotifyContentType,
    Price,
    Rejected,
    RequestRefused,
    SmsRequest,
    SmsResponse,
    Status,
    TimeOfDay,
    Track,
    Tracking,
    Transliteration,
    Violation,
    parse_delivery_reports,
)


def build() -> SmsRequest:
    """Use every member of a request."""
    noon = TimeOfDay(hour=12, minute=0)
    message = Message(
        from_="InfoSMS",
        destinations=[
            Destination(to="41793026727", message_id="id"),
            Destination(to="41793026731"),
        ],
        text="text",
        flash=True,
        language=Language(language_code=LanguageCode.TR),
        transliteration=Transliteration.TURKISH,
        intermediate_report=True,
        notify_url="https://www.example.com",
        notify_content_type=NotifyContentType.APPLICATION_XML,
        callback_data="data",
        validity_period=720,
        send_at=dt.datetime.now(dt.UTC),
        delivery_time_window=DeliveryTimeWindow(from_=noon, to=noon, days=[Day.MONDAY]),
    )
    assert_type(message.effective_validity_period, int | None)
    tracking = Tracking(
        track=Track.URL, process_key="key", type="type", base_url="https://a.example"
    )
    return SmsRequest(bulk_id="bulk", messages=[message], tracking=tracking)


def send() -> None:
    """Use every argument of the client, and every part of an answer and of an error."""
    auths: list[Auth] = [
        Basic("user", "password"),
        ApiKey("key"),
        IbssoToken("token"),
        Bearer("token"),
    ]
    with Client(
        "https://api.infobip.com", auth=auths[0], wire="xml", timeout=3.5, connections=4
    ) as client:
        try:
            response = client.send(build(), wire="json", timeout=1.0)
        except RequestRefused as refused:
            assert_type(refused.violations, tuple[Violation, ...])
        except NoAnswer as lost:
            print(lost.sent == "maybe", lost.reason)
        except Rejected as rejected:
            assert_type(rejected.api_error, ApiError | None)
            print(rejected.status, rejected.text, rejected.message_id, rejected.body)
        except BadReply as bad:
            print(bad.status, bad.body, bad.violations, bad.sent)
        except Error as error:
            print(error)
        else:
            assert_type(response, SmsResponse)
            assert_type(response.messages[0].status, Status)
            assert_type(response.messages[0].message_id, str | None)
            assert_type(response.raw, bytes | None)


def read_reports(body: bytes) -> None:
    """Use the reader of delivery reports."""
    for report in parse_delivery_reports(body, "application/json").results:
        assert_type(report.done_at, dt.datetime | None)
        assert_type(report.price, Price | None)
        if report.price is not None:
            assert_type(report.price.price_per_message, Decimal | None)
