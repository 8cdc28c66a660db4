"""Delivery reports, returned once, and logs, readable any number of times."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from infobip_sms.sandbox.lifecycle.webhooks import WebhookResult
from tests.sandbox.lifecycle.virtual_sandbox import CALLBACK, START, Bench, find_text, find_word

both = pytest.mark.parametrize("wire", ["json", "xml"])


@both
def test_dlr_007_a_report_is_fetched_once(wire: str) -> None:
    """The second call has nothing; the logs still have everything."""
    virtual = Bench()
    virtual.send("41", "9990110000009")
    early = virtual.reports(wire)
    virtual.wait(seconds=5)
    first, second = virtual.reports(wire), virtual.reports(wire)

    assert early == second == []
    assert [(r.to, r.status.id) for r in first] == [("41", 5), ("9990110000009", 9)]
    assert len(virtual.logs(wire)) == len(virtual.logs(wire)) == 2


@both
def test_dlr_008_the_limit_cuts_and_the_rest_waits(wire: str) -> None:
    """50 reports without a limit, as many as the limit says with one, none of them twice."""
    virtual = Bench(delay=0)
    virtual.send(*(f"41{n:03}" for n in range(160)))
    virtual.wait(seconds=1)
    pages = [
        virtual.reports(wire),
        virtual.reports(wire, limit=7),
        virtual.reports(wire, limit=1000),
    ]
    numbers = [r.to for page in pages for r in page]

    assert [len(page) for page in pages] == [50, 7, 103]
    assert numbers == [f"41{n:03}" for n in range(160)]
    assert virtual.reports(wire) == []


def test_dlr_007_filters_take_only_what_fits() -> None:
    """Both bulkId and messageId choose; what they leave out can still be fetched."""
    virtual = Bench(delay=0)
    (entry, *_) = virtual.send("41", "42", bulkId="one")["messages"]
    virtual.send("43", "44", bulkId="two")
    virtual.wait(seconds=1)

    assert virtual.reports(bulkId="none") == []
    assert virtual.reports(messageId=entry["messageId"], bulkId="two") == []
    assert [r.to for r in virtual.reports(messageId=entry["messageId"])] == ["41"]
    assert [r.to for r in virtual.reports(bulkId="two", limit=1)] == ["43"]
    assert [r.to for r in virtual.reports()] == ["42", "44"]


def test_dlr_007_a_rejected_request_fetches_nothing() -> None:
    """A bad limit, or bad credentials, leave the reports where they are."""
    virtual = Bench(delay=0)
    virtual.send("41")
    virtual.wait(seconds=1)
    bad = virtual.ask("GET", "/sms/1/reports", limit=0)
    stranger = virtual.ask("GET", "/sms/1/reports", headers={"authorization": "App x"})

    assert (bad.status, stranger.status) == (400, 401)
    assert len(virtual.reports()) == 1


def test_dlr_007_reports_reach_back_48_hours() -> None:
    """A report that nobody fetched is not there any more after 48 hours."""
    virtual = Bench(delay=0)
    virtual.send("40", "41")
    virtual.wait(hours=48)
    last = virtual.reports(limit=1)
    virtual.send("42")
    virtual.wait(milliseconds=1)

    assert [r.to for r in last] == ["40"]
    assert [r.to for r in virtual.reports()] == ["42"]


def test_an_acknowledged_report_cannot_be_fetched() -> None:
    """Only reports that no callback server acknowledged are fetched, even while retries go on."""
    virtual = Bench(delay=0)
    virtual.callback = lambda _: (
        WebhookResult(500) if virtual.pushed[-1].to == "42" else WebhookResult(200)
    )
    virtual.send("41", "42", notifyUrl=CALLBACK)
    virtual.send("43")
    virtual.wait(seconds=1)

    assert [r.to for r in virtual.reports()] == ["42", "43"]


def test_an_intermediate_report_acknowledged_late_leaves_the_final_one_fetchable() -> None:
    """The callback server acknowledged the intermediate report, not the final one."""
    virtual = Bench()
    virtual.callback = lambda _: WebhookResult(200 if len(virtual.pushed) == 2 else 500)
    virtual.send("9990120000005", notifyUrl=CALLBACK, intermediateReport=True)
    virtual.wait(minutes=1, seconds=30)

    assert [p.status for p in virtual.pushed] == [3, 3, 5]
    assert [r.status.id for r in virtual.reports()] == [5]


def test_a_final_report_only_can_be_fetched() -> None:
    """Intermediate reports and statuses that are not final are for callback servers."""
    virtual = Bench()
    virtual.send("9990590000005", "9990010000007", "9990500000005", intermediateReport=True)
    virtual.wait(seconds=4)
    early = virtual.reports()
    virtual.wait(seconds=1)

    assert early == []
    assert [r.to for r in virtual.reports()] == ["9990590000005"]


def test_text_002_what_xml_cannot_carry_is_replaced_there_and_as_it_was_in_json() -> None:
    """A report or log with such a text is in both formats."""
    virtual = Bench(delay=0)
    virtual.send("41", text="\x01", callbackData="\x01")
    virtual.send("42", text="fine")
    virtual.wait(seconds=1)

    assert [log.text for log in virtual.logs("xml")] == ["fine", "\ufffd"]
    assert [log.text for log in virtual.logs("json")] == ["fine", "\x01"]
    assert [r.callback_data for r in virtual.reports("json", limit=1)] == ["\x01"]
    assert [r.to for r in virtual.reports("xml")] == ["42"]


# ---------------------------------------------------------------- logs


def fill() -> Bench:
    """Return a sandbox with one message of each kind, a minute apart; oldest first: a to f."""
    virtual = Bench(delay=0)
    for name, to, sender, bulk in (
        ("a", "41", "InfoSMS", "one"),
        ("b", "+42", "InfoSMS", "two"),
        ("c", "9990010000006", None, "one"),
        ("d", "9990110000009", "Other", "three"),
        ("e", "9990010000007", "Other", "three"),
        ("f", "9990110000015", "Other", "three"),
    ):
        given: dict[str, Any] = {"from": sender} if sender else {}
        virtual.send(to, bulkId=bulk, text=name, **given)
        virtual.wait(minutes=1)
    return virtual


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"to": "41"}, "a"),
        ({"to": "+41"}, "a"),
        ({"to": "42"}, "b"),
        ({"to": "4"}, ""),
        ({"from": "InfoSMS"}, "ba"),
        ({"from": "infosms"}, ""),
        ({"from": ""}, ""),
        ({"bulkId": "one"}, "ca"),
        ({"bulkId": ["one", "two", "one"]}, "cba"),
        ({"bulkId": "none"}, ""),
        ({"bulkId": ["one", "none"], "from": "InfoSMS"}, "a"),
        ({"generalStatus": "DELIVERED"}, "ba"),
        ({"generalStatus": "REJECTED"}, "c"),
        ({"generalStatus": "UNDELIVERABLE"}, "d"),
        ({"generalStatus": "PENDING"}, "e"),
        ({"generalStatus": "EXPIRED"}, "f"),
        ({"generalStatus": "ACCEPTED"}, ""),
        ({"sentSince": "2030-01-01T12:04:00.000+00:00"}, "f"),
        ({"sentSince": "2030-01-01T13:03:00.000+01:00"}, "fd"),
        ({"sentUntil": "2030-01-01T12:01:00.000+00:00"}, "a"),
        ({"sentUntil": "2030-01-01T12:01:00.001+0000"}, "ba"),
        (
            {
                "sentSince": "2030-01-01T12:01:00.000+0000",
                "sentUntil": "2030-01-01T12:03:00.000+0000",
            },
            "cb",
        ),
        ({"mcc": "001"}, "fedcba"),
        ({"mcc": "001", "mnc": "01"}, "fedcba"),
        ({"mcc": "228"}, ""),
        ({"mcc": "001", "mnc": "02"}, ""),
        ({"limit": 2}, "fe"),
        ({"limit": 1}, "f"),
        ({"unknown": "x", "bulkId[]": "one"}, "fedcba"),
        ({}, "fedcba"),
    ],
)
def test_log_001_to_007_every_filter_chooses(parameters: dict[str, Any], expected: str) -> None:
    """Newest message first, all filters at once, unknown parameters passed over."""
    virtual = fill()
    seen = [log.text for log in virtual.logs(**parameters)]

    assert "".join(seen) == expected


def test_log_002_several_names_are_several_parameters() -> None:
    """A messageId may be repeated; an unknown one adds nothing."""
    virtual = Bench()
    names = [virtual.send(to)["messages"][0]["messageId"] for to in ("41", "42", "43")]

    assert [m.to for m in virtual.logs(messageId=[names[2], "none", names[0], names[0]])] == [
        "43",
        "41",
    ]
    assert virtual.logs(messageId=["none"]) == []
    assert virtual.logs(messageId=names[0], bulkId="none") == []


def test_log_003_fifty_messages_without_a_limit() -> None:
    """The default is 50; the limit reaches to 1000."""
    virtual = Bench()
    virtual.send(*(f"41{n:04}" for n in range(1100)))

    assert len(virtual.logs()) == 50
    assert len(virtual.logs(limit=1000)) == 1000
    assert len(virtual.logs("xml", limit=60)) == 60


def test_log_001_logs_reach_back_48_hours() -> None:
    """A message is there until 48 hours after it was sent, and while it waits to be sent."""
    virtual = Bench(delay=0)
    virtual.send("41", text="now")
    virtual.send("42", text="later", sendAt="2030-01-05T12:00:00.000+00:00")
    virtual.wait(hours=48)
    last = virtual.logs()
    virtual.wait(milliseconds=1)
    after = virtual.logs()
    virtual.wait(days=3)
    then = virtual.logs()
    virtual.wait(days=1)

    assert [log.text for log in last] == ["later", "now"]
    assert [log.text for log in after] == [log.text for log in then] == ["later"]
    assert virtual.logs() == []


@both
def test_log_001_a_log_has_what_the_documentation_shows(wire: str) -> None:
    """The fields of a report and the text; a rejected message costs nothing and keeps its action."""
    virtual = Bench(delay=0.01)
    virtual.send("9990010000006", "41", text="Test SMS.", bulkId="b", **{"from": "InfoSMS"})
    virtual.wait(seconds=1)
    delivered, rejected = virtual.logs(wire)

    assert (delivered.bulk_id, delivered.to, delivered.from_) == ("b", "41", "InfoSMS")
    assert (delivered.text, delivered.sms_count, delivered.mcc_mnc) == ("Test SMS.", 1, "00101")
    assert delivered.done_at - delivered.sent_at == dt.timedelta(milliseconds=10)
    assert (str(delivered.price.price_per_message), delivered.price.currency) == ("0.01", "EUR")
    assert rejected.status.action == "Contact account manager"
    assert rejected.error.name == "NO_ERROR"
    assert rejected.sent_at == rejected.done_at == START
    assert rejected.price.price_per_message == 0


@pytest.mark.parametrize(
    ("path", "parameters", "words"),
    [
        ("/sms/1/reports", {"limit": 0}, ["limit: expected", "got 0 (", "DLR-008"]),
        ("/sms/1/reports", {"limit": 1001}, ["limit", "DLR-008"]),
        ("/sms/1/reports", {"limit": "many"}, ["limit", "a whole number", "DLR-008"]),
        ("/sms/1/reports", {"limit": ""}, ["limit", "DLR-008"]),
        ("/sms/1/reports", {"limit": "1.0"}, ["limit", "DLR-008"]),
        ("/sms/1/reports", {"limit": "\u0661"}, ["limit", "DLR-008"]),
        ("/sms/1/reports", {"limit": [1, 1]}, ["limit: expected", "got 2 values", "DLR-008"]),
        (
            "/sms/1/reports",
            {"messageId": ["a", "b"]},
            ["messageId: expected", "got 2 values", "DLR-007"],
        ),
        ("/sms/1/logs", {"limit": "9" * 5000}, ["limit", "LOG-003"]),
        ("/sms/1/logs", {"mcc": "22"}, ["mcc", "LOG-004"]),
        ("/sms/1/logs", {"mcc": "228", "mnc": "x"}, ["mnc", "LOG-004"]),
        ("/sms/1/logs", {"mnc": "01"}, ["mcc: expected", "got nothing", "LOG-005"]),
        ("/sms/1/logs", {"generalStatus": "FINE"}, ["generalStatus", "LOG-006"]),
        ("/sms/1/logs", {"sentSince": "yesterday"}, ["sentSince", "LOG-007"]),
        ("/sms/1/logs", {"sentUntil": "2030-01-01T12:00:00.000"}, ["sentUntil", "LOG-007"]),
        ("/sms/1/logs", {"limit": 0, "mcc": "1"}, ["limit", "mcc", "LOG-003", "LOG-004"]),
        ("/sms/1/bulks", {}, ["bulkId: expected", "got nothing", "BULK-001"]),
        ("/sms/1/bulks", {"bulkId": ""}, ["bulkId", "BULK-001"]),
    ],
)
@both
def test_invalid_parameters_are_rejected_by_name(
    path: str, parameters: dict[str, Any], words: list[str], wire: str
) -> None:
    """400 with the path of each parameter and the requirement that it violates, in both formats."""
    response = Bench().ask("GET", path, b"", wire, **parameters)

    assert (response.status, find_word(response, wire)) == (400, "BAD_REQUEST")
    assert [w for w in words if w not in find_text(response, wire)] == []
