"""Scheduled bulks: their statuses, and rescheduling."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from infobip_sms_schema import (
    BulkRequest,
    BulkResponse,
    BulkStatus,
    BulkStatusRequest,
    BulkStatusResponse,
)

from tests.sandbox.lifecycle.virtual_sandbox import CODECS, SEND, START, Bench, find_text, find_word

BULKS, STATUS = "/sms/1/bulks", "/sms/1/bulks/status"
LATER = "2030-01-02T13:00:00.000+01:00"  # a day after the start
both = pytest.mark.parametrize("wire", ["json", "xml"])


def schedule(*to: str, **message: Any) -> Bench:
    """Return a sandbox with one scheduled bulk, B."""
    virtual = Bench(delay=0)
    virtual.send(*(to or ("41", "42")), **{"bulkId": "B", "sendAt": LATER, **message})
    return virtual


def find_status(bench: Bench, wire: str = "json") -> str:
    """Return the state of the bulk."""
    reply = bench.ask("GET", STATUS, b"", wire, bulkId="B")
    assert reply.status == 200
    response = CODECS[wire].parse_response(reply.body, BulkStatusResponse)
    assert response.bulk_id == "B"
    return str(response.status)


def set_status(bench: Bench, status: str, wire: str = "json") -> Any:
    """Bring the bulk into another state; return the response."""
    body = CODECS[wire].dump_model(BulkStatusRequest(status=BulkStatus(status)))
    return bench.ask("PUT", STATUS, body, wire, bulkId="B")


def move(bench: Bench, instant: dt.datetime, wire: str = "json") -> Any:
    """Move the bulk; return the response."""
    body = CODECS[wire].dump_model(BulkRequest(send_at=instant))
    return bench.ask("PUT", BULKS, body, wire, bulkId="B")


def sent(bench: Bench) -> list[float]:
    """Return the hours after the start at which messages were sent."""
    times = [sms.sent_at for sms in bench.state.messages.values()]
    return [(at - START).total_seconds() / 3600 for at in times if at]


@both
def test_bulk_001_a_scheduled_bulk_says_when(wire: str) -> None:
    """The response has bulkId and sendAt, in the time zone in which it was asked for."""
    virtual = schedule()
    reply = virtual.ask("GET", BULKS, b"", wire, bulkId="B")
    response = CODECS[wire].parse_response(reply.body, BulkResponse)

    assert response.bulk_id == "B"
    assert response.send_at == dt.datetime.fromisoformat(LATER)
    assert LATER.encode() in reply.body


@both
def test_bulk_002_a_bulk_is_moved(wire: str) -> None:
    """The response and every later one have the new instant; the messages are sent then, and only then."""
    virtual = schedule()
    reply = move(virtual, START + dt.timedelta(hours=2), wire)
    response = CODECS[wire].parse_response(reply.body, BulkResponse)
    again = virtual.ask("GET", BULKS, b"", wire, bulkId="B")
    virtual.wait(days=3)

    assert response.send_at == START + dt.timedelta(hours=2)
    assert again.body == reply.body
    assert sent(virtual) == [2, 2]


def test_bulk_002_a_bulk_is_moved_back_and_forth() -> None:
    """Only the last instant counts; one in the past means at once (READ-019)."""
    virtual = schedule()
    move(virtual, START + dt.timedelta(hours=1))
    move(virtual, START + dt.timedelta(hours=9))
    virtual.wait(hours=5)
    move(virtual, START)
    virtual.wait(days=3)

    assert sent(virtual) == [5, 5]


@both
def test_bulk_003_states_follow_the_clock(wire: str) -> None:
    """PENDING before its instant, PROCESSING while messages are under way, FINISHED afterwards."""
    virtual = schedule("9993010000005", "41")
    seen = [find_status(virtual, wire)]
    virtual.wait(hours=24, milliseconds=-1)
    seen.append(find_status(virtual, wire))
    virtual.wait(milliseconds=1)
    seen.append(find_status(virtual, wire))
    virtual.wait(seconds=29)
    seen.append(find_status(virtual, wire))
    virtual.wait(seconds=1)
    seen.append(find_status(virtual, wire))

    assert seen == ["PENDING", "PENDING", "PROCESSING", "PROCESSING", "FINISHED"]


def test_bulk_003_a_bulk_of_which_nothing_was_sent_has_failed() -> None:
    """Messages that expire before their window opens, or are rejected, make the bulk FAILED."""
    never = {"deliveryTimeWindow": {"days": ["SATURDAY"]}, "validityPeriod": 60}
    expiring, rejected = schedule(**never), schedule("9990110000006")
    for virtual in (expiring, rejected):
        virtual.wait(days=3)

    assert find_status(expiring) == find_status(rejected) == "FAILED"
    assert {log.status.name for log in expiring.logs()} == {"EXPIRED_EXPIRED"}


@both
def test_bulk_003_a_paused_bulk_is_not_sent_until_it_is_resumed(wire: str) -> None:
    """Nothing happens at its instant; resumed later it is sent at once, its validity period still to come."""
    virtual = schedule(validityPeriod=60)
    response = set_status(virtual, "PAUSED", wire)
    virtual.wait(days=5)
    paused = find_status(virtual, wire)
    unsent = sent(virtual)
    resumed = set_status(virtual, "PENDING", wire)
    virtual.wait(seconds=1)

    assert CODECS[wire].parse_response(response.body, BulkStatusResponse).status == "PAUSED"
    assert CODECS[wire].parse_response(resumed.body, BulkStatusResponse).status == "PENDING"
    assert (paused, unsent) == ("PAUSED", [])
    assert sent(virtual) == [120, 120]
    assert find_status(virtual, wire) == "FINISHED"


def test_bulk_003_a_bulk_that_is_resumed_in_time_keeps_its_instant() -> None:
    """Paused, moved and resumed before its instant it is sent at its instant."""
    virtual = schedule()
    set_status(virtual, "PAUSED")
    moved = move(virtual, START + dt.timedelta(hours=30))
    virtual.wait(hours=1)
    set_status(virtual, "PENDING")
    virtual.wait(days=3)

    assert moved.status == 200
    assert sent(virtual) == [30, 30]


def test_bulk_003_a_canceled_bulk_is_never_sent() -> None:
    """It stays CANCELED, and its messages get no report."""
    virtual = schedule()
    set_status(virtual, "CANCELED")
    virtual.wait(days=30)

    assert find_status(virtual) == "CANCELED"
    assert sent(virtual) == []
    assert virtual.reports() == []
    assert {log.status.id for log in virtual.logs()} == {26}


@pytest.mark.parametrize(
    ("steps", "last", "status"),
    [
        ([], "PENDING", 400),
        ([], "PROCESSING", 400),
        ([], "FINISHED", 400),
        ([], "FAILED", 400),
        ([], "PAUSED", 200),
        ([], "CANCELED", 200),
        (["PAUSED"], "PAUSED", 400),
        (["PAUSED"], "PENDING", 200),
        (["PAUSED"], "CANCELED", 200),
        (["PAUSED"], "FINISHED", 400),
        (["PAUSED", "PENDING"], "PAUSED", 200),
        (["CANCELED"], "PENDING", 400),
        (["CANCELED"], "PAUSED", 400),
        (["CANCELED"], "CANCELED", 400),
    ],
)
def test_read_024_moves_between_states(steps: list[str], last: str, status: int) -> None:
    """PENDING and PAUSED into each other and into CANCELED; every other move is rejected and says why."""
    virtual = schedule()
    for step in steps:
        assert set_status(virtual, step).status == 200
    before = find_status(virtual)
    response = set_status(virtual, last)

    assert response.status == status
    assert find_status(virtual) == (last if status == 200 else before)
    if status == 400:
        assert f"{before}; it cannot become {last}" in find_text(response)


@pytest.mark.parametrize("to", ["41", "9993010000005"])
def test_read_024_what_has_begun_cannot_be_changed(to: str) -> None:
    """While it is PROCESSING and when it is FINISHED a bulk is neither rescheduled nor paused nor canceled."""
    virtual = schedule(to)
    virtual.wait(days=1, seconds=1)
    responses = [
        move(virtual, START + dt.timedelta(days=9)),
        *(set_status(virtual, status) for status in ("PAUSED", "CANCELED", "PENDING")),
    ]
    virtual.wait(days=10)

    assert [r.status for r in responses] == [400] * 4
    assert sent(virtual) == [24]


@both
def test_bulk_004_an_unknown_bulk_is_not_found(wire: str) -> None:
    """404 from all four operations, with the documented word."""
    virtual = Bench()
    responses = [
        virtual.ask("GET", BULKS, b"", wire, bulkId="B"),
        virtual.ask("GET", STATUS, b"", wire, bulkId="B"),
        move(virtual, START, wire),
        set_status(virtual, "PAUSED", wire),
    ]

    assert [(r.status, find_word(r, wire)) for r in responses] == [(404, "NOT_FOUND")] * 4
    assert find_text(responses[0], wire) == "Bulk not found"


def test_bulk_005_only_a_request_with_one_message_for_later_is_a_bulk() -> None:
    """Two messages, no sendAt, or one in the past: there is nothing to move."""
    virtual = Bench()
    one = {"destinations": [{"to": "41"}], "sendAt": LATER}
    for bulk, messages in (
        ("two", [one, one]),
        ("now", [{"destinations": [{"to": "41"}, {"to": "42"}]}]),
        ("past", [{**one, "sendAt": "2015-07-07T17:00:00.000+01:00"}]),
        ("B", [one]),
    ):
        body = json.dumps({"bulkId": bulk, "messages": messages}).encode()
        assert virtual.ask("POST", SEND, body).status == 200
    found = [virtual.ask("GET", BULKS, bulkId=bulk).status for bulk in ("two", "now", "past", "B")]

    assert found == [404, 404, 404, 200]


def test_bulk_005_a_bulk_without_an_id_gets_one_in_the_response() -> None:
    """One message for later, to one destination: the response has a bulkId, given or made, to move it by."""
    virtual = Bench()
    made = virtual.send("41", sendAt=LATER)["bulkId"]
    given = virtual.send("41", sendAt=LATER, bulkId="mine")["bulkId"]

    assert given == "mine"
    assert virtual.ask("GET", BULKS, bulkId=made).status == 200
    assert "bulkId" not in virtual.send("41")


def test_bulk_005_an_id_that_is_reused_is_that_of_the_last_bulk() -> None:
    """The earlier bulk is sent as it was scheduled."""
    virtual = schedule("41")
    virtual.send("42", bulkId="B", sendAt=LATER)
    set_status(virtual, "CANCELED")
    virtual.wait(days=2)

    assert [s.to for s in virtual.state.messages.values() if s.sent_at] == ["41"]
