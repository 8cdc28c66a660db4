"""Every public call, for the type checker: this file is checked and never run."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_type

from infobip_sms import (
    ApiError,
    ApiKey,
    AsyncClient,
    Attempt,
    Auth,
    Basic,
    Bearer,
    BulkResponse,
    BulkStatus,
    BulkStatusResponse,
    Client,
    Day,
    DeliveryReport,
    DeliveryReports,
    DeliveryTimeWindow,
    Destination,
    Error,
    ErrorResponse,
    GeneralStatus,
    IbssoToken,
    InvalidRequestError,
    InvalidResponseError,
    JournalError,
    Language,
    LanguageCode,
    LanguageV1,
    Message,
    MessageV1,
    NotifyContentType,
    Outcome,
    Price,
    Reconciled,
    ReportStore,
    Retry,
    RunRow,
    RunStatus,
    SmsLog,
    SmsRequest,
    SmsRequestV1,
    SmsResponse,
    SmsResponseDetails,
    Status,
    TimeOfDay,
    Track,
    Tracking,
    Transliteration,
    TransliterationV1,
    TransportError,
    Violation,
    count_segments,
    parse_delivery_reports,
    read_run_status,
    transliterate,
)

if TYPE_CHECKING:
    import ssl


def build() -> SmsRequest:
    """Use every field of a request."""
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
    """Use every argument of the client, and every part of a response and of an error."""
    auths: list[Auth] = [
        Basic("user", "password"),
        ApiKey("key"),
        IbssoToken("token"),
        Bearer("token"),
    ]
    with Client(
        "https://api.infobip.com",
        auth=auths[0],
        wire="xml",
        timeout=3.5,
        connect_timeout=1,
        connections=4,
        retry=Retry(attempts=3, timeout=30, wait_initial=0.5, wait_max=10, on=["timeout"]),
        proxy="http://user:password@proxy.example:3128",
        ca=Path("ca.pem"),
        user_agent="my-app/1.0",
    ) as client:
        try:
            response = client.send(build(), wire="json", timeout=1.0)
        except InvalidRequestError as refused:
            assert_type(refused.violations, tuple[Violation, ...])
        except TransportError as lost:
            print(lost.sent == "maybe", lost.reason)
            assert_type(lost.attempts, tuple[Attempt, ...])
        except ApiError as rejected:
            assert_type(rejected.error_response, ErrorResponse | None)
            print(rejected.status, rejected.text, rejected.code, rejected.body)
            assert_type(rejected.attempts, tuple[Attempt, ...])
            print(rejected.sent == "maybe")
        except InvalidResponseError as bad:
            print(bad.status, bad.body, bad.violations, bad.sent)
            for attempt in bad.attempts:
                print(
                    attempt.serial, attempt.outcome, attempt.sent, attempt.duration, attempt.waited
                )
        except Error as error:
            print(error)
        else:
            assert_type(response, SmsResponse)
            assert_type(response.messages[0].status, Status)
            assert_type(response.messages[0].message_id, str | None)
            assert_type(response.raw, bytes | None)


def use_short_forms(client: Client, rows: list[tuple[str, str]]) -> None:
    """Write plain values wherever they stand for a model, an enum or a list."""
    sent = client.send_text("41793026727", "Hello", from_="InfoSMS", wire="xml", timeout=1)
    assert_type(sent, SmsResponseDetails)
    client.send_text(
        "41793026727", "Hello", language="TR", validity_period=dt.timedelta(hours=2), flash=True
    )
    assert_type(sent.status.name, str)
    message = Message(
        destinations=["41793026727", Destination("41793026731", message_id="id")],
        text="Hello",
        language="TR",
        transliteration="TURKISH",
        notify_content_type="application/json",
        validity_period=dt.timedelta(hours=2),
        delivery_time_window=DeliveryTimeWindow(
            from_=dt.time(6), to=TimeOfDay(18, 30), days=["MONDAY", Day.TUESDAY]
        ),
    )
    assert_type(message.destinations, tuple[Destination, ...])
    assert_type(message.language, Language | None)
    assert_type(message.validity_period, int | None)
    client.send(message)
    client.send([message])
    client.send(Message(destinations=(to,), text=text) for to, text in rows)
    client.send_v1(MessageV1(destinations="41793026727", validity_period_ms=dt.timedelta(1)))
    request = SmsRequest(messages=message, tracking=Tracking(track="SMS"))
    for entry in (response := client.send(request)):
        assert_type(entry, SmsResponseDetails)
    assert_type(len(response), int)
    assert_type(response[0], SmsResponseDetails)
    client.set_scheduled_status("bulk", "CANCELED")
    client.preview("Merhaba", language_code="TR", transliteration="TURKISH")
    client.get_logs(general_status="DELIVERED")
    client.send(to="41793026727")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with Client.from_env(timeout=3) as other:
        assert_type(other, Client)


def make_clients(context: ssl.SSLContext) -> list[Client]:
    """Use the other types that a setting may have."""
    auth = ApiKey("key")
    return [
        Client(auth=auth, retry=None, proxy=False, ca=context),
        Client(auth=auth, wire="xml", xml_engine="xmlschema", validate_xml=True),
        Client(auth=auth, retry=Retry.none(), proxy="", ca="ca.pem"),
        Client(auth=auth, retry=Retry(on={"broken", "server-error"})),
    ]


def read_reports(body: bytes) -> None:
    """Use the reader of delivery reports."""
    for report in parse_delivery_reports(body, "application/json", validate=True).results:
        assert_type(report.done_at, dt.datetime | None)
        assert_type(report.price, Price | None)
        if report.price is not None:
            assert_type(report.price.price_per_message, Decimal | None)


def use_operations(client: Client) -> None:
    """Use every operation around the message."""
    v1 = SmsRequestV1(
        messages=[
            MessageV1(
                destinations=[Destination(to="41793026727")],
                language=LanguageV1(language_code=LanguageCode.TR, locking_shift=True),
                transliteration=TransliterationV1.TURKISH,
                validity_period_ms=86_400_000,
            )
        ]
    )
    assert_type(client.send_v1(v1, wire="xml").messages[0].sms_count, int | None)
    assert_type(client.fetch_delivery_reports(bulk_id="b", limit=10), DeliveryReports)
    noon = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    logs = client.get_logs(
        message_id=["a", "b"], bulk_id="c", general_status=GeneralStatus.PENDING, sent_since=noon
    )
    assert_type(logs.results[0].mcc_mnc, str | None)
    preview = client.preview("Merhaba", language_code=LanguageCode.TR, timeout=2)
    assert_type(preview.previews[0].message_count, int | None)
    assert_type(client.get_scheduled("b").send_at, dt.datetime | None)
    assert_type(client.reschedule("b", noon), BulkResponse)
    assert_type(client.get_scheduled_status("b").status, str | None)
    assert_type(client.set_scheduled_status("b", BulkStatus.CANCELED), BulkStatusResponse)
    assert_type(client.record_conversion("m").process_key, str | None)


def use_volume(client: Client, messages: list[Message]) -> None:
    """Send any number of messages, and look up what happened to them."""
    outcomes = client.send_many(
        iter(messages),
        chunk=500,
        concurrency=2,
        on_unknown="reconcile",
        journal="run.journal",
        tracking=Tracking(type="type"),
        log_delay=5,
        patience=60,
    )
    try:
        for outcome in outcomes:
            assert_type(outcome, Outcome)
            assert_type(
                outcome.state, Literal["accepted", "rejected", "unknown", "unsent", "suppressed"]
            )
            assert_type(outcome.status, Status | None)
            assert_type(outcome.error, Error | None)
            print(outcome.index, outcome.to, outcome.message_id, outcome.reason, outcome.earlier)
    except JournalError as problem:
        print(problem)
    finally:
        outcomes.close()
    for found in client.reconcile(iter(["a", "b"]), reports=True):
        assert_type(found, Reconciled)
        assert_type(found.logs, tuple[SmsLog, ...])
        assert_type(found.reports, tuple[DeliveryReport, ...])


def use_reports() -> None:
    """Keep delivery reports, and join them with the journal of a run."""
    with ReportStore("reports.sqlite") as store:
        assert_type(store.add([DeliveryReport(message_id="a")]), list[DeliveryReport])
    found = read_run_status("run.journal", "reports.sqlite")
    assert_type(found, RunStatus)
    print(found.counts["delivered"])
    for row in found:
        assert_type(row, RunRow)
        assert_type(row.report, DeliveryReport | None)


def use_text() -> None:
    """Count segments and transliterate."""
    assert_type(count_segments("Merhaba", LanguageCode.TR, single_shift=True).segments, int)
    assert_type(transliterate("γειά", "GREEK").estimate, bool)


async def use_async_client(messages: list[Message]) -> None:
    """Make the calls of a client with await."""
    async with AsyncClient("https://api.infobip.com", auth=ApiKey("key"), connections=4) as client:
        assert_type(client, AsyncClient)
        sent = await client.send_text("41793026727", "Hello", from_="InfoSMS", timeout=1)
        assert_type(sent, SmsResponseDetails)
        assert_type(await client.send(build(), wire="xml"), SmsResponse)
        assert_type(await client.fetch_delivery_reports(limit=10), DeliveryReports)
        assert_type(await client.get_scheduled("b"), BulkResponse)
        await client.send_text("41793026727", "Hello", sender="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        await client.send_text(41793026727, "Hello")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        async for outcome in client.send_many(iter(messages), chunk=500, journal="run.journal"):
            assert_type(outcome, Outcome)
        async for found in client.reconcile(["a"], reports=True):
            assert_type(found, Reconciled)
    assert_type(AsyncClient.from_env(timeout=3), AsyncClient)
    assert_type(AsyncClient.from_client(Client.from_env()), AsyncClient)
