"""Delivery of reports to notify URLs."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from infobip_sms import DeliveryReports
from infobip_sms.codecs import wire_json, wire_xml
from infobip_sms.rules import get_retry_delay
from infobip_sms.sandbox.config import SandboxSettings
from infobip_sms.sandbox.lifecycle.engine import advance
from infobip_sms.sandbox.lifecycle.webhooks import (
    WebhookRequest,
    WebhookResult,
    check_notify_url,
    get_dead_letters,
    parse_notify_url,
    pop_webhook_requests,
)
from tests.sandbox.lifecycle.virtual_sandbox import CALLBACK, START, Bench, minutes

REFUSING = WebhookResult(503, "HTTP 503")
EVERY_ATTEMPT = minutes(
    0,
    1,
    3,
    8,
    18,
    35,
    61,
    98,
    148,
    213,
    295,
    396,
    518,
    663,
    833,
    1030,
    1256,
    1513,
    1803,
    2128,
    2490,
)


def test_dlr_006_the_gaps_are_those_of_the_documentation() -> None:
    """1 + n * n minutes: 1, 2, 5, 10, 17, 26, 37."""
    assert [get_retry_delay(n) for n in range(7)] == minutes(1, 2, 5, 10, 17, 26, 37)


def test_dlr_006_an_unacknowledged_report_is_dead_after_21_attempts() -> None:
    """20 retries at the documented instants, the last 41 hours 30 minutes after the first attempt."""
    virtual = Bench(delay=0)
    virtual.callback = lambda _: REFUSING
    virtual.send("41793026727", notifyUrl=CALLBACK)
    virtual.wait(hours=41, minutes=29)
    unfinished = get_dead_letters(virtual.state)
    virtual.wait(days=10)
    (dead,) = get_dead_letters(virtual.state)

    assert [p.at - START for p in virtual.pushed] == EVERY_ATTEMPT
    assert EVERY_ATTEMPT[-1] == dt.timedelta(hours=41, minutes=30)
    assert len({p.posting.body for p in virtual.pushed}) == 1
    assert unfinished == []
    assert (dead.attempts, dead.reason, dead.final_state) == (21, "HTTP 503", "dead")


@pytest.mark.parametrize(
    "answer",
    [
        WebhookResult(500),
        WebhookResult(404),
        WebhookResult(301),
        WebhookResult(199),
        WebhookResult(None),
    ],
)
def test_dlr_006_only_2xx_acknowledges_a_report(answer: WebhookResult) -> None:
    """The report is retried a minute after an error, a redirect or no response."""
    virtual = Bench(delay=0)
    virtual.callback = lambda _: answer if len(virtual.pushed) == 1 else WebhookResult(204)
    virtual.send("41", notifyUrl=CALLBACK)
    virtual.wait(days=3)

    assert [p.at - START for p in virtual.pushed] == minutes(0, 1)
    assert get_dead_letters(virtual.state) == []


def test_reports_of_one_message_keep_their_order() -> None:
    """The final report waits for an unacknowledged intermediate one, and then follows at once."""
    virtual = Bench()
    virtual.callback = lambda _: REFUSING if len(virtual.pushed) < 3 else WebhookResult(200)
    virtual.send("9990320000005", notifyUrl=CALLBACK, intermediateReport=True)
    virtual.wait(hours=1)

    assert [(p.status, p.at - START) for p in virtual.pushed] == list(
        zip([3, 3, 3, 5], minutes(0, 1, 3, 3), strict=True)
    )


def test_a_message_that_is_stuck_does_not_hold_up_others() -> None:
    """Only reports of the same message wait for each other."""
    virtual = Bench()
    virtual.callback = lambda _: (
        REFUSING if virtual.pushed[-1].to == "9990120000005" else WebhookResult(200)
    )
    virtual.send("9990120000005", "9990120000009", notifyUrl=CALLBACK, intermediateReport=True)
    virtual.wait(seconds=30)

    assert [(p.to, p.status) for p in virtual.pushed] == [
        ("9990120000005", 3),
        ("9990120000009", 3),
        ("9990120000009", 9),
    ]


def test_the_final_report_follows_a_dead_intermediate_one() -> None:
    """When the intermediate report has been given up the final one has its own 21 attempts."""
    virtual = Bench()
    virtual.callback = lambda _: REFUSING
    virtual.send("9990120000005", notifyUrl=CALLBACK, intermediateReport=True)
    virtual.wait(days=5)

    assert [p.status for p in virtual.pushed] == [3] * 21 + [5] * 21
    assert virtual.pushed[21].at == virtual.pushed[20].at
    assert len(get_dead_letters(virtual.state)) == 2


def test_a_report_is_posted_once_until_its_result_is_known() -> None:
    """A report that awaits its result is not posted a second time."""
    virtual = Bench()
    virtual.send("9990030000005", notifyUrl=CALLBACK, intermediateReport=True)
    advance(virtual.state, START, virtual.settings)
    first = pop_webhook_requests(virtual.state, START, virtual.settings)
    later = START + dt.timedelta(hours=1)
    advance(virtual.state, later, virtual.settings)

    assert len(first) == 1
    assert pop_webhook_requests(virtual.state, later, virtual.settings) == []


@pytest.mark.parametrize("media", ["application/json", "application/xml", None])
def test_dlr_001_to_004_a_report_has_what_the_documentation_shows(media: str | None) -> None:
    """Format as asked (JSON if not), names of the message, both times, price, callbackData in full."""
    data = "ş<&>\"'𝄞 " * 25
    asked = {} if media is None else {"notifyContentType": media}
    virtual = Bench()
    answer = virtual.send(
        "9990210000005",
        "9990210000005",
        text="x" * 161,
        notifyUrl=CALLBACK,
        callbackData=data,
        bulkId="BULK-ID",
        **{"from": "InfoSMS", **asked},
    )
    virtual.wait(seconds=3)
    webhook_request = virtual.pushed[1].posting
    codec: Any = wire_xml if media == "application/xml" else wire_json
    (report,) = codec.parse_response(webhook_request.body, DeliveryReports).results

    assert len(data) == 200
    assert webhook_request.content_type == (media or "application/json")
    assert (report.bulk_id, report.message_id) == ("BULK-ID", answer["messages"][1]["messageId"])
    assert (report.to, report.from_) == ("9990210000005", "InfoSMS")
    assert (report.sent_at, report.done_at) == (START, START + dt.timedelta(seconds=2))
    assert report.callback_data == data
    assert (report.sms_count, report.mcc_mnc) == (2, "00101")
    assert (str(report.price.price_per_message), report.price.currency) == ("0.01", "EUR")
    assert (report.status.name, report.error.name) == ("DELIVERED_TO_HANDSET", "NO_ERROR")
    assert b"2030-01-01T12:00:02.000+0000" in webhook_request.body


def test_a_character_that_xml_cannot_represent_is_replaced_in_a_report() -> None:
    """The report is not lost, and its callback server can read it (TEXT-002)."""
    virtual = Bench(delay=0)
    virtual.send(
        "41", notifyUrl=CALLBACK, notifyContentType="application/xml", callbackData="a\x01b"
    )
    virtual.wait(seconds=1)
    (pushed,) = virtual.pushed

    assert pushed.report.callback_data == "a\ufffdb"
    assert not get_dead_letters(virtual.state)


@pytest.mark.parametrize(
    ("url", "hosts", "goes"),
    [
        ("http://127.0.0.1:8081/x", (), True),
        ("http://127.8.9.1/x", (), True),
        ("https://localhost/x", (), True),
        ("HTTP://LOCALHOST/x", (), True),
        ("http://[::1]:8081", (), True),
        ("https://www.example.com/x", (), False),
        ("http://10.0.0.1/x", (), False),
        ("http://169.254.169.254/latest/meta-data", (), False),
        ("http://127.0.0.1.example.com/x", (), False),
        ("http://127.0.0.1@www.example.com/x", (), False),
        ("http://www.example.com\\@127.0.0.1/x", ("other",), True),
        ("http://localhost.example.com/x", (), False),
        ("http://0.0.0.0/x", (), False),
        ("https://www.example.com/x", ("www.example.com",), True),
        ("https://www.example.com/x", ("example.com",), False),
        ("https://www.example.com/x", ("*",), True),
        ("ftp://127.0.0.1/x", ("*",), False),
        ("file:///etc/passwd", ("*",), False),
        ("not a url", ("*",), False),
        ("", ("*",), False),
        ("http://", ("*",), False),
        ("http://[::1", ("*",), False),
        ("http://127.0.0.1:99999/", ("*",), False),
        ("http://127.0.0.1:x/", ("*",), False),
    ],
)
def test_reports_go_to_this_machine_unless_the_settings_say_otherwise(
    url: str, hosts: tuple[str, ...], goes: bool
) -> None:
    """A URL that a request brings is no way into other networks; why not is said."""
    assert (check_notify_url(url, SandboxSettings(push_to=hosts)) == "") == goes


def test_what_is_connected_to_is_what_was_checked() -> None:
    """The parts that are connected to are the parts that were looked at; the path is made fit for HTTP."""
    tricky = parse_notify_url("http://www.example.com\\@127.0.0.1/ü a?b=ü#part")
    plain = parse_notify_url("https://localhost")

    assert tricky is not None
    assert plain is not None
    assert (tricky.host, tricky.port, tricky.path) == ("127.0.0.1", 80, "/%C3%BC%20a?b=%C3%BC")
    assert (plain.scheme, plain.port, plain.path) == ("https", 443, "/")


def test_a_report_that_was_fetched_is_still_posted() -> None:
    """A callback server that was away gets what was fetched meanwhile; nobody gets what it took (READ-037)."""
    virtual = Bench(delay=0)
    virtual.callback = lambda _: REFUSING if len(virtual.pushed) <= 2 else WebhookResult(200)
    virtual.send("41", "42", notifyUrl=CALLBACK)
    virtual.wait(seconds=1)
    fetched = [r.to for r in virtual.reports(limit=1)]
    virtual.wait(minutes=2)

    assert fetched == ["41"]
    assert [p.to for p in virtual.pushed] == ["41", "42", "41", "42"]
    assert virtual.reports() == []


def test_what_is_not_posted_stays_visible_and_can_be_fetched() -> None:
    """A report for another host is a dead letter from the start, with the reason, and waits to be fetched."""
    virtual = Bench(delay=0)
    virtual.send("41", notifyUrl="https://www.example.com/sms/advanced", intermediateReport=True)
    virtual.wait(days=1)
    letters = get_dead_letters(virtual.state)

    assert virtual.pushed == []
    assert [(d.attempts, d.is_final) for d in letters] == [(0, False), (0, True)]
    assert "not this machine" in letters[0].reason
    assert len(virtual.reports()) == 1


def test_reports_of_many_messages_come_in_the_order_in_which_they_happened() -> None:
    """Across messages reports go out by time, and at the same instant in the order of acceptance."""
    virtual = Bench(delay=0)
    virtual.send(*(f"99905{n % 2 + 1}0000005" for n in range(6)), notifyUrl=CALLBACK)
    virtual.send("9990110000009", "41", notifyUrl=CALLBACK)
    virtual.wait(seconds=9)

    assert [p.report.to for p in virtual.pushed] == [
        "41",
        "9990110000009",
        *(f"99905{n % 2 + 1}0000005" for n in range(6)),
    ]


def test_dlr_001_no_url_no_webhook() -> None:
    """Without notifyUrl nothing is posted and nothing is dead."""
    virtual = Bench()
    virtual.send("41", intermediateReport=True)
    virtual.wait(days=1)

    assert (virtual.pushed, get_dead_letters(virtual.state)) == ([], [])


def test_a_posting_shows_nothing_of_what_it_carries() -> None:
    """Its repr has neither body nor path, which may hold numbers and keys."""
    virtual = Bench(delay=0)
    shown: list[WebhookRequest] = []

    def take(posting: WebhookRequest) -> WebhookResult:
        shown.append(posting)
        return WebhookResult(200)

    virtual.callback = take
    virtual.send("41793026727", notifyUrl="http://localhost/secret", callbackData="mine")
    virtual.wait(seconds=1)

    assert json.loads(shown[0].body)["results"][0]["to"] == "41793026727"
    for word in ("41793026727", "secret", "mine"):
        assert word not in repr(shown[0])
